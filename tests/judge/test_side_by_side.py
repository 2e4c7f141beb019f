"""Which metrics of sides that were measured together can be judged, and by what."""

from __future__ import annotations

from made_runs import made_case

from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.side_by_side import Sides, asked_of_all, verdicts_of
from pytest_modelbench.results.metric import measured
from pytest_modelbench.suite.tolerance import parse_tolerance


def test_what_each_side_took_by_itself_is_no_comparison() -> None:
    """One after the other: what went on beside one of them would be its difference."""
    results = [
        made_case(
            name,
            {
                "inference_seconds": measured(seconds, "s", samples=500),
                "mean_latency_ms": measured(
                    seconds * 10, "ms", samples=500, standard_deviation=0.1
                ),
            },
            side=side,
        )
        for name, side, seconds in (("b[m-CPU]@a", "a", 1.0), ("b[m-CPU]@b", "b", 1.5))
    ]
    asked = Question("inference_seconds", "lower", parse_tolerance("5%"))
    [verdict] = verdicts_of(Sides(results, [asked]), None, 1.0)
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == (
        "it is measured on each side by itself, not in turn: judge mean_latency_ms"
    )


def test_how_candidates_differ_is_noted_in_the_unit_in_which_they_are_judged() -> None:
    criterion = Question("steady_ram_increase_mb", "lower", parse_tolerance(5))
    *judged, note = asked_of_all([criterion], 3)
    assert [one.is_in_unit for one in judged] == [True, True]
    assert (note.tolerance, note.is_in_unit) == (None, True)
    *_, share = asked_of_all([Question("peak_ram_mb", "lower", parse_tolerance("5%"))], 3)
    assert not share.is_in_unit
