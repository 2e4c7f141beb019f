"""A case and where it was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SystemInfo

_BUT_THE_MODEL = {"suite", "benchmark", "runner", "device", "params"}


@dataclass(frozen=True, slots=True)
class MeasuredCase:
    """What comparing needs: the case, its machine, and which run it is of."""

    run_id: str | None
    """None for the session that is under way."""
    commit: str | None
    system: SystemInfo
    case: CaseResult
    regressed: frozenset[str] = frozenset()
    """Metrics that its run had proven to have become worse."""

    @property
    def is_disturbed(self) -> bool:
        """Whether something else is known to have gone on, or the calls never became steady."""
        return self.case.is_disturbed

    @property
    def measured_in(self) -> str | None:
        """The id of the run whose session measured it: equal for one measurement in two runs."""
        return self.case.measured_in(self.run_id)


def cases_of(run: BenchmarkRun) -> Iterator[MeasuredCase]:
    """Every case of a run, in its order."""
    about = run.metadata
    worse = {
        (side.case_id, verdict.metric)
        for one in run.comparisons
        for verdict in one.verdicts
        for side in one.sides
        if verdict.outcome == "regression" and side.name == verdict.candidate
    }
    for case in run.cases:
        regressed = frozenset(metric for name, metric in worse if name == case.id)
        yield MeasuredCase(about.run_id, about.git_sha, run.system_info, case, regressed)


def counterpart(
    wanted: CaseResult, peers: Iterable[Mapping[str, Any]], run: BenchmarkRun
) -> MeasuredCase | None:
    """The case of `run` that stands for `wanted`; None if there is none.

    It is the one of the same id. Where a model was replaced by another, ids differ: then it is
    the one that alone has lost its counterpart among those of the same benchmark, device and
    parameters, if `wanted` is the one that alone has none. `peers` are the identities of all
    cases of the suite; where they are not known, only ids count.
    """
    stored = {one.case.id: one for one in cases_of(run)}
    if wanted.id in stored:
        return stored[wanted.id]
    alike = {peer["id"] for peer in peers if is_alike(peer, wanted)}
    new = alike - stored.keys()
    lost = [
        one
        for name, one in stored.items()
        if name not in alike and is_alike(one.case.model_dump(include=_BUT_THE_MODEL), wanted)
    ]
    return lost[0] if new == {wanted.id} and len(lost) == 1 else None


def identities(run: BenchmarkRun) -> list[dict[str, Any]]:
    """What `counterpart` looks at, of every case."""
    return [case.model_dump(include={"id", *_BUT_THE_MODEL}) for case in run.cases]


def is_alike(identity: Mapping[str, Any], case: CaseResult) -> bool:
    """Whether they differ in nothing but the model."""
    return all(identity[name] == getattr(case, name) for name in _BUT_THE_MODEL)


def without_series(case: CaseResult) -> CaseResult:
    """Without what is packed, which is most of a run: enough to choose by and to learn noise from.

    What is left of the timing says whether it was steady.
    """
    timing = case.timing and case.timing.model_copy(update={"durations": "", "warmup": ""})
    return case.model_copy(update={"timing": timing, "samples": None})
