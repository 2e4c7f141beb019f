"""One metric held against an earlier run's: what is proven, what passes, what cannot be told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_runs import BUSY, digests, made_case, measured_case, milliseconds

from pytest_modelbench.catalogue import better_of
from pytest_modelbench.execution.latency import latency_metrics, rate_metrics
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.comparable import KEYS, Difference
from pytest_modelbench.judge.stored.verdict import stored_verdict
from pytest_modelbench.results.comparison import Verdict
from pytest_modelbench.results.metric import Metric, failed, measured
from pytest_modelbench.suite.tolerance import parse_tolerance


def judge(
    before: Metric | float | None,
    after: Metric | float | None,
    metric: str = "p50_latency_ms",
    tolerance: str | float | None = "5%",
    history: list[Metric | float] | None = None,
    differences: tuple[str, ...] = (),
    verdict_count: int = 1,
    better: Any = None,
    **fields: Any,
) -> Verdict:
    asked = Question(
        metric,
        better or better_of(metric) or "lower",
        None if tolerance is None else parse_tolerance(tolerance),
    )
    baseline = measured_case(
        made_case(metrics={metric: before} if before is not None else {"x": 1.0}), 1
    )
    candidate = measured_case(
        made_case(metrics={metric: after} if after is not None else {"x": 1.0}, **fields), -1
    )
    sessions = [baseline]
    for number, one in enumerate(history or []):
        sessions.append(measured_case(made_case(metrics={metric: one}), 10 + number))
    barred = [Difference(key, f"{key}: a -> b") for key in KEYS if key in differences]
    return stored_verdict(asked, baseline, candidate, sessions, barred, verdict_count)


QUIET: list[Metric | float] = [10.0 * (1 + 0.01 * (-1) ** number) for number in range(20)]
"""Earlier sessions that differ by 1 %."""


def test_a_tenfold_slow_down_is_proven_without_any_history() -> None:
    verdict = judge(10.0, 100.0)
    assert (verdict.outcome, verdict.method) == ("regression", "stored")
    assert verdict.change == pytest.approx(9.0)
    assert verdict.interval is not None
    assert verdict.interval[0] is not None
    assert verdict.interval[0] > 5
    assert verdict.evidence["sessions"] == 1


def test_it_is_proven_among_a_hundred_verdicts_and_on_a_busy_machine() -> None:
    assert judge(10.0, 100.0, verdict_count=100).outcome == "regression"
    assert judge(10.0, 100.0, conditions=BUSY).outcome == "regression"


def test_a_few_per_cent_cannot_be_told_without_history() -> None:
    verdict = judge(10.0, 10.6)
    assert verdict.outcome == "inconclusive"
    assert "1 earlier run cannot tell" in (verdict.reason or "")
    assert "--suite-against" in (verdict.reason or "")
    assert verdict.smallest_detectable == pytest.approx(0.406, abs=0.001)


def test_history_of_a_quiet_machine_tells_them() -> None:
    assert judge(10.0, 10.0, history=QUIET).outcome == "pass"
    slower = judge(10.0, 10.9, history=QUIET)
    assert slower.outcome == "regression"
    assert slower.smallest_detectable is not None
    assert slower.smallest_detectable < 0.09
    assert "by 21 of them" in slower.message


def test_history_of_a_noisy_machine_does_not() -> None:
    noisy: list[Metric | float] = [8.0, 12.0] * 10
    verdict = judge(10.0, 10.9, history=noisy)
    assert verdict.outcome == "inconclusive"
    assert "differ by too much to tell" in (verdict.reason or "")


def test_it_says_how_many_more_runs_would_settle_it() -> None:
    verdict = judge(10.0, 10.0, history=QUIET[:4])
    assert verdict.outcome == "inconclusive"
    words = (verdict.reason or "").split()
    assert " ".join(words[1:10]) == "more runs as quiet as the 5 so far"
    assert judge(10.0, 10.0, history=QUIET[: 4 + int(words[0])]).outcome == "pass"
    assert judge(10.0, 10.0, history=QUIET[: 2 + int(words[0])]).outcome == "inconclusive"


def test_the_line_says_it_all() -> None:
    verdict = judge(10.0, 10.9, history=QUIET)
    start, _, end = verdict.message.partition(" [")
    assert start == "p50 latency 10 -> 10.9 ms, +9.0 %"
    assert "tolerance 5 %: regression (noise between sessions 1 %, by 21 of them, detects" in end


@pytest.mark.parametrize("after", [10.0, 11.5, 20.0])
def test_a_busy_machine_is_assumed_to_be_noisier_whatever_a_quiet_one_said(after: float) -> None:
    verdict = judge(10.0, after, history=QUIET, conditions=BUSY)
    assert verdict.outcome == "inconclusive"
    assert "the candidate was disturbed (other processes kept 1.00 of 2" in (verdict.reason or "")
    assert verdict.evidence["noise_between_sessions"] == 0.20


def test_less_is_worse_where_more_is_better() -> None:
    metric = "throughput_items_per_second"
    slow, fast = judge(100.0, 10.0, metric), judge(100.0, 1000.0, metric)
    assert slow.outcome == "regression"
    assert slow.change == pytest.approx(-0.9)
    assert slow.interval is not None
    low, high = slow.interval
    assert low is not None
    assert high is not None
    assert low < -0.9 < high < 0
    assert fast.outcome == "pass"
    assert "pass, better" in fast.message


def test_a_tolerance_in_the_metric_s_unit_gives_changes_in_it() -> None:
    verdict = judge(10.0, 100.0, tolerance=2.0)
    assert (verdict.outcome, verdict.is_relative) == ("regression", False)
    assert verdict.change == pytest.approx(90.0)
    assert verdict.tolerance == 2.0
    assert judge(10.0, 10.0, tolerance=1000.0).outcome == "pass"


def test_a_tolerance_of_nothing_left_can_never_be_used_up() -> None:
    assert judge(100.0, 1.0, "x_realtime", tolerance="100%").outcome == "pass"


def test_a_difference_that_nobody_allowed_leaves_time_untold() -> None:
    verdict = judge(10.0, 100.0, differences=("machine", "packages"))
    assert verdict.outcome == "inconclusive"
    assert verdict.change == pytest.approx(9.0)
    assert verdict.interval is None
    assert verdict.reason == (
        "machine: a -> b; packages: a -> b (--suite-baseline-allow accepts: machine, packages)"
    )


@pytest.mark.parametrize("key", KEYS)
def test_quality_is_untold_only_where_what_is_asked_differs(key: str) -> None:
    is_another_question = key in ("dataset", "parameters", "runner")
    for metric in ("exact_match", "failure_count", "wer"):
        verdict = judge(measured(1.0), measured(1.0), metric, differences=(key,))
        assert verdict.outcome == ("inconclusive" if is_another_question else "pass")
    size = measured(5.0, "MB")
    assert judge(size, size, "file_size_mb", differences=(key,)).outcome == "pass"


def test_what_is_counted_is_judged_as_it_stands() -> None:
    worse = judge(measured(0.0), measured(1.0), "failure_count", tolerance=0)
    assert (worse.outcome, worse.method, worse.change) == ("regression", "exact", 1.0)
    assert judge(measured(2.0), measured(1.0), "failure_count", tolerance=0).outcome == "pass"
    size = [measured(value, "MB") for value in (100.0, 105.0, 105.1)]
    assert judge(size[0], size[1], "file_size_mb").outcome == "pass"
    assert judge(measured(2.0, "MB"), measured(2.1, "MB"), "file_size_mb").outcome == "pass"
    larger = judge(size[0], size[2], "file_size_mb")
    assert larger.outcome == "regression"
    assert larger.message == "file size 100 -> 105.1 MB, +5.1 %, tolerance 5 %: regression"


def test_memory_is_quiet() -> None:
    def megabytes(value: float) -> Metric:
        return measured(value, "MB")

    assert judge(megabytes(100.0), megabytes(110.0), "peak_ram_mb").outcome == "regression"
    assert judge(megabytes(100.0), megabytes(100.2), "peak_ram_mb").outcome == "pass"
    # Something else on the machine makes no difference to it.
    verdict = judge(megabytes(100.0), megabytes(110.0), "peak_ram_mb", conditions=BUSY)
    assert verdict.outcome == "regression"


def test_an_increase_of_memory_near_nothing_is_no_regression() -> None:
    metrics = {"peak_ram_mb": measured(200.0, "MB")}
    sides = [
        measured_case(made_case(metrics={**metrics, "steady_ram_increase_mb": measured(one, "MB")}))
        for one in (0.01, 0.5)
    ]
    asked = Question("steady_ram_increase_mb", "lower", parse_tolerance("5%"))
    verdict = stored_verdict(asked, *sides, sessions=sides[:1])
    assert verdict.outcome == "inconclusive"
    assert "noise between sessions 2 MB" in verdict.message


def test_a_metric_of_an_unknown_kind_is_judged_by_its_history_alone() -> None:
    def bleu(value: float) -> Metric:
        return measured(value, "")

    assert judge(bleu(0.5), bleu(0.5), "bleu", better="higher").outcome == "pass"
    unknown = judge(bleu(0.5), bleu(0.3), "bleu", better="higher")
    assert unknown.outcome == "inconclusive"
    assert "nothing is known" in (unknown.reason or "")
    history: list[Metric | float] = [bleu(0.5 + 0.001 * (number % 3)) for number in range(9)]
    assert judge(bleu(0.5), bleu(0.3), "bleu", history=history, better="higher").outcome == (
        "regression"
    )


def test_a_side_without_a_value_says_why() -> None:
    broken = failed("the first call failed", "ms")
    verdict = judge(broken, 10.0)
    assert (verdict.outcome, verdict.candidate_value) == ("inconclusive", 10.0)
    assert verdict.reason == "the baseline has no value: the first call failed"
    assert judge(10.0, broken).reason == "the candidate has no value: the first call failed"
    assert judge(10.0, None).reason == "the candidate has no metric 'p50_latency_ms'"


def test_too_few_calls_leave_it_untold() -> None:
    few = milliseconds(10.0).model_copy(
        update={"metadata": {"samples": 5, "flag": "too_few_samples", "samples_needed": 11}}
    )
    verdict = judge(10.0, few)
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == "the candidate rests on 5 calls and needs 11 (measure.min_samples)"


def test_a_value_that_is_uncertain_in_its_own_run_is_so_in_the_verdict() -> None:
    sure, unsure = judge(10.0, 30.0), judge(10.0, milliseconds(30.0, width=1.6))
    assert sure.outcome == "regression"
    assert unsure.outcome == "inconclusive"


def test_what_is_only_noted_is_never_a_regression() -> None:
    verdict = judge(10.0, 100.0, tolerance=None)
    assert (verdict.outcome, verdict.tolerance) == ("noted", None)
    assert "worse" in verdict.message
    assert judge(10.0, 100.0, tolerance=None, differences=("machine",)).outcome == "noted"


def test_many_verdicts_make_each_regression_the_surer_and_no_pass_harder() -> None:
    alone, among = judge(10.0, 14.0), judge(10.0, 14.0, verdict_count=50)
    assert (alone.outcome, among.outcome) == ("regression", "inconclusive")
    assert alone.interval is not None
    assert among.interval is not None
    assert alone.interval[1] == among.interval[1]
    # One end errs in 2.5 % of cases, the other in a fiftieth of that.
    assert alone.confidence == pytest.approx(0.95)
    assert among.confidence == pytest.approx(1 - 0.025 - 0.0005)
    assert judge(10.0, 10.0, history=QUIET, verdict_count=1000).outcome == "pass"


def test_a_slow_down_does_not_become_noise_by_being_measured_again() -> None:
    question = Question("p50_latency_ms", "lower", parse_tolerance("5%"))
    baseline, candidate = (
        measured_case(made_case(metrics={"p50_latency_ms": value})) for value in (10.0, 12.0)
    )
    quiet = [measured_case(made_case(metrics={"p50_latency_ms": one})) for one in QUIET]
    again = [candidate] * 5
    proven = [replace(one, regressed=frozenset({"p50_latency_ms"})) for one in again]
    unproven = [replace(one, regressed=frozenset({"peak_ram_mb"})) for one in again]
    for sessions, outcome in (
        ([*quiet, *proven], "regression"),
        ([*quiet, *unproven], "inconclusive"),
    ):
        verdict = stored_verdict(question, baseline, candidate, [baseline, *sessions])
        assert verdict.outcome == outcome


def test_values_without_a_ratio_are_not_judged_by_one() -> None:
    verdict = judge(measured(0.0, "s"), measured(1.0, "s"), "compile_seconds")
    assert (verdict.outcome, verdict.change) == ("inconclusive", None)


def test_equal_code_with_another_model_is_judged_all_the_same() -> None:
    assert judge(10.0, 100.0, digests=digests(model="a")).outcome == "regression"


def timed(durations_ms: list[float]) -> dict[str, Metric]:
    milli = [1e6 * one for one in durations_ms]
    count = len(milli)
    return {**latency_metrics(milli), **rate_metrics(count, sum(milli) / 1e9, samples=count)}


def of_calls(metric: str, before: list[float], after: list[float]) -> Verdict:
    sides = [measured_case(made_case(metrics=timed(one))) for one in (before, after)]
    asked = Question(metric, better_of(metric) or "lower", parse_tolerance("5%"))
    return stored_verdict(asked, *sides, sessions=sides[:1])


@pytest.mark.parametrize(
    "metric", ["mean_latency_ms", "throughput_items_per_second", "inference_seconds"]
)
def test_a_mean_is_as_uncertain_as_the_calls_it_is_of(metric: str) -> None:
    # One call in twenty takes twenty times as long: equal code, by luck none of them before.
    usual = [1.0] * 20 + [1.02] * 20
    verdict = of_calls(metric, usual, [*usual[:-4], 20.0, 20.0, 20.0, 20.0])
    assert verdict.outcome == "inconclusive"
    assert "not known" not in verdict.message
    assert verdict.evidence["standard_error"] > 0.3
    assert of_calls(metric, usual, [10 * one for one in usual]).outcome == "regression"


def test_equal_code_with_rare_slow_calls_is_seldom_a_regression() -> None:
    rng = np.random.default_rng(9)
    found = Counter(
        of_calls(metric, *(np.where(rng.random((2, n)) < 0.05, 20.0, 1.0)).tolist()).outcome
        for metric in ("mean_latency_ms", "throughput_items_per_second")
        for n in (10, 24)
        for _ in range(100)
    )
    assert found["regression"] <= 10  # 2.5 % of 400 are to be expected at most


def test_a_mean_of_one_call_is_not_taken_as_exact() -> None:
    verdict = of_calls("mean_latency_ms", [1.0] * 50, [50.0])
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == (
        "the candidate rests on too few calls to say how sure it is: measure more"
    )


def test_where_nothing_says_how_sure_a_figure_is_that_is_said() -> None:
    bare, sure = measured(10.0, "ms"), milliseconds(10.0)
    both = "uncertainty of both sides within the session not known"
    assert both in judge(bare, bare, "parse_ms", better="lower").message
    one = judge(sure, bare, "parse_ms", better="lower").message
    assert "uncertainty of the candidate within the session not known" in one
    assert "not known" not in judge(sure, sure, "parse_ms", better="lower").message
    # Of these a session has but one figure: what they differ by is all between sessions.
    for metric in ("peak_ram_mb", "model_load_seconds", "max_latency_ms"):
        assert "not known" not in judge(bare, bare, metric).message


@pytest.mark.parametrize("metric", ["arena_increase_mb", "ram_increase_mb", "x_vram_increase_mb"])
def test_an_increase_of_memory_without_a_peak_is_judged_by_its_history_alone(metric: str) -> None:
    def megabytes(value: float) -> Metric:
        return measured(value, "MB")

    unknown = judge(megabytes(100.0), megabytes(105.2), metric)
    assert unknown.outcome == "inconclusive"
    assert "nothing is known of how much this metric differs" in (unknown.reason or "")
    assert judge(megabytes(100.0), megabytes(100.0), metric).outcome == "pass"
    history: list[Metric | float] = [megabytes(100.0 + 0.1 * (n % 3)) for n in range(9)]
    assert judge(megabytes(100.0), megabytes(120.0), metric, history=history).outcome == (
        "regression"
    )


def test_figures_in_different_units_are_not_held_against_each_other() -> None:
    verdict = judge(measured(1.2, "s"), measured(1200.0, "ms"), "load_time", better="lower")
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == "it is in 's' on the baseline and in 'ms' on the candidate"


def test_what_a_client_was_to_blame_for_is_no_noise_of_the_endpoint() -> None:
    late: list[Metric | float] = [measured(400.0, "ms", flag="client_limited")] * 20
    assert judge(10.0, 10.9, history=[*QUIET, *late]).outcome == "regression"
