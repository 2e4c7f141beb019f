"""All verdicts of sides that were measured together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from pytest_modelbench.catalogue import COUNTED_METRICS, ENERGY_METRICS
from pytest_modelbench.judge.answers.verdict import judge_outputs
from pytest_modelbench.judge.by_sample.verdict import judge_exact, judge_samples
from pytest_modelbench.judge.paired import (
    PairedData,
    is_measured_in_pairs,
    next_step,
    paired_verdict,
)
from pytest_modelbench.judge.paired.blocks import MEDIANS
from pytest_modelbench.judge.paired.next_step import Step
from pytest_modelbench.judge.paired.per_launch import LAUNCH_METRICS
from pytest_modelbench.judge.paired.tails import TAIL_METRICS
from pytest_modelbench.judge.question import RATE, Question
from pytest_modelbench.judge.stored.noise import kind_of
from pytest_modelbench.judge.wording import untold
from pytest_modelbench.results.comparison import Verdict
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.suite.compare import Outputs

_BESIDE = "the other sides lie on the device, too, which has but one count of its memory"
_SHARED = "its counter is that of the whole device, on which the sides take turns"
OF_THE_WHOLE_MACHINE = {
    **dict.fromkeys(("device_peak_vram_mb", "device_vram_increase_mb"), _BESIDE),
    **dict.fromkeys(ENERGY_METRICS, _SHARED),
}
"""Why what is counted for a whole device is not compared side by side."""
OF_SINGLE_CALLS = (*MEDIANS, *TAIL_METRICS, "mean_latency_ms")


@dataclass(frozen=True)
class Sides:
    """What is known of the sides beside their launches."""

    results: Sequence[CaseResult]
    """Of each side measured by itself; the baseline first."""
    questions: Sequence[Question]
    """Asked of the first candidate, and meant of all."""
    outputs: Outputs | None = None
    """How equal to the baseline's the answers have to be."""
    outputs_files: Sequence[Path | None] = ()
    """Where the answers of each side are, if they are kept in full."""
    verdict_count: int = 1
    """Verdicts of the session."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.side for one in self.results)


def step_after(data: PairedData, questions: Sequence[Question], seconds_left: float) -> Step:
    """What to measure next for the questions that launches answer."""
    fitting = [_fitting(one, data) for one in questions]
    asked = [
        one for one in asked_of_all(fitting, len(data.sides)) if not _is_hidden_in_flight(one, data)
    ]
    return next_step(data, asked, seconds_left)


def needs_launches(questions: Sequence[Question]) -> bool:
    """Whether any of the questions is about time or memory."""
    return any(map(_is_paired, questions))


def verdicts_of(sides: Sides, data: PairedData | None, seconds: float) -> list[Verdict]:
    """Every question for every candidate; the outputs, where they have to be equal."""
    verdicts = [
        _verdict(question, sides, data, seconds)
        for question in asked_of_all(
            [_fitting(one, data) for one in sides.questions], len(sides.results)
        )
    ]
    return verdicts + list(_outputs(sides))


def _fitting(question: Question, data: PairedData | None) -> Question:
    return question if data is None else question.for_calls_in_flight(data.procedure.in_flight)


def asked_of_all(questions: Sequence[Question], side_count: int) -> Iterator[Question]:
    """The questions for each candidate; and how candidates differ from each other, as a note."""
    for question in questions:
        for candidate in range(1, side_count):
            yield replace(question, candidate=candidate)
    for question in questions:
        for one, other in combinations(range(1, side_count), 2):
            yield replace(
                question,
                baseline=one,
                candidate=other,
                tolerance=None,
                is_noted_in_unit=question.is_in_unit,
            )


def _is_paired(question: Question) -> bool:
    return is_measured_in_pairs(question.metric)


def _is_hidden_in_flight(question: Question, data: PairedData) -> bool:
    """How long a call takes cannot be told where calls are timed together."""
    return data.procedure.in_flight > 1 and question.metric in OF_SINGLE_CALLS


def _verdict(question: Question, sides: Sides, data: PairedData | None, seconds: float) -> Verdict:
    baseline, candidate = sides.results[question.baseline], sides.results[question.candidate]
    if question.metric in OF_THE_WHOLE_MACHINE:
        reason = f"{OF_THE_WHOLE_MACHINE[question.metric]}: measure each side by itself"
        return untold(question, sides.names, "launches", reason)
    if _is_paired(question):
        if data is None:
            return untold(question, sides.names, "blocks", "there was no launch")
        if _is_hidden_in_flight(question, data):
            reason = f"calls are in flight together, which shows their rate: judge {RATE}"
            return untold(question, sides.names, "blocks", reason)
        if absent := _absent(question.metric, [baseline, candidate]):
            return untold(question, sides.names, "launches", absent)
        return paired_verdict(data, question, seconds)
    if question.metric in COUNTED_METRICS:
        return judge_exact(question, sides.names, baseline, candidate)
    if _is_timed_apart(question.metric, [baseline, candidate]):
        reason = "it is measured on each side by itself, not in turn: judge mean_latency_ms"
        return untold(question, sides.names, "samples", reason)
    return judge_samples(question, sides.names, baseline, candidate, sides.verdict_count)


def _is_timed_apart(metric: str, results: Sequence[CaseResult]) -> bool:
    """Whether it is about time or memory, and not a figure of samples that both sides have."""
    if all(one.samples is not None and metric in one.samples.terms for one in results):
        return False
    found = [one.metrics[metric].unit for one in results if metric in one.metrics]
    return any(kind_of(metric, unit) is not None for unit in found)


def _absent(metric: str, results: Sequence[CaseResult]) -> str | None:
    """Why no launch could give it, as each side's own measurement says it; None where one did."""
    if metric not in LAUNCH_METRICS:
        return None
    found = [one.metrics.get(metric) for one in results]
    reasons = [one.error_message for one in found if one is not None and one.status != "ok"]
    return reasons[0] if len(reasons) == len(found) else None


def _outputs(sides: Sides) -> Iterator[Verdict]:
    if sides.outputs is None:
        return
    for candidate in range(1, len(sides.results)):
        yield judge_outputs(
            sides.outputs,
            sides.names,
            sides.results,
            candidate,
            sides.outputs_files,
        )
