"""How far a session is, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_modelbench.errors import cut
from pytest_modelbench.redaction import printable
from pytest_modelbench.report.numbers import shown
from pytest_modelbench.runs.live import LiveState
from pytest_modelbench.views.moments import duration_in_words
from pytest_modelbench.views.sight import Sight

MOST_FAILURES = 8
BAR_WIDTH = 20


def progress_lines(sight: Sight) -> Iterator[str]:
    """Of the whole session, of each process, and what has failed."""
    yield printable(f"{sight.run_id}: {cases_text(sight)}, {duration_in_words(sight.seconds)}")
    if sight.processes:
        names = [process_name(one) for one in sight.processes]
        width = max(map(len, names))
        for name, process in zip(names, sight.processes, strict=True):
            yield printable(f"{name:<{width}}  {process_text(process)}")
    elif sight.ending == "running":
        yield "no case is being measured just now"
    newest = sight.failures[-MOST_FAILURES:]
    if len(sight.failures) > len(newest):
        yield f"... and {len(sight.failures) - len(newest)} failures before"
    yield from (printable(f"failed: {line}") for line in newest)


def cases_text(sight: Sight) -> str:
    """
    >>> cases_text(Sight("r", total=3, ended={"a": "ok", "b": "error"}))
    '2 of 3 cases done (1 failed)'
    """
    counts = {"failed": sight.count("failed", "error"), "skipped": sight.count("skipped")}
    notes = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    cases = "case" if sight.total == 1 else "cases"
    return f"{len(sight.ended)} of {sight.total} {cases} done" + (f" ({notes})" if notes else "")


def process_name(process: LiveState) -> str:
    """The worker where there are several, and its case."""
    return f"{process.worker}: {process.case_id}"


def process_text(process: LiveState) -> str:
    """The phase, and how far it is where that is known."""
    done, total = process.done, process.total
    parts = [f"{process.phase:<10}"]
    if total and done >= total and process.phase == "timing" and not process.beside:
        return f"{parts[0]}  {total} samples, again and again"
    if total:
        parts.append(_bar(done / total))
    if done or total:
        parts.append(f"{done} of {total if total is not None else '?'} {process.what}")
    if rate := process.rate_per_second:
        parts.append(f"{shown(rate)}/s")
    if process.beside:
        parts.append(process.beside)
    if (left := process.seconds_left) is not None and left >= 1:
        parts.append(f"{duration_in_words(left)} left")
    return "  ".join(parts).rstrip()


def _bar(share: float) -> str:
    filled = round(min(1.0, share) * BAR_WIDTH)
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}]"


class Changes:
    """What is new since the last look, a line each: for output that nobody watches as it comes."""

    def __init__(self) -> None:
        self._phases: dict[str, tuple[str, str]] = {}
        self._ended: set[str] = set()
        self._failures = 0
        self._total = -1

    def lines(self, sight: Sight) -> Iterator[str]:
        if sight.total != self._total:
            self._total = sight.total
            yield f"{sight.run_id}: {cases_text(sight)}"
        for process in sight.processes:
            now = (process.case_id, process.phase)
            if self._phases.get(process.worker) != now:
                self._phases[process.worker] = now
                yield printable(f"{process_name(process)}: {process.phase}")
        for number, (case_id, status) in enumerate(sight.ended.items(), 1):
            if case_id not in self._ended:
                self._ended.add(case_id)
                yield printable(f"{number} of {sight.total}: {case_id}: {status}")
        for failure in sight.failures[self._failures :]:
            yield printable(f"failed: {cut(failure, 400)}")
        self._failures = len(sight.failures)
