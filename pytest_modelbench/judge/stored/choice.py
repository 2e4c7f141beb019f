"""Which of the earlier runs a case is held against."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pytest_modelbench.judge.stored.history import MOST_READ
from pytest_modelbench.judge.stored.measured_case import (
    counterpart,
    identities,
    is_alike,
    without_series,
)
from pytest_modelbench.results.run import BenchmarkRun, CaseResult

Found = tuple[Path, BenchmarkRun]


class Shelf:
    """Runs to choose from, the best choice first, read only as far as anybody asks.

    What was read is kept without its series: enough to choose by.
    """

    def __init__(self, runs: Iterable[Found]) -> None:
        self._unread = islice(runs, MOST_READ)
        self._read: list[Found] = []

    def __iter__(self) -> Iterator[Found]:
        position = 0
        while True:
            if position == len(self._read):
                if (found := next(self._unread, None)) is None:
                    return
                self._read.append((found[0], _light(found[1])))
            yield self._read[position]
            position += 1


def _light(run: BenchmarkRun) -> BenchmarkRun:
    cases = [without_series(case) for case in run.cases]
    comparisons = [one.model_copy(update={"launches": []}) for one in run.comparisons]
    return run.model_copy(update={"cases": cases, "comparisons": comparisons})


def best_for(
    case: CaseResult,
    metrics: Collection[str],
    peers: Iterable[Mapping[str, Any]],
    runs: Callable[[], Iterator[Found]],
) -> Path | None:
    """The first of `runs` that measured `case` well: with a value for each of `metrics`.

    A case of the same id comes before one whose place it took (see `counterpart`), and one that
    was measured before one that was not. None where no run has it. The measurement that this
    session took over is no baseline of itself.
    """
    own = case.measured_in(None)
    if (found := _by_peers(case, metrics, (), runs(), own)) is not None:
        return found
    others = list(peers)  # not before it is needed: they are many
    return _by_peers(case, metrics, others, runs(), own) if others else None


def _by_peers(
    case: CaseResult,
    metrics: Collection[str],
    peers: Sequence[Mapping[str, Any]],
    runs: Iterable[Found],
    own: str | None,
) -> Path | None:
    measured = present = None
    for file, run in runs:
        stored = counterpart(case, peers, run)
        if stored is None or (own is not None and stored.measured_in == own):
            continue
        if stored.case.status == "ok":
            known = stored.case.metrics
            if all(name in known and known[name].value is not None for name in metrics):
                return file
            measured = measured or file
        present = present or file
    return measured or present


def lost_cases(suite: str, present: Sequence[Mapping[str, Any]], run: BenchmarkRun) -> list[str]:
    """Ids of the cases of `suite` that `run` measured and that none of those `present` stands for.

    Sides of comparisons are no cases by themselves.
    """
    ids = {one["id"] for one in present}
    sides = {side.case_id for one in run.comparisons if one.kind == "paired" for side in one.sides}
    gone = [
        case
        for case in run.cases
        if case.suite == suite
        and case.status == "ok"
        and case.id not in ids
        and case.id not in sides
    ]
    before = identities(run)
    return [case.id for case in gone if not _is_replaced(case, present, before)]


def _is_replaced(
    case: CaseResult, present: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]
) -> bool:
    """Whether another model has taken its place: `counterpart` read the other way round."""
    ids, old = {one["id"] for one in present}, {one["id"] for one in before}
    new = [one for one in present if one["id"] not in old and is_alike(one, case)]
    lost = [one for one in before if one["id"] not in ids and is_alike(one, case)]
    return len(new) == len(lost) == 1
