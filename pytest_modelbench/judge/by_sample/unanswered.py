"""Samples that some side did not answer, by their places in the dataset."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_modelbench.results.packed import unpack
from pytest_modelbench.results.run import CaseResult


def unanswered(results: Iterable[CaseResult]) -> frozenset[int]:
    """Where any of them has no answer; all were asked the same samples in the same order."""
    return frozenset(place for one in results for place in _places(one))


def _places(result: CaseResult) -> Iterable[int]:
    if result.failed_samples is None or result.samples is None:
        return ()
    return (place for place, output in enumerate(unpack(result.samples.outputs)) if not output)


def answered_some(result: CaseResult) -> bool:
    """Whether it is known which samples failed, and that others did not, of a case in error.

    With one sample more than is tolerated it is an error, and nothing else need be wrong with it.
    """
    failed = result.failed_samples
    if result.status != "error" or failed is None or result.samples is None:
        return False
    return failed.tolerated < failed.count < len(unpack(result.samples.outputs))
