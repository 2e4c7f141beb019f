"""Whether the paired gate cries wolf, and whether it finds what is slower.

Whole commands on a small OpenVINO model whose slow-downs are made, and so known:
`pytest --suite=...` with `compare`, judged by its exit code, and beside it what people use today: a
session of pytest-benchmark that saves a baseline and another that compares with it
(`--benchmark-compare-fail=mean:5%`, `median:5%`, `min:5%`). Equal sides show false alarms, slower
ones what is found; on a quiet machine and beside a process that spins all the time, in bursts,
copies memory, or begins to spin half-way. In each round all trials come in an order drawn anew.

    python benchmarks/gate_truth.py --trials 200 --json gate.json

A long series can be made in parts, each with another `--seed`: `--earlier FILE` counts what was
saved before. Interrupted, or when `--minutes` are over, it reports what it has.

Targets: no false alarm at all; on a quiet machine at least 95 % of the slow-downs found that are
well above the tolerance (which is at most 0.6 of them).
"""

from __future__ import annotations

import json
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common import Report, arguments, need, stop
from gate_trials import OURS, THEIRS, Kind, Ours, Theirs, Trial, fit_model
from noise import CONDITIONS, HALFWAY, QUIET, noise

DETECTED, WELL_ABOVE = 0.95, 0.6
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Seen:
    """A trial and what went on beside it."""

    trial: Trial
    condition: str
    noise_seconds: float
    """Processor time that the noise had."""


class Series:
    """Trials in every condition, as long as there is time."""

    def __init__(self, gates: dict[str, Any], seed: int, planned: int, end: float) -> None:
        self.seen: list[Seen] = []
        self.stopped = ""
        self._gates = gates
        self._draw = random.Random(seed)
        self._planned, self._end = planned, end
        self._usual: dict[Kind, list[float]] = {}

    def warm_up(self, kinds: Sequence[Kind]) -> None:
        """Fills caches, and says how long each kind of trial usually takes."""
        for number, kind in enumerate(kinds):
            seen = self._trial(kind, QUIET)
            _tell(f"warming up, {number + 1} of {len(kinds)}: {_words(seen)}")

    def round(self, kinds: Sequence[Kind], conditions: Sequence[str]) -> None:
        """One trial of each kind in each condition; fewer if the time is over."""
        everything = [(kind, condition) for kind in kinds for condition in conditions]
        self._draw.shuffle(everything)
        for kind, condition in everything:
            if time.monotonic() > self._end:
                self.stopped = f"the time was over after {len(self.seen)} of {self._planned} trials"
                return
            seen = self._trial(kind, condition)
            self.seen.append(seen)
            _tell(f"{len(self.seen)} of {self._planned}: {_words(seen)}")

    def _trial(self, kind: Kind, condition: str) -> Seen:
        delay = 0.0
        usual = self._usual.setdefault(kind, [])
        if condition == HALFWAY:
            delay = self._draw.uniform(0.1, 0.9) * statistics.median(usual)
        with noise(condition, self._draw.getrandbits(32), delay) as made:
            trial = self._gates[kind.gate].trial(kind)
        usual.append(trial.seconds)
        return Seen(trial, condition, made.cpu_seconds)


def _words(seen: Seen) -> str:
    outcomes = ", ".join(seen.trial.outcomes.values())
    return f"{seen.condition}: {seen.trial.kind}: {outcomes} in {seen.trial.seconds:.1f} s"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = arguments(__doc__, rounds=10)
    parser.add_argument("--trials", type=int, dest="rounds", help="another name of --rounds")
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=CONDITIONS)
    parser.add_argument("--model-ms", type=float, default=1.0, help="how long a call takes, about")
    parser.add_argument("--threads", type=int, default=1, help="that the model computes with")
    parser.add_argument(
        "--pairs",
        nargs="+",
        default=["0:3", "5:3", "10:5"],
        metavar="SLOWER:TOLERANCE",
        help="what modelbench is to judge, in whole per cent",
    )
    parser.add_argument(
        "--their-pairs",
        nargs="*",
        default=["0:5", "5:5"],
        metavar="SLOWER:TOLERANCE",
        help="the same for pytest-benchmark; none leaves it out",
    )
    parser.add_argument("--minutes", type=float, default=600.0, help="no further trial after them")
    parser.add_argument("--earlier", nargs="+", type=Path, default=[], metavar="FILE")
    options = parser.parse_args()
    need("pytest_modelbench", "openvino", "scipy", "pytest_benchmark")
    kinds = [Kind(OURS, *_pair(text)) for text in options.pairs]
    kinds += [Kind(THEIRS, *_pair(text)) for text in options.their_pairs]
    settings = {"model_ms": options.model_ms, "threads": options.threads}
    earlier = [seen for file in options.earlier for seen in _saved(file, settings)]
    end = time.monotonic() + options.minutes * 60
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        size, call_ms = fit_model(work / "model.xml", options.model_ms, options.threads)
        gates = {
            OURS: Ours(work / "ours", work / "model.xml", options.threads, kinds),
            THEIRS: Theirs(work / "theirs", work / "model.xml", options.threads),
        }
        planned = options.rounds * len(kinds) * len(options.conditions)
        series = Series(gates, options.seed, planned, end)
        settings |= {"size": size, "call_ms": call_ms}
        try:
            series.warm_up(kinds)
            for number in range(options.rounds):
                series.round(kinds, options.conditions)
                if options.json and number + 1 < options.rounds:  # a long series may be lost
                    show([*earlier, *series.seen], settings).save(options.json)
        except KeyboardInterrupt:
            series.stopped = f"interrupted after {len(series.seen)} trials"
    report = show([*earlier, *series.seen], settings)
    report.notes += [series.stopped] if series.stopped else []
    report.finish(options.json)


