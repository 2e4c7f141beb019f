"""The results of a session as they arrive, or as its journals have them, whoever measured them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_modelbench.recording.manifest import Manifest, ManifestCase, unmeasured
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

    def add_start(self, nodeid: str) -> None:
        """The item is under way; its result is yet to come."""
        self._started.add(nodeid)

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
                yield from self._comparisons.get(nodeid, ())

    def _result(self, manifest: Manifest, case: ManifestCase) -> CaseResult:
        known = self._results.get(case["identity"]["id"])
        if case["nodeid"] in self._deaths:
            cause = self._deaths[case["nodeid"]]
            if known is None:
                return unmeasured(manifest, case, "error", cause)
            # It died after its result had come: what was measured stays.
            return known.model_copy(update={"status": "error", "detail": cause})
        if known is not None:
            return known
        is_started = case["nodeid"] in self._started
        if self.goes_on:
            return unmeasured(manifest, case, "skipped", UNDER_WAY if is_started else NOT_YET)
        reason = UNFINISHED if is_started else NOT_RUN
        if self.ended_because:
            reason = f"{'unfinished' if is_started else 'not run'}: {self.ended_because}"
        return unmeasured(manifest, case, "skipped", reason)
