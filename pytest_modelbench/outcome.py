"""What a case's result means for its pytest item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from pytest_modelbench.redaction import printable
from pytest_modelbench.results.comparison import Comparison, Outcome
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.sample_record import in_words


class CaseFailed(Exception):  # noqa: N818 - it is a verdict, shown to people by its text alone
    """It went wrong, broke a bound or became worse; the text says how, a line each."""


class ModelbenchWarning(pytest.PytestWarning):
    """Something about a measurement that a person should know."""


def warned(item: pytest.Item, text: str) -> bool:
    """Warn of `text`; False where warnings are errors in this session, and it is one to be told."""
    try:
        item.warn(ModelbenchWarning(printable(text)))
    except ModelbenchWarning:
        return False
    return True


def failures(
    result: CaseResult | None, comparisons: Sequence[Comparison] = (), *, strict: bool
) -> Iterator[str]:
    """One line for each reason why the item fails: gone wrong, a broken bound, or worse.

    Without a result it is that of the comparisons alone.
    """
    if result is not None:
        yield from _own_failures(result, strict=strict)
    for comparison in comparisons:
        is_told = result is not None and comparison.detail == result.detail
        if comparison.status == "error" and not is_told:
            yield comparison.detail
        yield from (f"worse: {line}" for line in _lines(comparison, "regression"))
        if strict:
            yield from (f"could not tell: {line}" for line in _lines(comparison, "inconclusive"))


def _own_failures(result: CaseResult, *, strict: bool) -> Iterator[str]:
    if result.status == "error":
        yield result.detail
    errors = result.metric_errors
    for cause in dict.fromkeys(errors.values()):
        if cause != result.detail:
            yield f"{', '.join(name for name, text in errors.items() if text == cause)}: {cause}"
    for check in result.bounds:
        if check.outcome == "failed" or (strict and check.outcome == "inconclusive"):
            yield check.message if check.outcome == "failed" else f"inconclusive: {check.message}"


def warnings(
    result: CaseResult | None, comparisons: Sequence[Comparison] = (), *, strict: bool
) -> Iterator[str]:
    """One line for each thing that a person should know of what is no failure.

    What could not be judged, and samples that failed but are tolerated.
    """
    if result is not None and result.status == "ok" and result.failed_samples is not None:
        yield in_words(result.failed_samples, result.dataset.get("used_rows"))
    if not strict and (result is None or result.status == "ok"):
        for check in result.bounds if result is not None else ():
            if check.outcome == "inconclusive":
                yield f"inconclusive: {check.message}"
        for comparison in comparisons:
            yield from (f"could not tell: {line}" for line in _lines(comparison, "inconclusive"))


def _lines(comparison: Comparison, outcome: Outcome) -> list[str]:
    return [verdict.message for verdict in comparison.verdicts if verdict.outcome == outcome]
