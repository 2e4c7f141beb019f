"""A case held against a run, as it stands in the run document."""

from __future__ import annotations

from typing import Any

from made_runs import SYSTEM, digests, made_case, made_run, measured_case, milliseconds, run_id

from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.comparison import Against, stored_comparison
from pytest_modelbench.judge.stored.history import History
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.metric import measured
from pytest_modelbench.results.packed import pack
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.sample_record import SampleRecord, Terms
from pytest_modelbench.suite.tolerance import parse_tolerance

SLOWER = Question("p50_latency_ms", "lower", parse_tolerance("5%"), "speed")
NOTED = Question("p50_latency_ms", "lower", None)


def hold(
    case: CaseResult, *stored: CaseResult, question: Question = SLOWER, **options: Any
) -> Comparison:
    run = made_run(1, stored, system=options.pop("before", SYSTEM), git_sha="a" * 40)
    against = Against(run, History([]), options.pop("allowed", ()))
    made = stored_comparison(measured_case(case, -1), [question], against, **options)
    return Comparison.model_validate_json(made.model_dump_json())


def test_it_names_both_sides_and_what_they_are() -> None:
    made = hold(made_case(metrics={"p50_latency_ms": 100.0}), made_case())
    assert (made.kind, made.status, made.launches, made.procedure) == ("stored", "ok", [], None)
    baseline, candidate = made.sides
    assert (baseline.name, baseline.run_id) == ("baseline", run_id(1))
    assert baseline.described == {
        "model": "m",
        "device": "CPU",
        "params": {},
        "commit": "a" * 40,
    }
    assert (candidate.name, candidate.run_id) == ("candidate", None)
    assert candidate.python_version == "3.12.1"
    assert candidate.packages == SYSTEM.packages
    (verdict,) = made.verdicts
    assert (verdict.outcome, verdict.criterion) == ("regression", "speed")


def test_what_differs_is_told_whether_it_is_allowed_or_not() -> None:
    before = SYSTEM.model_copy(update={"python_version": "3.11.0", "cpu_count": 4})
    for allowed, outcome in (
        ((), "inconclusive"),
        (("python",), "inconclusive"),
        (("python", "machine"), "regression"),
        (("all",), "regression"),
    ):
        case = made_case(metrics={"p50_latency_ms": 100.0})
        made = hold(case, made_case(), before=before, allowed=allowed)
        marks = [
            " (allowed)" * (key in allowed or "all" in allowed) for key in ("machine", "python")
        ]
        assert made.differences == [
            f"machine: processors 4 -> 2{marks[0]}",
            f"python: version 3.11.0 -> 3.12.1{marks[1]}",
        ]
        assert made.verdicts[0].outcome == outcome


def test_a_case_that_the_run_does_not_have_is_told_with_those_it_has() -> None:
    stored = [made_case(f"b[{name}-CPU]") for name in "wxyz"]
    made = hold(made_case("c[m-CPU]"), *stored)
    assert [side.name for side in made.sides] == ["candidate"]
    (verdict,) = made.verdicts
    assert (verdict.outcome, verdict.candidate_value) == ("inconclusive", 10.0)
    assert verdict.reason == (
        f"run {run_id(1)} has no case 's::c[m-CPU]': it has s::b[w-CPU], s::b[x-CPU], "
        "s::b[y-CPU] and 1 more"
    )
    assert hold(made_case("c[m-CPU]"), question=NOTED).verdicts[0].outcome == "noted"
    assert (hold(made_case("c[m-CPU]")).verdicts[0].reason or "").endswith("has no case at all")


def test_a_baseline_that_went_wrong_tells_nothing() -> None:
    broken = made_case(status="error", detail="it broke")
    (verdict,) = hold(made_case(), broken).verdicts
    assert (verdict.outcome, verdict.reason) == (
        "inconclusive",
        "the baseline's case is error: it broke",
    )


def test_a_case_that_was_not_measured_has_no_verdict() -> None:
    made = hold(made_case(status="skipped", detail="no device"), made_case())
    assert (made.status, made.detail, made.verdicts) == ("skipped", "no device", [])


def test_quality_is_judged_sample_by_sample() -> None:
    def case(right: list[int]) -> CaseResult:
        share = measured(sum(right) / len(right), samples=len(right))
        terms = {"exact_match": Terms(kind="right", first=pack(right), second=None)}
        count = len(right)
        samples = SampleRecord(
            ids=pack(range(1, count + 1)),
            outputs=pack([number * 10 + one for number, one in enumerate(right, 1)]),
            terms=terms,
        )
        metrics = {"exact_match": share, "p50_latency_ms": milliseconds(10.0)}
        return made_case(metrics=metrics, samples=samples)

    question = Question("exact_match", "higher", parse_tolerance(0.05))
    elsewhere = SYSTEM.model_copy(update={"cpu_info": "Processor B"})
    good, bad = case([1] * 400), case([1] * 200 + [0] * 200)
    worse = hold(bad, good, question=question, before=elsewhere).verdicts[0]
    assert (worse.outcome, worse.method) == ("regression", "samples")
    same = hold(good, good, question=question, before=elsewhere).verdicts[0]
    assert same.outcome == "pass"
    other = good.model_copy(update={"digests": digests(dataset="a")})
    assert hold(good, other, question=question).verdicts[0].outcome == "inconclusive"
