"""Over many sessions only what is more than noise is called a change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from made_runs import made_case, measured_case, milliseconds

from pytest_modelbench.judge.question import usual_question
from pytest_modelbench.judge.stored.series import Change, Point, Series
from pytest_modelbench.judge.stored.verdict import stored_verdict

DIGESTS = {"runner": "0", "model": "0", "dataset": "0"}


def point(value: float, width: float = 0.01, **fields: Any) -> Point:
    usual: dict[str, Any] = {
        "low": value * (1 - width / 2),
        "high": value * (1 + width / 2),
        "machine": "here",
        "fingerprint": "f",
        "digests": DIGESTS,
    }
    return Point(value, **{**usual, **fields})


def changes(
    points: Sequence[Point], metric: str = "p50_latency_ms", unit: str = "ms", questions: int = 0
) -> list[Change | None]:
    series = Series(metric, unit, questions or max(1, len(points) - 1))
    return [series.add(one) for one in points]


def proven(points: Sequence[Point], *about: Any, **more: Any) -> list[int]:
    """At which places a change is said to be one."""
    found = changes(points, *about, **more)
    return [at for at, one in enumerate(found) if one is not None and one.is_proven]


def quiet(count: int, seed: int = 1, noise: float = 0.01, level: float = 10.0) -> list[Point]:
    draw = random.Random(seed)
    return [point(level * draw.lognormvariate(0, noise)) for _ in range(count)]


def test_the_first_of_a_machine_is_held_against_nothing() -> None:
    found = changes([point(10.0), point(11.0, machine="there"), point(10.5)])
    assert found[:2] == [None, None]
    assert found[2] is not None
    assert found[2].amount == pytest.approx(0.05)  # against the one before it on that machine


def test_equal_code_seldom_gives_a_change_however_many_are_asked_about() -> None:
    """Of 200 histories with the noise that is assumed of medians, 5 % at most may have one."""
    wolves = sum(bool(proven(quiet(40, seed, noise=0.06))) for seed in range(200))
    assert wolves <= 16  # 10 expected; more than 16 would come in 2 of 100 such tests by chance


def test_intervals_that_do_not_overlap_are_no_change_where_sessions_differ_by_more() -> None:
    assert proven([point(10.0, width=0.001), point(10.6, width=0.001)]) == []


def test_a_step_in_a_quiet_history_is_found_once_and_what_follows_is_the_new_level() -> None:
    points = [*quiet(25), *quiet(25, seed=2, level=12.5)]
    assert proven(points) == [25]
    (change,) = [one for one in changes(points) if one is not None and one.is_proven]
    assert change.is_relative
    assert change.amount == pytest.approx(0.25, abs=0.05)


def test_what_was_learnt_before_a_step_is_known_after_it() -> None:
    points = [*quiet(25), *quiet(15, 2, level=12.5), *quiet(15, 3, level=10.0)]
    assert proven(points) == [25, 40]


def test_without_a_history_only_what_is_far_off_is_a_change() -> None:
    assert proven([point(10.0), point(12.0)]) == []
    assert proven([point(10.0), point(30.0)]) == [1]
    assert proven([point(10.0), point(30.0)], questions=5000) == []


def test_a_disturbed_session_has_to_be_further_off() -> None:
    assert proven([point(10.0), point(16.0)]) == [1]
    assert proven([point(10.0), point(16.0, is_disturbed=True)]) == []
    assert proven([point(10.0, is_disturbed=True), point(16.0)]) == []


def test_it_is_the_rule_of_stored_baselines() -> None:
    """Where both can be asked, they judge alike: the same noise, and the same quantile."""
    draw = random.Random(3)
    base = [10 * draw.lognormvariate(0, 0.02) for _ in range(12)]
    cases = [
        measured_case(made_case(metrics={"p50_latency_ms": milliseconds(value)}), number)
        for number, value in enumerate(base)
    ]
    for candidate in (10.5, 11.0, 11.5, 12.0, 13.0):
        after = measured_case(made_case(metrics={"p50_latency_ms": milliseconds(candidate)}), -1)
        sessions = [cases[-1], *cases[:-1]]
        judged = stored_verdict(usual_question("0.0001%"), cases[-1], after, sessions)
        found = proven([*map(point, base), point(candidate)], questions=1)
        assert (len(base) in found) == (judged.outcome == "regression"), candidate


def test_what_is_counted_is_a_change_when_it_differs() -> None:
    counts = [point(one, low=None, high=None) for one in (0.0, 0.0, 1.0, 1.0)]
    assert proven(counts, "failure_count", "") == [2]
    (change,) = [one for one in changes(counts, "failure_count", "") if one and one.is_proven]
    assert (change.amount, change.is_relative) == (1.0, False)  # of 0 there is no share


def test_of_what_nothing_is_known_intervals_must_be_apart() -> None:
    wide, far = point(0.10, width=0.5), point(0.20, width=0.5)
    assert proven([wide, point(0.11, width=0.5)], "wer", "") == []
    assert proven([wide, far], "wer", "") == [1]
    bare = [Point(value, None, None, "here") for value in (0.1, 0.2)]
    assert proven(bare, "wer", "") == []


def test_what_has_always_been_the_same_is_a_change_when_it_is_not() -> None:
    same = [Point(0.5, None, None, "here") for _ in range(4)]
    assert proven([*same, Point(0.6, None, None, "here")], "own", "") == [4]


def test_what_measured_something_else_is_no_change_and_says_what() -> None:
    other = {**DIGESTS, "dataset": "1", "runner": "1"}
    found = changes([point(10.0), point(40.0, digests=other, fingerprint="g")])[1]
    assert found is not None
    assert (found.is_proven, found.other) == (False, "runner, dataset")
    model = {**DIGESTS, "model": "1"}
    assert proven([point(10.0), point(40.0, digests=model, fingerprint="g")]) == [1]


def test_values_that_have_no_logarithm_are_not_judged() -> None:
    points = [point(0.0, low=0.0, high=0.0), point(10.0), point(-1.0), point(10.0)]
    assert proven(points) == []


def test_an_increase_of_memory_is_as_uncertain_as_the_peak() -> None:
    small = [Point(one, None, None, "here", peak=150.0) for one in (0.5, 2.0)]
    assert proven(small, "ram_increase_mb", "MB") == []
    large = [Point(one, None, None, "here", peak=150.0) for one in (0.5, 60.0)]
    assert proven(large, "ram_increase_mb", "MB") == [1]
