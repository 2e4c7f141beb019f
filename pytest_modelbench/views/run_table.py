"""Runs as lines, one a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pytest_modelbench.errors import cut
from pytest_modelbench.redaction import printable
from pytest_modelbench.views.entry import Entry
from pytest_modelbench.views.moments import age_in_words, local_minute

TITLES = ("run", "when", "code", "suites", "ok", "failed", "skipped", "state", "host")
LONGEST_TEXT = 30
_RIGHT = (4, 5, 6)
"""Columns of numbers."""
_EXITS = {2: "interrupted", 3: "internal error", 4: "wrong usage", 5: "nothing to run"}


def run_lines(entries: Sequence[Entry], now: datetime | None = None) -> Iterator[str]:
    """Titles and a line for each run, in columns."""
    now = now or datetime.now(UTC)
    rows = [TITLES, *(_cells(entry, now) for entry in entries)]
    readable = [row for row in rows if len(row) == len(TITLES)]
    widths = [max(map(len, column)) for column in zip(*readable, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if number in _RIGHT else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        yield "  ".join(cells).rstrip()


def _cells(entry: Entry, now: datetime) -> tuple[str, ...]:
    began = entry.stored.began
    when = f"{local_minute(began)}, {age_in_words((now - began).total_seconds())}"
    if not entry.metadata:
        return entry.stored.run_id, when, printable(f"{_state(entry)}: {entry.fault}")
    has_ended = entry.state == "finished"
    counts = (entry.ok, entry.failed, entry.skipped)
    cells = (
        entry.stored.run_id,
        when,
        code_of(entry.metadata.get("git_branch"), entry.metadata.get("git_sha"),
                is_dirty=bool(entry.metadata.get("git_dirty"))),
        cut(", ".join(entry.suites), LONGEST_TEXT) or "-",
        *(str(count) if has_ended else "-" for count in counts),
        _state(entry),
        entry.hostname,
    )  # fmt: skip
    return tuple(map(printable, cells))


def code_of(branch: object, sha: object, *, is_dirty: bool) -> str:
    """The revision, `+` for files with uncommitted changes.

    >>> code_of("main", "1a2b3c4d5e6f", is_dirty=True)
    'main@1a2b3c4+'
    """
    if not sha:
        return "-"
    name = f"{cut(str(branch), LONGEST_TEXT)}@" if branch else ""
    return f"{name}{str(sha)[:7]}{'+' * is_dirty}"


def _state(entry: Entry) -> str:
    """How it ended, or how far it is."""
    if entry.state == "unreadable":
        return "cannot be read"
    if entry.state != "finished":
        return f"{entry.state}, {entry.progress}" if entry.progress else entry.state
    if entry.metadata.get("dry_run"):
        return "dry run"
    status = entry.metadata.get("exit_status")
    if status is None:
        return "recovered"
    meaning = _EXITS.get(status, "")
    regressions = f"{entry.regressions} worse" if entry.regressions else ""
    quick = "quick" if entry.metadata.get("quick") else ""
    notes = ", ".join(filter(None, (meaning, regressions, quick)))
    return f"exit {status}" + (f", {notes}" if notes else "")
