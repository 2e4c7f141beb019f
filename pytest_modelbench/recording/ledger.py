"""The results of a session as they arrive, or as its journals have them, whoever measured them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_modelbench.recording.manifest import Manifest, ManifestCase, unmeasured
from pytest_modelbench.recording.so_far import SoFar
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.run import CaseResult

NOT_RUN = "not run: the session ended before"
UNFINISHED = "unfinished: the session ended while it was measured"
NOT_YET = "not run yet"
UNDER_WAY = "it is being measured now"


class Ledger:
    """Collects manifests, results and deaths; gives every selected case exactly one result."""

    def __init__(self) -> None:
        self.manifests: dict[str, Manifest] = {}
        """By suite file."""
        self.problems: list[str] = []
        self.ended_because = ""
        """Why the session ended before all cases were measured, where that is known."""
        self.goes_on = False
        """Whether this is what a session has measured so far."""
        self._seen: set[tuple[str, str]] = set()
        """Of each file what its manifest has already: ids of cases, and candidates as text."""
        self._results: dict[str, CaseResult] = {}
        self._comparisons: dict[str, list[Comparison]] = {}
        """By node id."""
        self._so_far: dict[str, SoFar] = {}
        """By node id: of items that have not ended, as far as is known."""
        self._deaths: dict[str, str] = {}
        self._started: set[str] = set()

    def take(self, event: Mapping[str, Any]) -> None:
        """Take what a journal has; of kinds that are not about cases, nothing."""
        match event["event"]:
            case "parcel":
                self.add(event)
            case "started":
                self.add_start(event["nodeid"])
            case "died":
                self.add_death(event["nodeid"], event["cause"])
            case "problem":
                self.problems.append(event["text"])
            case "so_far":
                self._so_far.setdefault(event["nodeid"], SoFar()).take(event)

    def add_start(self, nodeid: str) -> None:
        """The item is under way; its result is yet to come."""
        self._started.add(nodeid)
        self._so_far.pop(nodeid, None)  # of a rerun only that counts which comes now

    def add_what_came_of(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take from journals what no report has brought, since its item was broken off."""
        for event in events:
            if event["event"] in ("started", "so_far"):
                self.take(event)

    def add_unsent(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take from journals what was to be measured, and results that no report has brought."""
        for event in events:
            is_known = (
                event.get("nodeid") in self._comparisons or event.get("nodeid") in self._deaths
            )
            self.add({"manifests": event.get("manifests", ())} if is_known else event)

    @property
    def has_sides(self) -> bool:
        """Whether an item was to measure several cases: the sides of a comparison."""
        items = [case["nodeid"] for one in self.manifests.values() for case in one["cases"]]
        return len(set(items)) < len(items)

    @property
    def has_unfinished(self) -> bool:
        """Whether a case was begun whose result has not come."""
        return any(
            case["nodeid"] in self._started and case["identity"]["id"] not in self._results
            for manifest in self.manifests.values()
            for case in manifest["cases"]
        )

    def add(self, parcel: Mapping[str, Any]) -> None:
        """Take what a report carries: manifests, what an item measured, or both."""
        for manifest in parcel.get("manifests", ()):
            self._add_manifest(manifest)
        if "results" in parcel:
            nodeid = parcel.get("nodeid", "")
            for result in map(CaseResult.model_validate_json, parcel["results"]):
                self._results[result.id] = result
            compared = map(Comparison.model_validate_json, parcel.get("comparisons", ()))
            self._comparisons[nodeid] = list(compared)  # a rerun's instead of those before
            self._so_far.pop(nodeid, None)
            self._deaths.pop(nodeid, None)  # a rerun did better

    def _add_manifest(self, manifest: Manifest) -> None:
        """Every worker sends the whole of a suite, but each test of a test file for itself."""
        file = manifest["file"]
        cases = [one for one in manifest["cases"] if self._is_new(file, one["identity"]["id"])]
        candidates = [one for one in manifest["candidates"] if self._is_new(file, repr(one))]
        known = self.manifests.get(file)
        if known is None:
            self.manifests[file] = {**manifest, "cases": cases, "candidates": candidates}
            return
        known["cases"] += cases
        known["candidates"] += candidates
        known["metric_names"] |= manifest["metric_names"]

    def _is_new(self, file: str, what: str) -> bool:
        """True the first time. An id is never a candidate's text, which is that of a dict."""
        before = len(self._seen)
        self._seen.add((file, what))
        return len(self._seen) > before

    def add_death(self, nodeid: str, cause: str) -> None:
        """The process that ran `nodeid` died of `cause`."""
        self._deaths[nodeid] = cause

    def suites(self) -> Iterator[tuple[Manifest, list[CaseResult]]]:
        """Every suite with the results of its cases, in the suite's order."""
        for manifest in self.manifests.values():
            yield manifest, [self._result(manifest, case) for case in manifest["cases"]]

    def comparisons(self) -> Iterator[Comparison]:
        """What items compared, in the order of the suites' cases."""
        for manifest in self.manifests.values():
            for nodeid in dict.fromkeys(case["nodeid"] for case in manifest["cases"]):
                yield from self._comparisons.get(nodeid) or self._compared_so_far(nodeid)

    def _compared_so_far(self, nodeid: str) -> list[Comparison]:
        """With what it says so far only where nothing more will come."""
        so_far = self._so_far.get(nodeid)
        if so_far is None or self.goes_on or nodeid in self._comparisons:
            return []
        if nodeid in self._deaths:
            return so_far.ended("error", self._deaths[nodeid])
        return so_far.ended("skipped", self._why_none(nodeid))

    def _result(self, manifest: Manifest, case: ManifestCase) -> CaseResult:
        known = self._known(case)
        if case["nodeid"] in self._deaths:
            cause = self._deaths[case["nodeid"]]
            if known is None:
                return unmeasured(manifest, case, "error", cause)
            # It died after its result had come: what was measured stays.
            return known.model_copy(update={"status": "error", "detail": cause})
        if known is not None:
            return known
        return unmeasured(manifest, case, "skipped", self._why_none(case["nodeid"]))

    def _known(self, case: ManifestCase) -> CaseResult | None:
        case_id = case["identity"]["id"]
        known = self._results.get(case_id)
        if known is None and (so_far := self._so_far.get(case["nodeid"])) is not None:
            known = so_far.results.get(case_id)
        return known

    def _why_none(self, nodeid: str) -> str:
        """Why an item has no result."""
        is_started = nodeid in self._started
        if self.goes_on:
            return UNDER_WAY if is_started else NOT_YET
        if self.ended_because:
            return f"{'unfinished' if is_started else 'not run'}: {self.ended_because}"
        return UNFINISHED if is_started else NOT_RUN
