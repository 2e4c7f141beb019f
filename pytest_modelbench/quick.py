"""`--suite-quick`: does everything work? A few samples and calls, and figures that say nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_modelbench.load.spec import LoadSpec, Sweep
from pytest_modelbench.measure.spec import MeasureSpec

if TYPE_CHECKING:
    from pytest_modelbench.case import Case
    from pytest_modelbench.results.run import CaseResult

QUICK_RUN = "quick run: figures say nothing"
NOT_COMPARED = "quick run: each side was tried by itself, and nothing was compared"
MOST_SAMPLES = 5
_STOP_RULE = {"min_samples": 5, "min_seconds": 0.0, "max_samples": 5, "max_seconds": 2.0}
_MOST_WARMUP_CALLS = 1


def quick_measure(spec: MeasureSpec) -> MeasureSpec:
    """A short stop rule in place of that of `spec`; its limits stay.

    >>> quick_measure(MeasureSpec(min_samples=1000, timeout_seconds=60.0)).timeout_seconds
    60.0
    """
    calls = spec.warmup if isinstance(spec.warmup, int) else _MOST_WARMUP_CALLS
    warmup = min(calls, _MOST_WARMUP_CALLS)
    return spec.model_copy(update={**_STOP_RULE, "warmup": warmup})


def quick_load(spec: LoadSpec) -> LoadSpec:
    """A few requests of the same kind of load; of a sweep its first two rates.

    >>> quick_load(LoadSpec(rate=50.0, requests=10_000, warmup_requests=100)).requests
    5
    """
    changed: dict[str, Any] = {
        "requests": MOST_SAMPLES,
        "warmup_requests": min(spec.warmup_requests, _MOST_WARMUP_CALLS),
        "ramp_seconds": 0.0,
    }
    if spec.sweep is not None:
        rates = (spec.sweep.rates or [spec.sweep.start, 2 * spec.sweep.start])[:2]
        changed["sweep"] = Sweep(rates=rates)
    return spec.model_copy(update=changed)


def quick_case(case: Case) -> Case:
    """`case`, and every side it is compared with, on its first few samples."""
    most = min(case.dataset.max_samples, MOST_SAMPLES)
    made = replace(
        case,
        dataset=case.dataset.model_copy(update={"max_samples": most}),
        measure=quick_measure(case.measure),
        load=None if case.load is None else quick_load(case.load),
    )
    if case.comparison is None:
        return made
    sides = (replace(side, case=quick_case(side.case)) for side in case.comparison.sides)
    return replace(made, comparison=replace(case.comparison, sides=tuple(sides)))


def unjudged(result: CaseResult) -> CaseResult:
    """Without bounds: on such figures a gate should neither fail nor pass."""
    return result.model_copy(update={"bounds": []})
