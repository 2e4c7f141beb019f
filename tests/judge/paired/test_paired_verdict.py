"""Verdicts in words, from the record alone."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from simulated_launches import (
    Code,
    Machine,
    compared,
    procedure,
    question,
    recorded,
    side_launch,
    simulated_launch,
)

from pytest_modelbench.catalogue import better_of
from pytest_modelbench.judge.paired import PairedData, next_step, paired_verdict
from pytest_modelbench.results.comparison import Launch, Procedure, Verdict
from pytest_modelbench.results.packed import pack

SIDES = ("baseline", "candidate")
SAME, SLOWER, FASTER = [Code(), Code()], [Code(), Code(0.2)], [Code(), Code(-0.2)]
P50 = question()


def confirmed(*counts: int) -> list[str]:
    return ["decision"] * counts[0] + ["confirmation"] * counts[1]


def verdict_of(*launches: Any, asked: Any = P50, seconds: float = 0.0, **fields: Any) -> Verdict:
    return paired_verdict(recorded(*launches, **fields), asked, seconds)


def noisy(seed: int, count: int, code: Code, **fields: Any) -> PairedData:
    rng, how = np.random.default_rng(seed), procedure(**fields)
    launches = [simulated_launch(rng, how, [Code(), code], Machine()) for _ in range(count)]
    return PairedData(SIDES, how, launches)


def test_a_pass_in_one_line() -> None:
    assert verdict_of(SAME, SAME, seconds=2.04).message == (
        "p50 latency 1 -> 1 ms, +0.0 % [-2.4, +2.4], tolerance 5 %: pass "
        "(40 blocks, 2.0 s, detects 5.93 %)"
    )


def test_a_regression_in_one_line() -> None:
    found = verdict_of(*[SLOWER] * 4, series=confirmed(2, 2), seconds=31.2)
    assert found.message == (
        "p50 latency 1 -> 1.2 ms, +20.0 % [+18.2, +21.8], tolerance 5 %: regression "
        "(80 blocks, 31 s, detects 5.93 %)"
    )
    assert (found.outcome, found.reason, found.method) == ("regression", None, "blocks")
    assert found.confidence == pytest.approx(0.98)
    assert found.tolerance == pytest.approx(0.05)


def test_a_regression_of_a_rate_is_less() -> None:
    code = {"metrics": {"items_per_call": 2.0}}
    sides = [Code(**code), Code(0.25, **code)]
    asked = question("throughput_items_per_second", "5%", better="higher")
    found = verdict_of(*[sides] * 4, asked=asked, series=confirmed(2, 2))
    assert found.message == (
        "throughput 2000 -> 1600 items/s, -20.0 % [-21.2, -18.8], tolerance 5 %: regression "
        "(80 blocks, detects 5.84 %)"
    )
    faster = [Code(**code), Code(-0.2, **code)]
    assert verdict_of(faster, faster, asked=asked).message.startswith(
        "throughput 2000 -> 2500 items/s, +25.0 % [+22.1, +28.0], tolerance 5 %: pass, better"
    )


def test_a_candidate_that_is_faster_passes_as_better() -> None:
    assert ": pass, better (" in verdict_of(FASTER, FASTER).message


def test_what_is_only_noted_has_no_tolerance_and_uses_all_launches() -> None:
    asked = question(tolerance=None)
    found = verdict_of(*[SLOWER] * 3, asked=asked, series=confirmed(2, 1))
    assert (found.outcome, found.tolerance, found.reason) == ("noted", None, None)
    assert "+20.0 % [" in found.message
    assert ": worse (60 blocks" in found.message


def test_three_sides_are_named() -> None:
    sides = [Code(), Code(), Code(0.2)]
    found = verdict_of(*[sides] * 4, asked=question(candidate=2), series=confirmed(2, 2))
    assert found.message.startswith("other: p50 latency 1 -> 1.2 ms, +20.0 %")
    between = question(tolerance=None, baseline=1, candidate=2)
    assert verdict_of(sides, sides, asked=between).message.startswith(
        "other against candidate: p50 latency 1 -> 1.2 ms"
    )
    assert verdict_of(sides, sides).outcome == "pass"


def test_a_tolerance_in_milliseconds_is_a_share_of_the_baseline() -> None:
    found = verdict_of(SAME, SAME, asked=question(tolerance=0.1))
    assert found.is_relative
    assert found.tolerance == pytest.approx(0.1)
    twice = [Code(1.0), Code(1.0)]
    assert verdict_of(twice, twice, asked=question(tolerance=0.1)).tolerance == pytest.approx(0.05)


def test_without_confirmation_it_is_not_yet_a_regression() -> None:
    found = verdict_of(SLOWER, SLOWER)
    assert found.outcome == "inconclusive"
    assert found.reason == (
        "not confirmed: 2 launches show +20.0 %, and there was no time to show it again with "
        "fresh ones"
    )


def test_what_fresh_launches_do_not_show_names_both_estimates() -> None:
    found = verdict_of(SLOWER, SLOWER, SAME, SAME, series=confirmed(2, 2))
    assert found.outcome == "inconclusive"
    assert found.reason == (
        "not confirmed: 2 launches show +20.0 %, 2 fresh ones show +0.0 %; launches of this "
        "machine differ by more than was assumed ('modelbench calibrate' measures it)"
    )
    assert found.evidence["blocks"] == 80


def test_a_change_as_large_as_the_tolerance_blames_no_machine() -> None:
    over, under = [Code(), Code(0.056)], [Code(), Code(0.048)]
    found = verdict_of(*[over] * 6, *[under] * 6, series=confirmed(6, 6))
    assert found.reason == (
        "not confirmed: 6 launches show +5.6 %, 6 fresh ones show +4.8 %; the change is too near "
        "the tolerance to tell"
    )


def test_one_fresh_launch_is_not_enough() -> None:
    found = verdict_of(*[SLOWER] * 3, series=confirmed(2, 1))
    assert found.reason == (
        "not confirmed: 2 launches show +20.0 %, 1 fresh one shows +20.0 %; 2 are needed: "
        "compare.max_seconds of 120 was used up"
    )


def test_confirming_among_many_verdicts_takes_more() -> None:
    sides = [Code(), Code(0.075)]
    series = confirmed(2, 2)
    assert verdict_of(*[sides] * 4, series=series).outcome == "regression"
    strict = verdict_of(*[sides] * 4, series=series, verdict_count=10_000)
    assert strict.outcome == "inconclusive"
    assert "it may be no change at all; about 4 launches would settle it" in str(strict.reason)


def test_inconclusive_says_what_would_settle_it() -> None:
    near = [Code(), Code(0.04)]
    found = verdict_of(*[near] * 6, seconds=30.0)
    assert found.reason == (
        "the interval reaches beyond the tolerance; about 10 launches would settle it "
        "(compare.launches, 50 s)"
    )
    stopped = verdict_of(*[[Code(), Code(0.03)]] * 2, seconds=300.0)
    assert stopped.reason == (
        "the interval reaches beyond the tolerance; about 4 launches would settle it "
        "(compare.max_seconds, 600 s)"
    )
    hopeless = verdict_of(*[[Code(), Code(0.0499)]] * 6)
    assert str(hopeless.reason).endswith(
        "if it stays what it is, not even 100 launches would settle it"
    )


def test_what_would_settle_it_does() -> None:
    near = [Code(), Code(0.04)]
    assert verdict_of(*[near] * 10, most_launches=10).outcome == "pass"
    assert verdict_of(*[near] * 8, most_launches=8).outcome == "inconclusive"


def test_one_launch_is_not_enough() -> None:
    found = verdict_of(SAME)
    assert (found.outcome, found.change) == ("inconclusive", 0)
    assert found.reason == ("rests on 1 launch and needs 2: compare.max_seconds of 120 was used up")
    assert verdict_of(SAME, most_launches=1).reason == (
        "rests on 1 launch and needs 2: raise compare.launches"
    )


def test_no_launch_at_all_is_no_traceback() -> None:
    found = paired_verdict(PairedData(SIDES, procedure(), []), P50)
    assert (found.outcome, found.reason) == ("inconclusive", "no launch was measured")
    assert found.message == "p50 latency, tolerance 5 %: inconclusive: no launch was measured"


def test_a_single_block_has_no_interval() -> None:
    found = verdict_of(SAME, blocks=1)
    assert found.outcome == "inconclusive"
    assert found.interval == [-1.0, None] or found.interval == [None, None]


def test_a_record_that_does_not_add_up_is_inconclusive() -> None:
    launch = Launch(
        series="decision",
        order=pack([0, 1, 1, 0]),
        sides=[side_launch([1, 1, 1]), side_launch([1, 0, 1])],
        disturbances=[],
    )
    found = paired_verdict(PairedData(SIDES, procedure(calls=1), [launch, launch]), P50)
    assert found.outcome == "inconclusive"
    assert str(found.reason).startswith("the record of launch 1 does not add up")
    assert not math.isnan(found.change or 0)


def some_slower(share: float, factor: float, *counts: int) -> PairedData:
    """On a quiet machine, where all there is to see is that some calls are slower."""
    rng, how = np.random.default_rng(3), procedure()
    sides = [Code(), Code(slow_share=share, slow_factor=factor)]
    quiet = Machine(launch_sd=0, call_sd=0.01)
    launches = [simulated_launch(rng, how, sides, quiet, one) for one in confirmed(*counts)]
    return PairedData(SIDES, how, launches)


def test_a_slower_median_is_not_hidden_by_the_fastest_calls() -> None:
    found = paired_verdict(some_slower(0.55, 1.15, 6, 6), P50)
    assert found.outcome == "regression"
    assert found.evidence["views"]["the median of each block"] > 0.05


def test_what_leaves_the_median_of_all_calls_where_it_was_is_no_regression_of_it() -> None:
    found = paired_verdict(some_slower(0.4, 1.2, 6, 6), P50)
    assert found.outcome == "inconclusive"
    assert found.candidate_value == pytest.approx(found.baseline_value, rel=0.02)
    assert found.reason == (
        "the median of each block changed by +8.9 %, but over all calls it is +1.3 %"
    )


def test_launches_that_do_not_agree_are_counted() -> None:
    rng, how = np.random.default_rng(1), procedure(launch_floor=0.0, blocks=60)
    quiet = Machine(launch_sd=0, call_sd=0.01)
    changes = (0.1, -0.01, -0.01, 0.1, 0.1, 0.1)
    launches = [simulated_launch(rng, how, [Code(), Code(one)], quiet) for one in changes]
    found = paired_verdict(PairedData(SIDES, how, launches), question(tolerance="3%"))
    assert found.outcome == "inconclusive"
    assert found.reason == "only 4 of 6 launches are worse by themselves"


def test_rare_slow_calls_keep_a_mean_from_passing() -> None:
    data = noisy(2, 2, Code(slow_share=0.004, slow_factor=10))
    found = paired_verdict(data, question("mean_latency_ms"))
    assert found.outcome == "inconclusive"
    assert "the interval of the plain mean of all calls reaches beyond" in str(found.reason)
    assert found.interval is not None
    assert found.interval[1] < 0.05, "by turns it would pass"


@pytest.mark.parametrize("metric", ["mean_latency_ms", "throughput_items_per_second"])
def test_rare_slow_calls_are_a_regression_of_the_mean(metric: str) -> None:
    counted = {"metrics": {"items_per_call": 1.0}}
    better = better_of(metric)
    codes = [Code(**counted), Code(slow_share=0.05, **counted)]
    rng = np.random.default_rng(1)
    asked = question(metric, better=better)
    outcomes = [compared(rng, codes, Machine(), [asked])[0][0].outcome for _ in range(10)]
    assert outcomes == ["regression"] * 10


TWO_KINDS = {"slow_share": 0.6, "slow_factor": 1.1 / 0.9}


def test_a_median_between_two_kinds_of_calls_does_not_pass() -> None:
    data = noisy(0, 4, Code(-0.1, **TWO_KINDS))
    found = paired_verdict(data, question(tolerance="3%"))
    assert found.outcome == "inconclusive"
    assert "over all calls it changed by +" in str(found.reason)
    assert "which turns side by side do not bear out: calls are of several kinds" in found.message


def test_a_median_that_did_not_change_is_no_regression_however_turns_look() -> None:
    rng, how = np.random.default_rng(1), procedure()
    codes = [Code(-0.1, slow_share=0.55, slow_factor=1 / 0.9), Code(-0.025)]
    machine = Machine(0.007, 0.01)
    launches = [simulated_launch(rng, how, codes, machine, one) for one in confirmed(4, 4)]
    found = paired_verdict(PairedData(SIDES, how, launches), question(tolerance="3%"))
    assert found.outcome == "inconclusive"
    assert "but over all calls it is -" in str(found.reason)


def test_a_raised_floor_is_named_where_it_keeps_a_question_open() -> None:
    given = {"launch_floor": 0.188, "launch_floor_from": "calibrated with a on CPU on 2026-01-02"}
    raised = verdict_of(*[SLOWER] * 6, asked=question(tolerance="10%"), **given)
    assert raised.outcome == "inconclusive"
    words = "launches are taken to differ by 18.8 %, calibrated with a on CPU on 2026-01-02"
    assert words in str(raised.reason)
    usual = noisy(1, 2, Code(0.05))
    assert "taken to differ" not in str(paired_verdict(usual, P50).reason)


def test_a_decision_stands_though_more_was_measured_for_others() -> None:
    later = [Code(), Code(0.08)]
    found = verdict_of(SAME, SAME, later)
    assert found.outcome == "pass"
    assert found.reason == (
        "decided after 2 launches, at +0.0 %; the others were made for other metrics"
    )
    assert found.evidence["decision"]["decided_after"] == 2
    assert found.evidence["blocks"] == 60, "the estimate is of all launches"


def test_launches_that_do_not_bear_it_out_take_a_decision_back() -> None:
    found = verdict_of(SAME, SAME, *[SLOWER] * 4)
    assert found.outcome == "inconclusive"
    assert str(found.reason).startswith(
        "the first 2 launches passed (+0.0 %), all 6 do not bear it out (+"
    )


@pytest.mark.parametrize("outcome", ["inconclusive", "regression"])
def test_what_may_have_disturbed_is_named_where_it_matters(outcome: str) -> None:
    data = recorded(*[SLOWER] * 4, series=confirmed(2, 2) if outcome == "regression" else None)
    launches = list(data.launches)
    sides = [one.model_copy(update={"warmup_ended_by": "max_seconds"}) for one in launches[0].sides]
    launches[0] = launches[0].model_copy(update={"sides": sides})
    launches[1] = launches[1].model_copy(update={"disturbances": ["load of others 0.9 cores"]})
    found = paired_verdict(PairedData(SIDES, data.procedure, launches), P50)
    count = len(launches)
    assert found.outcome == outcome
    assert f"1 of {count} launches had no steady state" in str(found.reason)
    assert f"1 of {count} launches were disturbed (load of others 0.9 cores)" in str(found.reason)
    assert found.evidence["launches_without_steady_state"] == 1


def test_a_pass_needs_no_excuses() -> None:
    data = recorded(SAME, SAME)
    launches = [one.model_copy(update={"disturbances": ["load"]}) for one in data.launches]
    found = paired_verdict(PairedData(SIDES, data.procedure, launches), P50)
    assert (found.outcome, found.reason) == ("pass", None)
    assert found.evidence["disturbed_launches"] == 2


def test_evidence_has_what_a_verdict_rests_on() -> None:
    evidence = paired_verdict(noisy(1, 4, Code(0.02)), P50).evidence
    assert evidence["launches"] == {"decision": 4, "confirmation": 0}
    assert (evidence["blocks"], evidence["calls"]) == (80, 480)
    assert evidence["decision"]["looks"] == [2, 4]
    assert 0 <= evidence["outlier_share"] < 0.2
    assert 0 < evidence["p_value"] < 1
    assert evidence["launch_sd"] > 0
    assert evidence["launch_floor_from"] == "default"
    assert set(evidence["views"]) == {
        "the fastest call of each turn",
        "the median of each block",
    }


def test_outliers_are_kept_and_their_share_shown() -> None:
    plain = noisy(2, 4, Code())
    rng = np.random.default_rng(2)
    machine = Machine(burst_share=0.2, burst_factor=5)
    how = procedure()
    launches = [simulated_launch(rng, how, SAME, machine) for _ in range(4)]
    shares = [
        paired_verdict(one, P50).evidence["outlier_share"]
        for one in (plain, PairedData(SIDES, how, launches))
    ]
    assert shares[0] < shares[1]


METRICS = (
    P50,
    question("mean_latency_ms"),
    question("p95_latency_ms", "15%"),
    question("throughput_items_per_second", "5%", better="higher"),
    question("peak_ram_mb", 10.0),
    question("compile_seconds"),
    question("p50_latency_ms", None),
)


@pytest.mark.parametrize("asked", METRICS, ids=lambda one: f"{one.metric}-{one.tolerance}")
@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_the_same_record_gives_the_same_words_after_it_was_written_and_read(
    asked: Any, count: int
) -> None:
    code = Code(0.04, metrics={"items_per_call": 1.0, "peak_ram_mb": 90.0}, metric_sd=0.01)
    rng, how = np.random.default_rng(count), procedure()
    launches = [simulated_launch(rng, how, [code, code], Machine()) for _ in range(count)]
    first = paired_verdict(PairedData(SIDES, how, launches), asked, 3.0)
    read = [Launch.model_validate_json(one.model_dump_json()) for one in launches]
    again = paired_verdict(
        PairedData(SIDES, Procedure.model_validate_json(how.model_dump_json()), read), asked, 3.0
    )
    assert again == first
    text = json.dumps(first.model_dump(), allow_nan=False)
    assert Verdict.model_validate_json(text).message == first.message


FUZZED = ("p50_latency_ms", "mean_latency_ms", "p90_latency_ms", "x_realtime", "peak_ram_mb")


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_recorded_there_is_a_verdict_and_a_next_step(seed: int) -> None:
    rng = np.random.default_rng(seed)
    how = procedure(
        calls=int(rng.integers(1, 4)),
        blocks=int(rng.choice([1, 2, 4, 70])),
        most_launches=int(rng.integers(1, 9)),
        launch_floor=float(rng.choice([0, 0.01, 0.5])),
        verdict_count=int(rng.choice([1, 10_000])),
    )
    machine = Machine(
        launch_sd=float(rng.choice([0, 0.01, 1])), call_sd=float(rng.choice([0, 0.1]))
    )
    metrics = {"audio_seconds_per_call": 2.0, "peak_ram_mb": 100.0}
    sides = [Code(float(rng.choice([0, 0.1, 9])), metrics=metrics) for _ in range(3)]
    counts = [int(one) for one in rng.integers(0, how.most_launches + 1, 2)]
    launches = [simulated_launch(rng, how, sides, machine, one) for one in confirmed(*counts)]
    data = PairedData((*SIDES, "other"), how, launches)
    for metric in FUZZED:
        for tolerance in (None, "0%", "5%", "150%", 0.001, 1e6):
            asked = question(metric, tolerance, better=better_of(metric), candidate=2)
            found = paired_verdict(data, asked, 1.0)
            json.dumps(found.model_dump(), allow_nan=False)
            assert (found.outcome == "inconclusive") <= bool(found.reason)
            assert found.outcome != "regression" or counts[1] >= 2
            step = next_step(data, [asked], 1.0)
            assert step != "launch" or (len(data.decision) < how.most_launches and not counts[1])
            assert step != "confirm" or len(data.confirmation) < how.most_launches
