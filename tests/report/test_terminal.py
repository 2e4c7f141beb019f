"""The tables at the end of a session."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from run_builder import make_case, make_run

from pytest_modelbench.report.columns import best_value, columns, heading
from pytest_modelbench.report.markdown import markdown_of
from pytest_modelbench.report.numbers import shown, with_interval, without_interval
from pytest_modelbench.report.terminal import suite_lines
from pytest_modelbench.results.judgement import CriterionScore, LeaderboardRow, Score
from pytest_modelbench.results.metric import Metric, failed, measured, skipped
from pytest_modelbench.results.run import CaseResult, SuiteRecord


def case(name: str, rank: int | None, metrics: dict[str, Metric], **fields: Any) -> CaseResult:
    total = None if rank is None else 1 / rank
    score = Score(total=total, interval=None, weight_total=1.0, weight_possible=1.0, criteria=[])
    given: dict[str, Any] = {
        "id": f"s::{name}",
        "suite": "s",
        "benchmark": "b",
        "runner": "echo",
        "model": name,
        "model_path": name,
        "device": "CPU",
        "params": {},
        "dataset": {},
        "status": "ok",
        "detail": "",
        "trace": None,
        "started_at": None,
        "duration_seconds": 0.0,
        "worker": "main",
        "engine": "inline",
        "fingerprint": None,
        "timed": "",
        "properties": {},
        "limits": None,
        "conditions": None,
        "timing": None,
        "samples": None,
        "failed_samples": None,
        "taken_over": [],
        "load": None,
        "digests": None,
        "metrics": metrics,
        "bounds": [],
        "score": score,
        "rank": rank,
    }
    return CaseResult(**{**given, **fields})


def latency(value: float, **notes: Any) -> Metric:
    return measured(value, "ms", interval=[value * 0.9, value * 1.1], confidence=0.95, **notes)


@pytest.fixture
def suite() -> SuiteRecord:
    return SuiteRecord(
        id="s",
        file="/s.json",
        description="",
        digest="0" * 32,
        criteria=[{"id": "wer", "metric": "wer"}],
        leaderboard=[],
    )


@pytest.fixture
def cases() -> list[CaseResult]:
    vram = skipped("device 'CPU' has no memory that NVML can see", "MB")
    return [
        case(f"b[model-{number}-CPU]", number, {
            "wer": measured(0.1 * number),
            "p50_latency_ms": latency(10.0 * number),
            "peak_vram_mb": vram,
        })
        for number in (1, 2, 3)
    ]  # fmt: skip


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 120, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal(
    suite: SuiteRecord, cases: list[CaseResult], width: int
) -> None:
    lines = list(suite_lines(suite, cases, width, 0.01))
    table = list(itertools.takewhile(lambda line: not line.startswith("["), lines))
    assert table
    assert max(map(len, table)) <= width
    text = "\n".join(table)
    for number in (1, 2, 3):
        assert f"b[model-{number}-CPU]" in text
        assert shown(10.0 * number) in text


def test_a_wide_terminal_has_a_row_and_a_middling_one_a_column_for_each_case(
    suite: SuiteRecord, cases: list[CaseResult]
) -> None:
    rows = list(suite_lines(suite, cases[:2], 200, 0.01))
    assert rows[1].split()[:2] == ["1", "b[model-1-CPU]"]
    turned = list(suite_lines(suite, cases[:2], 45, 0.01))
    assert turned[1].split() == ["case", "b[model-1-CPU]", "b[model-2-CPU]"]


def test_the_best_value_is_marked_and_explained(
    suite: SuiteRecord, cases: list[CaseResult]
) -> None:
    text = "\n".join(suite_lines(suite, cases, 200, 0.01))
    assert "*10 [9, 11]" in text
    assert "*20" not in text
    assert "*: best" in text


def test_each_reason_for_a_missing_number_is_given_once(
    suite: SuiteRecord, cases: list[CaseResult]
) -> None:
    broken = case(
        "b[model-4-CPU]", None, {"wer": failed("no\nweights")}, status="error", detail="x"
    )
    lines = list(suite_lines(suite, [*cases, broken], 200, 0.01))
    assert "error: wer: no weights (1 of 4 cases)" in lines
    vram = [line for line in lines if "NVML" in line]
    assert vram == [
        "skipped: peak_vram_mb: device 'CPU' has no memory that NVML can see (3 of 4 cases)"
    ]


def test_errors_come_before_what_was_skipped(suite: SuiteRecord) -> None:
    metrics = {"a": skipped("no device"), "b": failed("crashed")}
    lines = list(suite_lines(suite, [case("b[m-CPU]", None, metrics)], 100, 0.01))
    assert [line.split(":")[0] for line in lines[-2:]] == ["error", "skipped"]


def test_too_few_calls_and_partial_scores_are_marked(suite: SuiteRecord) -> None:
    few = latency(10.0, flag="too_few_samples", samples=5, samples_needed=11)
    missing = CriterionScore(
        id="wer",
        goal="min",
        weight=1.0,
        value=None,
        normalized=None,
        interval=None,
        reason="no references",
    )
    partial = Score(
        total=0.5, interval=None, weight_total=1.0, weight_possible=2.0, criteria=[missing]
    )
    one = case("b[m-CPU]", 1, {"p50_latency_ms": few}, score=partial)
    text = "\n".join(suite_lines(suite, [one], 200, 0.01))
    assert "10! [9, 11]" in text
    assert "!: too few calls for this percentile" in text
    assert "0.500~" in text
    assert "~: partial score" in text


def ranked(one: CaseResult, *, tied: bool) -> LeaderboardRow:
    assert one.rank is not None
    return LeaderboardRow(
        rank=one.rank,
        case_id=one.id,
        runner=one.runner,
        model=one.model,
        device=one.device,
        score=1 / one.rank,
        partial=False,
        tied_with_above=tied,
        tied_with_best=tied,
        mean_latency_ms=None,
        p95_latency_ms=None,
        throughput_items_per_second=None,
    )


@pytest.mark.parametrize("width", [40, 60, 200])
def test_a_rank_that_is_tied_with_the_one_above_is_marked_and_explained(
    suite: SuiteRecord, cases: list[CaseResult], width: int
) -> None:
    rows = [ranked(one, tied=one.rank == 2) for one in cases]
    tied = suite.model_copy(update={"leaderboard": rows})
    text = "\n".join(suite_lines(tied, cases, width, 0.01))
    if width == 40:  # a block a case
        starts = ["1. b[model-1-CPU]", "2= b[model-2-CPU]", "3. b[model-3-CPU]"]
        assert [line for line in text.splitlines() if line[0].isdigit()] == starts
    else:
        assert [line.split()[0] for line in text.splitlines()[1:4]] == ["1", "2=", "3"]
    assert "=: the difference to the rank above is within noise" in text
    assert "=:" not in "\n".join(suite_lines(suite, cases, width, 0.01))


def test_nobody_is_best_by_less_than_launches_of_the_same_code_differ() -> None:
    def fixed(name: str, value: float) -> CaseResult:
        metric = measured(value, "ms", samples=500, interval=[value, value], confidence=0.95)
        return case(name, None, {"p50_latency_ms": metric})

    assert best_value("p50_latency_ms", [fixed("a", 100.0), fixed("b", 103.0)], 0.01) is None
    assert best_value("p50_latency_ms", [fixed("a", 100.0), fixed("b", 105.0)], 0.01) == 100.0


def test_nobody_is_best_where_a_value_is_the_client_s() -> None:
    def fixed(name: str, value: float, **notes: str) -> CaseResult:
        metric = measured(value, "ms", samples=500, interval=[value, value], **notes)
        return case(name, None, {"p50_ttft_ms": metric})

    others = [fixed("a", 100.0), fixed("b", 200.0)]
    assert best_value("p50_ttft_ms", others, 0.01) == 100.0
    for value in (10.0, 1000.0):
        limited = fixed("c", value, flag="client_limited")
        assert best_value("p50_ttft_ms", [*others, limited], 0.01) is None


def test_the_best_is_that_of_the_machine_that_measured_not_of_the_one_that_reports() -> None:
    def fixed(value: float) -> dict[str, Metric]:
        return {"p50_latency_ms": measured(value, "ms", samples=500, interval=[value, value])}

    def of_machine(launch_floor: float) -> str:
        run = make_run([make_case("a", fixed(100.0)), make_case("b", fixed(110.0))])
        machine = run.system_info.model_copy(update={"launch_floor": launch_floor})
        return markdown_of(run.model_copy(update={"system_info": machine}))

    assert "*: best" in of_machine(0.01)
    assert "*: best" not in of_machine(0.05)


def test_a_rate_is_the_best_by_the_interval_of_its_mean() -> None:
    def rated(name: str, rate: float) -> CaseResult:
        mean = measured(1000 / rate, "ms", samples=400, standard_deviation=100 / rate)
        metrics = {"mean_latency_ms": mean, "x_realtime": measured(rate, "x", samples=400)}
        return case(name, None, metrics)

    assert best_value("x_realtime", [rated("a", 100.0), rated("b", 103.0)], 0.01) is None
    assert best_value("x_realtime", [rated("a", 100.0), rated("b", 110.0)], 0.01) == 110.0


def test_hundreds_of_cases_are_cut_and_counted(suite: SuiteRecord) -> None:
    many = [case(f"b[m{n}-CPU]", n, {"wer": measured(0.1)}) for n in range(1, 301)]
    lines = list(suite_lines(suite, many, 100, 0.01))
    assert "... and 250 more cases in the run file" in lines


def test_columns_are_what_criteria_name_and_what_was_measured(
    suite: SuiteRecord, cases: list[CaseResult]
) -> None:
    assert columns(suite, cases) == ["wer", "p50_latency_ms"]
    assert heading("p95_latency_ms") == "p95 ms"
    assert best_value("p50_latency_ms", cases, 0.01) == pytest.approx(10.0)
    assert best_value("wer", cases, 0.01) is None, "no interval says how sure it is"
    assert best_value("peak_vram_mb", cases, 0.01) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-2.5, "-2.50"),
        (1e-9, "1.00e-09"),
        (99.96, "100"),
        (9.999, "10.0"),
        (1e18, "1.00e+18"),
    ],
)
def test_numbers_have_three_significant_digits(value: float, text: str) -> None:
    assert shown(value) == text


def test_an_unknown_end_of_an_interval_is_a_question_mark() -> None:
    metric = measured(10.0, "ms", interval=[9.0, None])
    assert with_interval(metric) == "10 [9, ?]"
    assert without_interval(metric) == "10"


@pytest.mark.parametrize(
    ("details", "words"),
    [
        (["not run: x", "unfinished: x"], "go on with --suite-resume=last"),
        (["no such device"], "nothing was measured: every case was skipped"),
    ],
)
def test_where_nothing_was_measured_it_says_whether_there_is_something_to_go_on_with(
    details: list[str], words: str
) -> None:
    cases = [make_case(one, status="skipped", detail=one) for one in details]
    (suite,) = make_run(cases).suites
    *_, last = suite_lines(suite, cases, 200, 0.0)
    assert last.endswith(words)


def test_of_sides_that_were_broken_off_no_answers_are_promised() -> None:
    cases = [
        make_case(f"a@{side}", status="skipped", detail="unfinished: x")
        for side in ("baseline", "candidate")
    ]
    (suite,) = make_run(cases).suites
    *_, last = suite_lines(suite, cases, 200, 0.0)
    assert last == (
        "the session ended before any side was measured to its end: --suite-resume=last begins "
        "with it anew"
    )
