"""The verdicts of a suite, a line each, below its table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pytest_modelbench.report.verdicts import ORDER, by_difference, few
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.run import BenchmarkRun

MOST_LINES = 50
COLOURS = {"regression": "red", "inconclusive": "yellow"}

Line = tuple[str, str]
"""The text, and its colour where it has one."""


def verdict_lines(
    run: BenchmarkRun,
    suite: str,
    *,
    are_alone: bool = False,
    is_baseline_known: bool = False,
) -> list[Line]:
    """Regressions first, then what could not be told; then what could not even be compared.

    Where they `are_alone`, no table beside them says what became of each case. The earlier run
    that is the baseline is named, unless the reader has just done so.
    """
    mine = [one for one in run.comparisons if one.suite == suite]
    judged = [
        (f"{_name(one)}: {verdict.message}", verdict.outcome)
        for one in mine
        for verdict in one.verdicts
    ]
    judged.sort(key=lambda one: ORDER.index(one[1]))
    lines = [(text, COLOURS.get(outcome, "")) for text, outcome in judged[:MOST_LINES]]
    if len(judged) > MOST_LINES:
        lines.append((f"... and {len(judged) - MOST_LINES} more verdicts in the run file", ""))
    said = set() if are_alone else {(case.id, case.detail) for case in run.cases}
    earlier = [] if is_baseline_known else _earlier_runs(mine)
    return [*lines, *_not_compared(mine, said), *_differences(mine), *earlier]


def _name(comparison: Comparison) -> str:
    return comparison.id.partition("::")[2] or comparison.id


def _not_compared(
    comparisons: Sequence[Comparison], said: Collection[tuple[str, str]]
) -> Iterator[Line]:
    """Those whose own case does not say the same already."""
    for one in comparisons:
        if one.detail and (one.id, one.detail) not in said:
            yield f"{_name(one)}: {what_became(one)}", "red" * (one.status == "error")


def what_became(comparison: Comparison) -> str:
    """What was not compared, or not to its end, and why."""
    was_begun = comparison.status != "ok" and comparison.verdicts
    return f"{'compared only so far' if was_begun else 'not compared'}: {comparison.detail}"


def _differences(comparisons: Sequence[Comparison]) -> Iterator[Line]:
    """What else differs between the sides, each sentence once."""
    for text, found in by_difference(comparisons).items():
        where = "" if len(found) == len(comparisons) else f" ({few(map(_name, found))})"
        yield f"note: not the same on both sides: {text}{where}", ""


def _earlier_runs(comparisons: Sequence[Comparison]) -> Iterator[Line]:
    """Which runs were the baseline: `last` and `branch:NAME` do not say."""
    found: dict[str, list[Comparison]] = {}
    for one in comparisons:
        baseline = one.sides[0] if one.kind == "stored" and one.sides[1:] else None
        if baseline is not None and baseline.run_id is not None:
            commit = str(baseline.described.get("commit") or "")
            text = f"run {baseline.run_id}{commit and f' of commit {commit[:12]}'}"
            found.setdefault(text, []).append(one)
    for text, held in found.items():
        where = "" if len(found) == 1 else f" ({few(map(_name, held))})"
        yield f"note: held against {text}{where}", ""
