"""What is said of comparisons before they begin is what they do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.comparison.course import Budget
from pytest_modelbench.comparison.pace import pace_for
from pytest_modelbench.comparison.plan_in_words import longest_call_seconds, plan_lines
from pytest_modelbench.judge.paired.looks import FEWEST_LAUNCHES
from pytest_modelbench.suite.load import load_suite
from pytest_modelbench.suite.selection import Selection

SUITE = """{"id": "s", "dataset": {"source": "jsonl", "path": "rows.jsonl"},
 "benchmarks": [{"id": "b", "runner": "embedding_text", "model": "one", "compare": %s}]}"""


def case(folder: Path, compare: str) -> Case:
    (folder / "one").mkdir(exist_ok=True)
    (folder / "rows.jsonl").write_text('{"text": "a"}\n')
    (folder / "s.json").write_text(SUITE % compare)
    [only] = load_suite(folder / "s.json", Selection()).cases
    return only


TWO = '{"baseline": {"device": "GPU"}, "max_seconds": %s}'
THREE = (
    '{"baseline": {"device": "GPU"}, "candidates": {"a": {}, "b": {"params": {"batch_size": 2}}}, '
    '"max_seconds": %s}'
)


@pytest.mark.parametrize("compare", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize("max_seconds", [1, 120, 7200])
def test_calls_as_long_as_said_take_all_the_time_in_the_launches_that_are_always_made(
    tmp_path: Path, compare: str, max_seconds: float
) -> None:
    plan: Any = case(tmp_path, compare % max_seconds).comparison
    call_seconds = longest_call_seconds(plan)
    pace = pace_for([round(call_seconds * 1e9)] * len(plan.sides), 1, plan.settings)
    segments = pace.blocks * 2 * len(plan.sides)
    launch_seconds = segments * pace.calls * pace.repeats * call_seconds
    assert FEWEST_LAUNCHES * launch_seconds == pytest.approx(max_seconds)
    budget = Budget(max_seconds)
    for _ in range(FEWEST_LAUNCHES):
        assert budget.left > 0
        budget.spend(launch_seconds * 3)  # slower calls take longer, and are made as well
    assert budget.left == 0


def test_the_line_says_from_which_calls_on_it_takes_longer(tmp_path: Path) -> None:
    [line] = plan_lines([case(tmp_path, TWO % 120)])
    assert line.endswith(
        "; longer where a call takes over 3.8 s, since 2 launches of 4 blocks are made in any case"
    )


def test_sides_that_are_the_same_are_named(tmp_path: Path) -> None:
    same = case(tmp_path, '{"baseline": {"model": "one"}}')
    _, line = plan_lines([same])
    assert line == (
        "modelbench: a candidate is what the baseline is, so all it can show is noise "
        "(b[one-CPU-vs-one])"
    )
    assert same.comparison is not None
    baseline, candidate = same.comparison.sides
    of_a_revision = replace(same.comparison, sides=(replace(baseline, commit="1" * 40), candidate))
    assert len(plan_lines([replace(same, comparison=of_a_revision)])) == 1
    assert plan_lines([replace(same, comparison=None)]) == []
