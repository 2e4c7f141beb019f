"""What the `modelbench` fixture gives: the meters of suites, for anything a test can call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from pytest_modelbench.bench.arguments import (
    Better,
    check_callable,
    check_name,
    check_prefix,
    first_fault,
    item_counts,
    measure_spec,
    metric_given,
)
from pytest_modelbench.bench.measured import Measured, measure_calls, metric_names
from pytest_modelbench.catalogue import MEMORY_METRICS
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.case_meters import case_meters
from pytest_modelbench.execution.locks import DeviceLock
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.measure.meter import Meters
from pytest_modelbench.quick import quick_measure
from pytest_modelbench.results.metric import Metric, measured
from pytest_modelbench.suite.document import Criterion

T = TypeVar("T")


@dataclass
class Bench:
    """Measures what a test gives it; everything lands in the run, under the test's name."""

    device: str
    turns: Turns
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `measure` that a mark set for the whole test."""
    metrics: dict[str, Metric] = field(default_factory=dict)
    criteria: list[tuple[str, Criterion]] = field(default_factory=list)
    measurements: list[Measured] = field(default_factory=list)
    machine: MachineLoad = field(default_factory=MachineLoad)
    started_at: str | None = None
    waited_before: float = 0.0
    """What this process had waited for turns before the test."""
    waited_before_phase: float = 0.0
    """The same before this part of the test: its setup, or its call."""
    is_quick: bool = False
    """Whether a few calls are enough, whatever is asked for (`--suite-quick`)."""
    is_over: bool = False
    """Whether the test has ended, and with it what can be recorded."""
    _is_measuring: bool = False
    _meters: Meters | None = None
    _residence: DeviceLock | None = None
    _of_load: set[str] = field(default_factory=set)
    """Metrics of loading alone, which give way to those of a measurement."""
    _has_measured: bool = False
    """Whether the meters hold a measurement, which the next one is not to see."""

    @property
    def waited_seconds(self) -> float:
        """Time the test spent waiting for a turn."""
        return self.turns.waited_seconds - self.waited_before

    @property
    def waited_in_phase(self) -> float:
        """Time that this part of the test spent waiting for a turn."""
        return self.turns.waited_seconds - self.waited_before_phase

    def load(self, factory: Callable[[], T]) -> T:
        """Call `factory` and give what it makes; its time and memory are those of loading."""
        __tracebackhide__ = True
        self._check_open("load")
        if "model_load_seconds" in self.metrics:
            raise ModelbenchError("modelbench.load was called twice: a test loads one model")
        meters = self._all_meters()
        self._forget_measurement(meters)
        with self.turns.busy(), meters.phase("load"):
            start = time.perf_counter()
            model = factory()
            seconds = time.perf_counter() - start
        self.metrics["model_load_seconds"] = measured(seconds, "s")
        for name, metric in meters.metrics(0).items():
            is_known = name in self.metrics and self.metrics[name].is_ok
            if name in MEMORY_METRICS and not name.startswith("steady") and not is_known:
                self.metrics[name] = metric
                self._of_load.add(name)
        return model

    def measure(
        self,
        call: Callable[[Any], Any],
        inputs: Iterable[Any],
        *,
        items: Callable[[Any], float] | float = 1,
        name: str | None = None,
        **measure: Any,
    ) -> Measured:
        """Time `call(one)` for each of `inputs`, then on until the stop rule is met.

        `items` is how many items one input holds, or a function that says so (`len` for batches);
        throughput counts them. `measure` takes the fields of a suite's `measure`, such as
        `min_samples`. A second measurement in a test needs a `name`, which its metrics then begin
        with. What `call` raises is raised at once; nothing is recorded then.
        """
        __tracebackhide__ = True  # a test's reader wants the test, not us
        self._check_open("measure")
        check_name(name)
        check_callable(call)
        given = list(inputs)
        if not given:
            raise ModelbenchError(
                "modelbench.measure was given no inputs: there is nothing to time"
            )
        if any(one.name == name for one in self.measurements):
            raise ModelbenchError(
                f"modelbench.measure was called twice with name={name!r}: give the second another"
            )
        spec = measure_spec({**self.defaults, **measure})
        spec = quick_measure(spec) if self.is_quick else spec
        held = item_counts(items, given)
        meters = self._all_meters()
        prefix = f"{name}_" if name else ""
        known = self.metrics.keys() - self._of_load
        check_prefix(name, [prefix + one for one in metric_names(meters)], known)
        self._forget_measurement(meters)
        self._has_measured = True
        self._is_measuring = True
        try:
            seen = measure_calls(
                call, given, held, spec, meters, self.turns, self.device, self.machine, name
            )
        finally:
            self._is_measuring = False
        self.measurements.append(seen)
        self.metrics |= {prefix + key: metric for key, metric in seen.metrics.items()}
        if not name:
            self._of_load.clear()
        return seen

    def metric(
        self,
        name: str,
        value: float | Metric,
        *,
        unit: str = "",
        better: Better | None = None,
        min: float | None = None,
        max: float | None = None,
    ) -> Metric:
        """Record a metric of the test's own; outside `min` and `max` the test fails at its end."""
        __tracebackhide__ = True
        self._check_open("metric")
        made = metric_given(name, value, unit, better)
        if name in self.metrics:
            raise ModelbenchError(f"modelbench.metric: there are two called {name!r}")
        self.metrics[name] = made
        if (min, max) != (None, None):
            bounds = {"metric": name, "min": min, "max": max}
            self.add_criterion(bounds, f"modelbench.metric({name!r})")
        return made

    def bound(self, what: str, *, min: float | None = None, max: float | None = None) -> None:
        """A gate on a metric or an expression over metrics, judged when the test has ended."""
        __tracebackhide__ = True
        self._check_open("bound")
        if (min, max) == (None, None):
            raise ModelbenchError(f"modelbench.bound({what!r}) bounds nothing: give min or max")
        kind = "metric" if what.isidentifier() else "expression"
        self.add_criterion({kind: what, "min": min, "max": max}, f"modelbench.bound({what!r})")

    def add_criterion(self, given: Mapping[str, Any], where: str) -> None:
        """A criterion as a suite has it. Raises `ModelbenchError` naming `where` it is wrong."""
        __tracebackhide__ = True
        try:
            criterion = Criterion.model_validate(dict(given))
        except ValidationError as error:
            raise ModelbenchError(f"{where}: {first_fault(error, Criterion, given)}") from None
        default = f"criterion_{len(self.criteria) + 1:03d}"
        self.criteria.append((criterion.id or default, criterion))

    def close(self) -> None:
        """Give back what measuring took."""
        meters, self._meters = self._meters, None
        residence, self._residence = self._residence, None
        if meters is not None:
            meters.close()
        if residence is not None:
            residence.release()

    def _check_open(self, method: str) -> None:
        __tracebackhide__ = True
        if self.is_over:
            raise ModelbenchError(
                f"modelbench.{method} was called after its test had ended: nothing can be "
                "recorded any more"
            )
        if self._is_measuring:
            raise ModelbenchError(f"modelbench.{method} was called inside a call that is timed")

    def _forget_measurement(self, meters: Meters) -> None:
        if self._has_measured:
            meters.forget_case()
        self._has_measured = False

    def _all_meters(self) -> Meters:
        """Also takes the device, as long as the test lasts, where the lock is one of devices."""
        self._residence = self._residence or self.turns.residence(self.device)
        self._meters = self._meters or case_meters(self.device)
        return self._meters
