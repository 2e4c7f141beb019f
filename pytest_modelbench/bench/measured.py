"""Timing a function of a test on its inputs, with the meters of a case around it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.execution.latency import latency_metrics
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.measure.meter import Meters
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.timing import SteadyState
from pytest_modelbench.measure.warmup import warm_up
from pytest_modelbench.results.metric import Metric, failed, measured
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
    """Warm up, time, sum up. Raises what `call` raises.

    `held` is how many items each input holds.
    """
    __tracebackhide__ = True

    def answer(batch: Sequence[Any]) -> tuple[Any]:
        __tracebackhide__ = True
        return (call(batch[0]),)

    batches = [(one,) for one in inputs]
    steady = SteadyState(answer, spec)
    with turns.busy(), turns.alone(device):
        with meters.phase("warmup"):
            warm = warm_up(answer, batches, spec)
        with meters.phase("steady"), machine:
            answers = steady.first_round(batches)
            for one in answers:
                if isinstance(one, Exception):
                    raise one
            repeats = steady.further_rounds(batches)
    if steady.calls.late_error is not None:
        raise steady.calls.late_error
    total = sum(count * (1 + again) for count, again in zip(held, repeats, strict=True))
    seconds, samples = steady.calls.busy_ns / 1e9, len(steady.calls.durations_ns)
    first = warm.first_ns
    metrics = {
        "first_latency_ms": failed("the first call failed", "ms")
        if first is None
        else measured(first / 1e6, "ms"),
        **latency_metrics(steady.calls.durations_ns),
        "inference_seconds": measured(seconds, "s", samples=samples),
        "throughput_items_per_second": measured(total / seconds, "items/s", samples=samples),
        **meters.metrics(round(total)),
    }
    outputs = [one[0] for one in answers if not isinstance(one, Exception)]
    return Measured(name, outputs, metrics, record_of_calls(warm, steady.calls))
