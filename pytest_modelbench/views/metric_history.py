"""A metric of every case, run by run, from the summaries of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import WrongUsage
from pytest_modelbench.judge.stored.noise import peak_beside
from pytest_modelbench.judge.stored.series import MOST_SESSIONS, Change, Point, Series
from pytest_modelbench.runs.folder import CLOSED
from pytest_modelbench.views.entry import document_of, run_file_of
from pytest_modelbench.views.stored import Stored, stored_runs
from pytest_modelbench.views.wanted import Wanted, fits_case


@dataclass(slots=True)
class Value:
    """What one run has of one case."""

    stored: Stored
    metadata: Mapping[str, Any]
    hostname: str
    unit: str
    point: Point
    is_client_limited: bool
    """Then it is no value of the endpoint's, and neither a change nor held against any."""
    change: Change | None = None


@dataclass
class MetricHistory:
    """By id of the case; values oldest first."""

    metric: str
    cases: dict[str, list[Value]]
    earlier: dict[str, int] = field(default_factory=dict)
    """How many values of a case there are before those."""
    faults: list[str] = field(default_factory=list)
    """Runs that could not be read."""


def read_history(
    metric: str, store: Path, wanted: Wanted, cases: Sequence[str] = (), limit: int = 0
) -> MetricHistory:
    """The newest `limit` values of each case, or all. Raises `ModelbenchError` without any."""
    reading = _Reading(metric, wanted, cases)
    for stored in reversed(stored_runs(store)):
        reading.take(stored)
    if not reading.values:
        raise WrongUsage(_nothing(metric, store, reading))
    found = MetricHistory(metric, {}, faults=reading.faults)
    kept = {name: values[-limit:] for name, values in reading.values.items()}
    questions = sum(max(0, len(values) - 1) for values in kept.values())
    for name, values in reading.values.items():
        found.earlier[name] = len(values) - len(kept[name])
        # What is before those that are asked for tells how noisy they are.
        begin = max(0, found.earlier[name] - MOST_SESSIONS)
        _find_changes(metric, values[begin:], questions)
        found.cases[name] = kept[name]
    return found


class _Reading:
    """What the summaries have of the metric, read one after the other."""

    def __init__(self, metric: str, wanted: Wanted, cases: Sequence[str]) -> None:
        self.values: dict[str, list[Value]] = {}
        self.faults: list[str] = []
        self.names: set[str] = set()
        """Of all metrics that wanted cases have."""
        self.runs = 0
        self._metric, self._wanted, self._cases = metric, wanted, cases

    def take(self, stored: Stored) -> None:
        if stored.is_closed:
            self.faults.append(f"{stored.run_id}: {CLOSED}")
            return
        document = document_of(stored)
        if document is None:
            if not stored.is_folder or stored.folder.run_file.exists():
                from pytest_modelbench.results.find_run import fault_of

                self.faults.append(f"{stored.run_id}: {fault_of(run_file_of(stored))}")
            return
        try:
            self._take(stored, document)
        except (KeyError, TypeError, AttributeError):
            self.faults.append(f"{stored.run_id}: its summary is damaged")

    def _take(self, stored: Stored, document: Mapping[str, Any]) -> None:
        metadata = document["metadata"]
        if (
            metadata["dry_run"]
            or metadata["quick"]
            or not self._wanted.has_branch(metadata.get("git_branch"))
        ):
            return
        self.runs += 1
        for case in document["cases"]:
            if self._is_wanted(case):
                if self._metric not in case["metrics"]:
                    self.names.update(case["metrics"])
                else:
                    value = _value(stored, document, case, self._metric)
                    self.values.setdefault(case["id"], []).append(value)

    def _is_wanted(self, case: Mapping[str, Any]) -> bool:
        if case["is_taken_over"]:  # it stands in the run in which it was measured
            return False
        if case["status"] != "ok":  # figures of what went wrong say nothing of the model
            return False
        if self._cases and not any(fits_case(one, case["id"]) for one in self._cases):
            return False
        return self._wanted.has_case(case["suite"], case["model"], case["device"])


def _value(
    stored: Stored, document: Mapping[str, Any], case: Mapping[str, Any], name: str
) -> Value:
    metric = case["metrics"][name]
    peak = case["metrics"].get(peak_beside(name))
    point = Point(
        metric["value"],
        metric["low"],
        metric["high"],
        machine=document["machine"],
        fingerprint=case["fingerprint"],
        digests=case["digests"],
        is_disturbed=case["is_disturbed"],
        peak=peak["value"] if peak else None,
    )
    return Value(
        stored,
        document["metadata"],
        document["hostname"],
        metric["unit"],
        point,
        metric["is_client_limited"],
    )


def _find_changes(metric: str, values: Sequence[Value], questions: int) -> None:
    unit, series = None, Series(metric, "")
    for one in values:
        if one.unit != unit:  # what is measured in another one cannot be held against it
            unit, series = one.unit, Series(metric, one.unit, questions)
        if not one.is_client_limited:
            one.change = series.add(one.point)


def _nothing(metric: str, store: Path, reading: _Reading) -> str:
    from pytest_modelbench.registered import did_you_mean

    if not reading.runs or not reading.names:
        return f"{store}: no run there has a case that was asked for and went well"
    names = sorted(reading.names)
    hint = did_you_mean(metric, names)
    known = "" if hint else f"; they have {', '.join(names)}"
    runs = "the run" if reading.runs == 1 else f"none of the {reading.runs} runs"
    verb = "has no" if reading.runs == 1 else "has a"
    return f"{metric!r}: {runs} in {store} {verb} value of it{hint}{known}"
