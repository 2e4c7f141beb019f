"""The items of suites: what each measured, in the journal and on its way to the controller."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.collection import CaseItem
from pytest_modelbench.errors import LONGEST_TRACE, cut, encodable

if TYPE_CHECKING:
    from pytest_modelbench.recording.so_far import SoFar
    from pytest_modelbench.results.comparison import Comparison
    from pytest_modelbench.results.run import CaseResult
    from pytest_modelbench.session import ModelbenchSession

MEASURED = pytest.StashKey[tuple[list["CaseResult"], list["Comparison"]]]()
"""What an item measured, until its report is made."""
MOST_CAUSE = 400
"""Characters of what a report says to have gone wrong."""
_SO_FAR: pytest.StashKey[SoFar] = pytest.StashKey()
"""What an item that compares has given while it goes on."""


def keep_so_far(
    session: ModelbenchSession,
    item: pytest.Item,
    results: Sequence[CaseResult],
    comparison: Comparison | None,
) -> None:
    """Write down what an item has given on its way: it may be broken off, or killed."""
    from pytest_modelbench.recording.so_far import SoFar, so_far_event

    item.stash.setdefault(_SO_FAR, SoFar()).add(results, comparison)
    session.part.note(so_far_event(item.nodeid, results, comparison))


class CaseReports:
    """Hooks around the items of suites, in every process that runs them."""

    def __init__(self, session: ModelbenchSession) -> None:
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if isinstance(item, CaseItem):
            started = {"event": "started", "nodeid": item.nodeid}
            self._session.part.note(started, is_precious=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        report: Any = yield
        if isinstance(item, CaseItem):
            if report.skipped and isinstance(report.longrepr, tuple):
                # Where the case stands in its suite, not where our code called `pytest.skip`.
                report.longrepr = (str(item.path), item.case.line, report.longrepr[2])
            part = self._session.part
            report.modelbench = part.keep(self._parcel(item, report))
            if report.modelbench.get("is_kept"):
                part.forget_answers(item.stash[MEASURED][0])
            if report.when == "call":
                part.be_idle()
                part.log(item.nodeid, report.sections)
        return report

    def _parcel(self, item: CaseItem, report: pytest.TestReport) -> dict[str, Any]:
        """What a report carries to the controller: builtins only, so that it survives xdist."""
        parcel: dict[str, Any] = self._session.send()
        if report.when == "setup":
            item.stash[MEASURED] = ([], [])  # a rerun must not show the result before
            if _SO_FAR in item.stash:
                del item.stash[_SO_FAR]
        if report.when == "call" or (report.when == "setup" and not report.passed):
            results, comparisons = item.stash.get(MEASURED, ([], []))
            if not results:
                results, comparisons = _broken_off(item, report)
            parcel["results"] = [one.model_dump_json() for one in results]
            parcel["comparisons"] = [one.model_dump_json() for one in comparisons]
            parcel["nodeid"] = item.nodeid
        return parcel


def _broken_off(
    item: CaseItem, report: pytest.TestReport
) -> tuple[list[CaseResult], list[Comparison]]:
    """Of an item that ended without results: what it had given on its way stays."""
    results, so_far = _from_report(item, report), item.stash.get(_SO_FAR, None)
    if so_far is None:
        return results, []
    comparisons = so_far.ended("skipped" if report.skipped else "error", results[0].detail)
    return [so_far.results.get(one.id, one) for one in results], comparisons


def _from_report(item: CaseItem, report: pytest.TestReport) -> list[CaseResult]:
    """Results for an item that ended without: skipped by a mark, or broken by a fixture."""
    from pytest_modelbench.execution.blank import blank_result

    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        reason = cut(encodable(reason.removeprefix("Skipped: ") or "skipped"), MOST_CAUSE)
        return [blank_result(case, "skipped", reason) for case in item.case.measured]
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else report.longreprtext
    cause = cut(encodable(" ".join(text.split())), MOST_CAUSE) or "the item failed"
    trace = encodable(report.longreprtext)[-LONGEST_TRACE:]
    return [blank_result(case, "error", cause, trace=trace) for case in item.case.measured]