def _pair(text: str) -> tuple[int, int]:
    try:
        slower, tolerance = map(int, text.split(":"))
    except ValueError:
        stop(f"a pair {text!r} should be two whole numbers such as 5:3")
    return slower, tolerance


def _saved(file: Path, settings: dict[str, Any]) -> Iterable[Seen]:
    """The trials of an earlier report."""
    figures = json.loads(file.read_text())["figures"]
    if settings.items() - figures["settings"].items():
        stop(f"{file} is of other settings: {figures['settings']}, not {settings}")
    for one in figures["trials"]:
        kind = Kind(**one["trial"].pop("kind"))
        yield Seen(Trial(kind, **one.pop("trial")), **one)


def show(everything: Sequence[Seen], settings: dict[str, Any]) -> Report:
    """A row for each method and truth, a column for each condition."""
    conditions = [one for one in CONDITIONS if any(seen.condition == one for seen in everything)]
    columns = ("gate", "truth", *conditions, "target met")
    title = f"Said to be slower, and median seconds: a model of {settings['model_ms']:g} ms"
    report = Report(title, columns)
    rows = {
        (method, seen.trial.kind): None for seen in everything for method in seen.trial.outcomes
    }
    for method, kind in sorted(rows, key=_place):
        cells = {one: Cell(method, kind, one, everything) for one in conditions}
        title = method if kind.gate == THEIRS else f"{method}, tolerance {kind.tolerance} %"
        truth = f"{kind.slower} % slower" if kind.slower else "equal"
        met, reason = judged(kind, cells)
        report.row(title, truth, *map(str, cells.values()), met)
        if reason:
            report.notes.append(f"TARGET NOT MET: {title}, {truth}: {reason}")
    report.notes += [*_insides(everything), *_broken(everything)]
    report.notes += [
        f"{settings['threads']} thread(s); the model's fastest call takes "
        f"{settings['call_ms']:.2f} ms",
        f"[low, high]: {CONFIDENCE:.0%} interval of Clopper and Pearson",
    ]
    report.figures |= {"settings": settings, "trials": [asdict(seen) for seen in everything]}
    return report


def _place(row: tuple[str, Kind]) -> tuple[bool, int, str, int]:
    method, kind = row
    return kind.gate == THEIRS, kind.tolerance, method, kind.slower


class Cell:
    """What a method said of one truth in one condition."""

    def __init__(self, method: str, kind: Kind, condition: str, everything: Sequence[Seen]) -> None:
        trials = [
            seen.trial
            for seen in everything
            if (seen.condition, seen.trial.kind) == (condition, kind)
            and method in seen.trial.outcomes
        ]
        outcomes = [one.outcomes[method] for one in trials]
        self.slower, self.count = outcomes.count("regression"), len(outcomes)
        self.others = {name: outcomes.count(name) for name in ("inconclusive", "broken")}
        self._seconds = [one.seconds for one in trials]

    @property
    def share(self) -> float:
        return self.slower / self.count

    def __str__(self) -> str:
        if not self.count:
            return "-"
        from scipy.stats import binomtest

        low, high = binomtest(self.slower, self.count).proportion_ci(CONFIDENCE, "exact")
        said = f"{self.slower} of {self.count} [{low:.1%}, {high:.1%}]".replace("%", " %")
        more = [f"{count} {name}" for name, count in self.others.items() if count]
        return ", ".join([said, *more]) + f"; {statistics.median(self._seconds):.1f} s"


def judged(kind: Kind, cells: dict[str, Cell]) -> tuple[str, str]:
    """Whether the target is met, and why not."""
    if kind.gate != OURS:
        return "-", ""
    if not kind.slower:
        alarms = {name: cell.slower for name, cell in cells.items() if cell.slower}
        reason = ", ".join(f"{count} false alarm(s) in {name}" for name, count in alarms.items())
        return ("no", reason) if alarms else ("yes", "")
    quiet = cells.get(QUIET)
    if kind.tolerance > WELL_ABOVE * kind.slower or quiet is None or not quiet.count:
        return "-", ""
    if quiet.share >= DETECTED:
        return "yes", ""
    return "no", f"{quiet.slower} of {quiet.count} found on a quiet machine, not {DETECTED:.0%}"


def _insides(everything: Sequence[Seen]) -> Iterable[str]:
    """What a decision of ours consists of, on a quiet machine."""
    quiet = [one.trial for one in everything if one.condition == QUIET and one.trial.figures]
    for kind in sorted({one.kind for one in quiet if "launches" in one.figures}, key=str):
        figures = [one.figures for one in quiet if one.kind == kind and "launches" in one.figures]
        middle = {
            name: statistics.median(one[name] for one in figures)
            for name in ("change", "launches", "launch_seconds", "calls", "call_seconds")
        }
        disturbed, all_launches = (
            sum(one[name] for one in figures) for name in ("disturbed", "launches")
        )
        yield (
            f"{kind}, quiet, medians: change found {middle['change']:+.1%}; "
            f"{middle['launches']:g} launches in {middle['launch_seconds']:.1f} s, in them "
            f"{middle['calls']:g} calls of both sides in {middle['call_seconds']:.2f} s; "
            f"others disturbed {disturbed} of all {all_launches} launches"
        )


def _broken(everything: Sequence[Seen]) -> Iterable[str]:
    reasons = [one.trial.figures["reason"] for one in everything if "reason" in one.trial.figures]
    return [f"BROKEN: {len(reasons)} trials, the first one: {reasons[0]}"] if reasons else []


if __name__ == "__main__":
    main()
