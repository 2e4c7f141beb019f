"""Which case of an earlier run stands for a case."""

from __future__ import annotations

from typing import Any

from made_runs import BUSY, made_case, made_run, measured_case

from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.comparison import Against, stored_comparison
from pytest_modelbench.judge.stored.history import History
from pytest_modelbench.judge.stored.measured_case import cases_of, counterpart
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.timing_record import TimingRecord
from pytest_modelbench.suite.tolerance import parse_tolerance


def case(model: str, benchmark: str = "b", **fields: Any) -> CaseResult:
    return made_case(f"{benchmark}[{model}-CPU]", **fields)


def match(wanted: str, present: list[CaseResult], stored: list[CaseResult]) -> str | None:
    peers = [one.model_dump() for one in present]
    (mine,) = [one for one in present if one.id == wanted]
    found = counterpart(mine, peers, made_run(1, stored))
    return found.case.id if found else None


def test_it_is_the_case_of_the_same_id() -> None:
    both = [case("one"), case("two")]
    assert match("s::b[two-CPU]", both, both) == "s::b[two-CPU]"


def test_a_model_that_was_replaced_is_held_against_the_one_before() -> None:
    present, stored = [case("v2"), case("other")], [case("v1"), case("other")]
    assert match("s::b[v2-CPU]", present, stored) == "s::b[v1-CPU]"


def test_a_model_that_was_added_has_nothing_to_be_held_against() -> None:
    assert match("s::b[new-CPU]", [case("old"), case("new")], [case("old")]) is None


def test_of_two_new_models_none_stands_for_one_that_is_gone() -> None:
    assert match("s::b[c-CPU]", [case("c"), case("d")], [case("a")]) is None


def test_of_two_models_that_are_gone_none_stands_for_a_new_one() -> None:
    assert match("s::b[c-CPU]", [case("c")], [case("a"), case("b")]) is None


def test_a_replaced_model_is_looked_for_among_equal_benchmarks_and_parameters() -> None:
    stored = [case("v1", "other"), case("v1", params={"x": 1}), case("v1", device="GPU")]
    assert match("s::b[v2-CPU]", [case("v2")], stored) is None


def test_where_the_other_cases_are_not_known_only_the_id_counts() -> None:
    run = made_run(1, [case("v1")])
    assert counterpart(case("v2"), [], run) is None
    assert counterpart(case("v1"), [], run) is not None


def test_a_case_knows_what_its_run_had_proven_to_be_worse() -> None:
    run, before = made_run(2, [case("m"), case("n")]), made_run(1, [case("m"), case("n")])
    slower = Question("p50_latency_ms", "lower", parse_tolerance("5%"))
    worse = measured_case(case("m", metrics={"p50_latency_ms": 100.0}), -1)
    against = Against(before, History([]))
    comparisons = [
        stored_comparison(one, [slower], against) for one in (worse, measured_case(case("n"), -1))
    ]
    found = list(cases_of(run.model_copy(update={"comparisons": comparisons})))
    assert [one.regressed for one in found] == [{"p50_latency_ms"}, set()]


def test_a_case_is_disturbed_by_what_went_on_and_by_calls_that_never_settled() -> None:
    timing = TimingRecord.model_construct(warmup_ended_by="max_seconds")
    assert not measured_case().is_disturbed
    assert measured_case(case("m", conditions=BUSY)).is_disturbed
    assert measured_case(case("m", timing=timing)).is_disturbed
    assert not measured_case(case("m", conditions=None)).is_disturbed
