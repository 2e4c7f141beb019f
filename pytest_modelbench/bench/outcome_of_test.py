"""What pytest's report of a test says of its outcome, in a run's words."""

from __future__ import annotations

from typing import Literal

import pytest

from pytest_modelbench.errors import LONGEST_TRACE, cut, encodable

LONGEST_REASON = 400
Status = Literal["ok", "skipped", "error"]


def outcome_of_test(report: pytest.TestReport) -> tuple[Status, str]:
    """The status of the test's result and, unless it is `ok`, why in one line.

    A test that failed as expected is skipped, as it is to pytest.
    """
    if report.passed:
        return "ok", ""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else report.longreprtext
    if isinstance(report.longrepr, tuple):
        text = report.longrepr[2].removeprefix("Skipped: ")
    if hasattr(report, "wasxfail"):
        text = f"expected to fail: {report.wasxfail.removeprefix('reason: ') or text}"
    detail = cut(encodable(" ".join(text.split())), LONGEST_REASON) or f"the test {report.outcome}"
    return "skipped" if report.skipped else "error", detail


def trace_of_test(report: pytest.TestReport) -> str | None:
    """What pytest shows of a test that failed, cut to its end; None for one that did not."""
    return encodable(report.longreprtext)[-LONGEST_TRACE:] or None if report.failed else None
