"""What a case's result means for its pytest item."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_modelbench.results.run import CaseResult


class CaseFailed(Exception):  # noqa: N818 - it is a verdict, shown to people by its text alone
    """The case went wrong or broke a bound; the text says how, a line each."""


class ModelbenchWarning(pytest.PytestWarning):
    """Something about a measurement that a person should know."""


def failures(result: CaseResult, *, strict: bool) -> Iterator[str]:
    """One line for each reason why the item fails."""
    if result.status == "error":
        yield result.detail
    errors = result.metric_errors
    for cause in dict.fromkeys(errors.values()):
        if cause != result.detail:
            yield f"{', '.join(name for name, text in errors.items() if text == cause)}: {cause}"
    for check in result.bounds:
        if check.outcome == "failed" or (strict and check.outcome == "inconclusive"):
            yield check.message if check.outcome == "failed" else f"inconclusive: {check.message}"


def warnings(result: CaseResult, *, strict: bool) -> Iterator[str]:
    """One line for each bound that could not be judged, where that is no failure."""
    if not strict and result.status == "ok":
        for check in result.bounds:
            if check.outcome == "inconclusive":
                yield f"inconclusive: {check.message}"
