"""What a series of trials says: a table of gates and truths, and whether our targets are met."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from common import Report
from gate_series import Seen
from gate_targets import (
    CONFIDENCE,
    FALSE_ALARMS,
    FOUND,
    FOUND_WHEN_LARGE,
    MEASURING_SECONDS,
    SHORT_CALL_MS,
    TOO_FEW,
    interval,
    target,
)
from gate_trials import OURS, Kind
from noise import CONDITIONS, QUIET


class Cell:
    """What a method said of one truth in some conditions."""

    def __init__(self, method: str, kind: Kind, among: Iterable[Seen]) -> None:
        trials = [
            seen.trial
            for seen in among
            if seen.trial.kind == kind and method in seen.trial.outcomes
        ]
        outcomes = [one.outcomes[method] for one in trials]
        self.slower, self.count = outcomes.count("regression"), len(outcomes)
        self.others = {name: outcomes.count(name) for name in ("inconclusive", "broken")}
        self._seconds = [one.seconds for one in trials]
        self.measuring = [
            one.figures["measuring_seconds"] for one in trials if "measuring_seconds" in one.figures
        ]

    @property
    def said(self) -> str:
        low, high = interval(self.slower, self.count)
        said = f"{self.slower} of {self.count} [{low:.1%}, {high:.1%}]".replace("%", " %")
        return ", ".join(
            [said, *(f"{count} {name}" for name, count in self.others.items() if count)]
        )

    def __str__(self) -> str:
        if not self.count:
            return "-"
        whole = f"{statistics.median(self._seconds):.1f} s"
        if not self.measuring:
            return f"{self.said}; {whole}"
        return f"{self.said}; {statistics.median(self.measuring):.1f} s of {whole}"


def show(everything: Sequence[Seen], settings: dict[str, Any]) -> Report:
    """A row for each method and truth, a column for each condition."""
    conditions = [one for one in CONDITIONS if any(seen.condition == one for seen in everything)]
    columns = ("gate", "truth", *conditions, "all together", "target", "met", "met in each")
    title = f"Said to be slower, and median seconds: a model of {settings['model_ms']:g} ms"
    report = Report(title, columns)
    rows = {
        (method, seen.trial.kind): None for seen in everything for method in seen.trial.outcomes
    }
    for method, kind in sorted(rows, key=_place):
        cells = [
            Cell(method, kind, (seen for seen in everything if seen.condition == one))
            for one in conditions
        ]
        together = Cell(method, kind, everything)
        name = method if kind.gate != OURS else f"{method}, tolerance {kind.tolerance} %"
        truth = f"{kind.slower} % slower" if kind.slower else "equal"
        report.row(name, truth, *map(str, cells), together.said, *_judged(kind, cells, together))
    report.notes += [*_at_the_tolerance(everything), *_measuring(everything, settings)]
    report.notes += [*_insides(everything), *_broken(everything), *_legend(settings)]
    report.figures |= {"settings": settings, "trials": [asdict(seen) for seen in everything]}
    return report


def _place(row: tuple[str, Kind]) -> tuple[bool, int, str, int]:
    method, kind = row
    return kind.gate != OURS, kind.tolerance, method, kind.slower


def _judged(kind: Kind, cells: Sequence[Cell], together: Cell) -> tuple[str, str, str]:
    """The target, whether it is met by all trials, and whether in each condition."""
    asked = target(kind)
    if asked is None:
        return "-", "-", "-"
    each = [asked.met(cell.slower, cell.count) for cell in cells]
    at_worst = next((word for word in ("no", TOO_FEW) if word in each), "yes")
    if together.others["broken"]:
        return str(asked), "no: some were broken", "no: some were broken"
    return str(asked), asked.met(together.slower, together.count), at_worst


def _at_the_tolerance(everything: Sequence[Seen]) -> Iterable[str]:
    """What happens to a slow-down that is neither tolerated nor well above what is."""
    kinds = {one.trial.kind for one in everything if one.trial.kind.gate == OURS}
    for kind in sorted(kinds, key=str):
        if kind.slower and target(kind) is None:
            outcomes = [one.trial.outcomes[OURS] for one in everything if one.trial.kind == kind]
            words = ", ".join(f"{word} {outcomes.count(word)}" for word in sorted(set(outcomes)))
            yield (
                f"a true {kind.slower} % at a tolerance of {kind.tolerance} %, of "
                f"{len(outcomes)} trials: {words} (no target)"
            )


def _measuring(everything: Sequence[Seen], settings: dict[str, Any]) -> Iterable[str]:
    """Whether the measuring takes as long as it may."""
    ours = [
        one
        for one in everything
        if one.trial.kind.gate == OURS and "budget_seconds" in one.trial.figures
    ]
    if not ours:
        return
    if settings["model_ms"] > SHORT_CALL_MS:
        figures = [one.trial.figures for one in ours]
        beyond = sum(one["measuring_seconds"] > one["budget_seconds"] for one in figures)
        longest = max(one["measuring_seconds"] for one in figures)
        yield (
            f"measuring: {beyond} of {len(figures)} took longer than compare.max_seconds (with a "
            f"confirmation, twice that) allows; the longest took {longest:.1f} s"
        )
        return
    for what, name in (
        ("timed calls", "call_seconds"),
        ("whole launches, with fresh processes and warm-up", "measuring_seconds"),
    ):
        place, seconds = _longest_median(ours, name)
        met = "yes" if seconds < MEASURING_SECONDS else "no"
        yield (
            f"measuring: the longest median of {what} is {seconds:.2f} s ({place}); target: under "
            f"{MEASURING_SECONDS:g} s: {met}"
        )


def _longest_median(ours: Sequence[Seen], figure: str) -> tuple[str, float]:
    """Of the cells that have a target; where it is, and seconds."""
    cells: dict[str, list[float]] = {}
    for one in ours:
        if target(one.trial.kind) is not None:
            place = f"{one.trial.kind}, {one.condition}"
            cells.setdefault(place, []).append(one.trial.figures[figure])
    medians = {place: statistics.median(seconds) for place, seconds in cells.items()}
    longest = max(medians, key=lambda place: medians[place], default="none")
    return longest, medians.get(longest, 0.0)


def _insides(everything: Sequence[Seen]) -> Iterable[str]:
    """What a decision of ours consists of, on a quiet machine."""
    quiet = [
        one.trial
        for one in everything
        if one.condition == QUIET and "launches" in one.trial.figures
    ]
    for kind in sorted({one.kind for one in quiet}, key=str):
        figures = [one.figures for one in quiet if one.kind == kind]
        middle = {
            name: statistics.median(one[name] for one in figures)
            for name in ("change", "launches", "measuring_seconds", "calls", "call_seconds")
        }
        disturbed, launches = (
            sum(one[name] for one in figures) for name in ("disturbed", "launches")
        )
        yield (
            f"{kind}, quiet, medians: change found {middle['change']:+.1%}; "
            f"{middle['launches']:g} launches in {middle['measuring_seconds']:.1f} s, in them "
            f"{middle['calls']:g} calls of both sides in {middle['call_seconds']:.2f} s; "
            f"others disturbed {disturbed} of all {launches} launches"
        )


def _broken(everything: Sequence[Seen]) -> Iterable[str]:
    reasons = [one.trial.figures["reason"] for one in everything if "reason" in one.trial.figures]
    return [f"BROKEN: {len(reasons)} trials, the first one: {reasons[0]}"] if reasons else []


def _legend(settings: dict[str, Any]) -> Iterable[str]:
    yield (
        f"{settings['threads']} thread(s); the model's fastest call takes "
        f"{settings['call_ms']:.2f} ms"
    )
    yield "seconds: of the whole command; ours: what is measuring of it, and the whole command"
    yield f"[low, high]: {CONFIDENCE:.0%} interval of Clopper and Pearson; targets are judged by it"
    yield "; ".join(
        f"{asked} can be shown by {asked.least_trials()} trials without a miss, not by fewer"
        for asked in (FALSE_ALARMS, FOUND, FOUND_WHEN_LARGE)
    )
