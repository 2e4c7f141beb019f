"""Timing a function of a test on its inputs, with the meters of a case around it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.bench.arguments import check_outputs
from pytest_modelbench.execution.latency import latency_metrics, rate_metrics
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.measure.meter import Meters
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.timing import SteadyState
from pytest_modelbench.measure.warmup import warm_up
from pytest_modelbench.results.metric import Metric, measured
from pytest_modelbench.results.timing_record import TimingRecord, record_of_calls


@dataclass(frozen=True)
class Measured:
    """What one `measure` saw."""

    name: str | None
    outputs: list[Any]
    """What the first call on each input gave, in the order of the inputs."""
    metrics: dict[str, Metric]
    timing: TimingRecord

    @property
    def durations_ns(self) -> array[int]:
        """Every timed call."""
        return self.timing.durations_ns()

    def value(self, metric: str) -> float:
        """A metric's value. Raises `KeyError` for an unknown name or one without a value."""
        value = self.metrics[metric].value
        if value is None:
            raise KeyError(f"{metric} has no value: {self.metrics[metric].error_message}")
        return value


class _CallError(BaseException):
    """Carries out what a call raised: warm-up and timing would go on after an `Exception`."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause


def metric_names(meters: Meters) -> list[str]:
    """The metrics that `measure_calls` gives."""
    return ["first_latency_ms", *_steady_metrics([1], 1), *meters.metrics(0)]


def measure_calls(
    call: Callable[[Any], Any],
    inputs: Sequence[Any],
    held: Sequence[float],
    spec: MeasureSpec,
    meters: Meters,
    turns: Turns,
    device: str,
    machine: MachineLoad,
    name: str | None,
) -> Measured:
    """Warm up, time, sum up. Raises what `call` raises, at once.

    `held` is how many items each input holds.
    """
    __tracebackhide__ = True

    def answer(batch: Sequence[Any]) -> tuple[Any]:
        __tracebackhide__ = True
        try:
            return (call(batch[0]),)
        except Exception as error:
            raise _CallError(error) from None

    batches = [(one,) for one in inputs]
    steady = SteadyState(answer, spec)
    failure: Exception | None = None
    with turns.busy(), turns.alone(device):
        try:
            with meters.phase("warmup"):
                warm = warm_up(answer, batches, spec)
            with meters.phase("steady"), machine:
                answers = steady.first_round(batches)
                repeats = steady.further_rounds(batches)
        except _CallError as error:
            failure = error.cause
    if failure is not None:  # raised out here, where the turn is over and this is busy again
        raise failure
    total = sum(count * (1 + again) for count, again in zip(held, repeats, strict=True))
    assert warm.first_ns is not None  # or it would have failed
    metrics = {
        "first_latency_ms": measured(warm.first_ns / 1e6, "ms"),
        **_steady_metrics(steady.calls.durations_ns, total),
        **meters.metrics(total),
    }
    outputs = [one[0] for one in answers if not isinstance(one, Exception)]
    check_outputs(outputs)
    return Measured(name, outputs, metrics, record_of_calls(warm, steady.calls))


def _steady_metrics(durations_ns: Sequence[int], items: float) -> dict[str, Metric]:
    seconds, samples = sum(durations_ns) / 1e9, len(durations_ns)
    return {
        **latency_metrics(durations_ns),
        **rate_metrics(items, seconds, samples=samples),
    }
