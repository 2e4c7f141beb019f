"""What a session has done so far and does just now, as far as another process can see it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pytest_modelbench.runs.folder import RunFolder
from pytest_modelbench.runs.journal import event_in
from pytest_modelbench.runs.live import LiveState, live_states

Ending = Literal["running", "finished", "killed", "gone"]


@dataclass
class Sight:
    """One look."""

    run_id: str
    ending: Ending = "running"
    """`killed`: the session is gone and has written no run; `gone`: so is its directory."""
    total: int = 0
    """Cases that were to be measured."""
    ended: dict[str, str] = field(default_factory=dict)
    """Id of each case that has a result to its status: ok, failed, error or skipped."""
    failures: list[str] = field(default_factory=list)
    """A line for each error, broken bound, comparison that went wrong and regression."""
    processes: Sequence[LiveState] = ()
    seconds: float = 0.0
    """Since the session began."""

    def count(self, *statuses: str) -> int:
        return sum(one in statuses for one in self.ended.values())


class Watcher:
    """Looks at a run's directory again and again; of its journals reads what has been added."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._offsets: dict[Path, int] = {}
        self._cases: dict[str, set[str]] = {}
        """By node id: the ids of its cases."""
        self._began: datetime | None = None
        self.command = ""
        """What started the session."""
        self._sight = Sight(folder.run_id)

    def look(self) -> Sight:
        """The state of now; the same object each time."""
        sight = self._sight
        was_running = self.folder.is_running()  # before what it might yet write
        for event in self._new_events():
            with suppress(ValueError, TypeError, KeyError, AttributeError):
                self._take(event)
        sight.total = len(set().union(*self._cases.values()))
        sight.ending = "running" if was_running else self._how_it_ended()
        states = live_states(self.folder.live) if was_running else ()
        sight.processes = [one for one in states if one.case_id not in sight.ended]
        if was_running and self._began is not None:
            sight.seconds = max(0.0, (datetime.now(UTC) - self._began).total_seconds())
        return sight

    def _how_it_ended(self) -> Ending:
        if self.folder.run_file.exists():
            return "finished"
        return "killed" if self.folder.path.exists() else "gone"

    def _new_events(self) -> Iterator[Mapping[str, Any]]:
        for file in sorted(self.folder.journals.glob("*.jsonl")):
            try:
                with file.open("rb") as stream:
                    stream.seek(self._offsets.get(file, 0))
                    added = stream.read()
            except OSError:
                continue
            whole = added[: added.rfind(b"\n") + 1]
            self._offsets[file] = self._offsets.get(file, 0) + len(whole)
            yield from filter(None, map(event_in, whole.splitlines()))

    def _take(self, event: Mapping[str, Any]) -> None:
        for manifest in event.get("manifests", ()):
            for case in manifest["cases"]:
                self._cases.setdefault(case["nodeid"], set()).add(case["identity"]["id"])
        match event["event"]:
            case "session":
                self._began = datetime.fromisoformat(event["metadata"]["timestamp"])
                self.command = event["metadata"]["command_line"]
            case "parcel":
                for result in map(json.loads, event.get("results", ())):
                    self._end_of_case(result)
                for comparison in map(json.loads, event.get("comparisons", ())):
                    self._end_of_comparison(comparison)
            case "died":
                for case_id in self._cases.get(event["nodeid"], {event["nodeid"]}):
                    self._sight.ended[case_id] = "error"
                    self._fail(case_id, event["cause"])
            case "problem":
                self._sight.failures.append(_first_line(event["text"]))

    def _end_of_case(self, result: Mapping[str, Any]) -> None:
        case_id, status = result["id"], result["status"]
        broken = [one for one in result["bounds"] if one["outcome"] == "failed"]
        self._sight.ended[case_id] = "failed" if status == "ok" and broken else status
        if status == "error":
            self._fail(case_id, result["detail"])
        for check in broken:
            self._fail(case_id, check["message"])

    def _end_of_comparison(self, comparison: Mapping[str, Any]) -> None:
        if comparison["status"] == "error":
            cases = (comparison["id"], *(side["case_id"] for side in comparison["sides"]))
            # Where one of its cases went wrong, that has been said.
            if all(self._sight.ended.get(one) != "error" for one in cases):
                self._fail(comparison["id"], comparison["detail"])
        for verdict in comparison["verdicts"]:
            if verdict["outcome"] == "regression":
                self._fail(comparison["id"], verdict["message"])

    def _fail(self, case_id: str, cause: str) -> None:
        line = f"{case_id}: {_first_line(cause)}"
        if line not in self._sight.failures:
            self._sight.failures.append(line)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
