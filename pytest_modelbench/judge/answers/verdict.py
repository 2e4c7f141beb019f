"""Verdicts on outputs: are the answers those of the baseline?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.outputs_file import read_outputs
from pytest_modelbench.judge.answers.deviation import Deviation, deviations
from pytest_modelbench.judge.by_sample.pairing import Pairing, pair_samples
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.wording import make_verdict
from pytest_modelbench.results.comparison import Outcome, Verdict
from pytest_modelbench.results.packed import unpack
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.suite.compare import Outputs, OutputTolerance
from pytest_modelbench.suite.tolerance import Tolerance

METRIC: Final = "outputs"


def judge_outputs(
    outputs: Outputs,
    sides: Sequence[str],
    results: Sequence[CaseResult],
    candidate: int = 1,
    files: Sequence[Path | None] = (),
) -> Verdict:
    """Does side `candidate` answer what the first one does, exactly or within a tolerance?

    Hashes tell what is equal; how far the others are apart is read from `files`, one a side. Where
    all must be equal and there are none, the verdict says in how many samples they differ.
    """
    question = Question(METRIC, "lower", Tolerance(0.0, is_relative=False), candidate=candidate)
    try:
        found = _compare(outputs, results, candidate, files)
    except ModelbenchError as reason:
        return make_verdict(question, sides, "inconclusive", METRIC, reason=str(reason))
    return make_verdict(
        question,
        sides,
        found.outcome,
        METRIC,
        reason=found.reason,
        evidence=found.evidence,
        rests_on=found.rests_on,
    )


@dataclass(frozen=True)
class _Found:
    compared: int
    differing: Sequence[int]
    """Places in the baseline of samples whose answers differ too much."""
    note: str | None = None
    worst: tuple[int, Deviation] | None = None
    """The largest deviation, and in which sample."""
    tolerance: OutputTolerance | None = None

    @property
    def outcome(self) -> Outcome:
        if self.differing:
            return "regression"
        return "inconclusive" if self.note else "pass"

    @property
    def reason(self) -> str | None:
        parts = [self._difference] if self.differing else []
        return "; ".join([*parts, self.note] if self.note else parts) or None

    @property
    def _difference(self) -> str:
        said = (
            f"outputs differ in {len(self.differing)} of {self.compared} samples, first in "
            f"sample {self.differing[0]}"
        )
        if self.worst is None:
            return said
        place, deviation = self.worst
        by = "" if deviation.amount == math.inf else f" by {deviation.amount:.3g}"
        return f"{said}; most in sample {place}{by}: {deviation.words}"

    @property
    def rests_on(self) -> list[str]:
        if self.differing:
            return []
        if self.worst is None:
            return [f"all {self.compared} answers equal"]
        return [f"{self.compared} samples", f"largest deviation {self.worst[1].amount:.3g}"]

    @property
    def evidence(self) -> dict[str, Any]:
        evidence: dict[str, Any] = {"samples": self.compared, "differing": len(self.differing)}
        if self.differing:
            evidence["first"] = self.differing[0]
        if self.worst is not None:
            place, deviation = self.worst
            amount = None if deviation.amount == math.inf else deviation.amount
            evidence["largest"] = {"sample": place, "amount": amount, "where": deviation.words}
        if self.tolerance is not None:
            evidence["tolerance"] = self.tolerance.model_dump()
        return evidence


def _compare(
    outputs: Outputs, results: Sequence[CaseResult], candidate: int, files: Sequence[Path | None]
) -> _Found:
    records = [results[side].samples for side in (0, candidate)]
    if records[0] is None or records[1] is None:
        raise ModelbenchError("a side has no record of what it answered")
    ours, theirs = unpack(records[0].outputs), unpack(records[1].outputs)
    pairing = pair_samples(records[0], records[1])
    failed, unequal = [], []
    for one, other in _places(pairing, len(ours), len(theirs)):
        if not ours[one] and not theirs[other]:
            failed.append(one)
        elif ours[one] != theirs[other]:
            unequal.append((one, other))
    note = _note(pairing, failed)
    compared = len(pairing) - len(failed)
    differing = [one for one, _ in unequal]
    if not unequal:
        return _Found(compared, differing, note)
    try:
        kept = _answers(files, 0, len(ours)), _answers(files, candidate, len(theirs))
    except ModelbenchError:
        if outputs == "equal":  # that they differ is known all the same
            return _Found(compared, differing, note)
        raise
    if outputs == "equal":
        _, worst = _beyond(OutputTolerance(), unequal, *kept)
        return _Found(compared, differing, note, worst)
    differing, worst = _beyond(outputs, unequal, *kept)
    return _Found(compared, differing, note, worst, outputs)


def _places(pairing: Pairing, ours: int, theirs: int) -> list[tuple[int, int]]:
    places = list(zip(pairing.baseline.tolist(), pairing.candidate.tolist(), strict=True))
    known = [(one, other) for one, other in places if one < ours and other < theirs]
    if not known:
        raise ModelbenchError("no sample was asked of both sides")
    return known


def _note(pairing: Pairing, failed: Sequence[int]) -> str | None:
    both = f"{len(failed)} samples failed on both sides" if failed else None
    return "; ".join(one for one in (pairing.left_out, both) if one) or None


def _answers(files: Sequence[Path | None], side: int, count: int) -> list[Any]:
    file = files[side] if side < len(files) else None
    if file is None:
        raise ModelbenchError("outputs differ, and by how much is not known: they were not kept")
    answers = read_outputs(file)
    if len(answers) != count:
        raise ModelbenchError(f"{file}: holds {len(answers)} answers, not {count}")
    return answers


def _beyond(
    tolerance: OutputTolerance,
    unequal: Sequence[tuple[int, int]],
    ours: list[Any],
    theirs: list[Any],
) -> tuple[list[int], tuple[int, Deviation] | None]:
    """Samples that differ too much, and the largest deviation, beyond the tolerance if any is."""
    differing: list[int] = []
    worst: tuple[int, Deviation] | None = None
    for one, other in unequal:
        found = list(deviations(ours[one], theirs[other], tolerance))
        if any(not part.is_allowed for part in found):
            differing.append(one)
        for part in found:
            if worst is None or _badness(part) > _badness(worst[1]):
                worst = one, part
    return differing, worst


def _badness(deviation: Deviation) -> tuple[bool, float]:
    return not deviation.is_allowed, deviation.amount
