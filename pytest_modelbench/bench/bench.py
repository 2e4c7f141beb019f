"""What the `modelbench` fixture gives: the meters of suites, for anything a test can call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from pytest_modelbench.bench.measured import Measured, measure_calls
from pytest_modelbench.catalogue import CATALOGUE, STANDARD_METRICS, TIMING_METRICS, unit_of
from pytest_modelbench.documents.validate import explain
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.case_meters import case_meters
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.measure.meter import Meters
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registered import did_you_mean
from pytest_modelbench.results.metric import Metric, measured
from pytest_modelbench.suite.document import Criterion

T = TypeVar("T")
Better = Literal["lower", "higher", "neither"]


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
    _meters: Meters | None = None

    def load(self, factory: Callable[[], T]) -> T:
        """Call `factory` and give what it makes; its time and memory are those of loading."""
        __tracebackhide__ = True
        if "model_load_seconds" in self.metrics:
            raise ModelbenchError("modelbench.load was called twice: a test loads one model")
        with self.turns.busy(), self._all_meters().phase("load"):
            start = time.perf_counter()
            model = factory()
            seconds = time.perf_counter() - start
        self.metrics["model_load_seconds"] = measured(seconds, "s")
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
        with. What `call` raises is raised; nothing is recorded then.
        """
        __tracebackhide__ = True  # a test's reader wants the test, not us
        given = list(inputs)
        if not given:
            raise ModelbenchError(
                "modelbench.measure was given no inputs: there is nothing to time"
            )
        if any(one.name == name for one in self.measurements):
            raise ModelbenchError(
                f"modelbench.measure was called twice with name={name!r}: give the second another"
            )
        spec = _spec({**self.defaults, **measure})
        meters = self._all_meters()
        meters.forget_case()
        seen = measure_calls(
            call, given, items, spec, meters, self.turns, self.device, self.machine, name
        )
        self.measurements.append(seen)
        prefix = f"{name}_" if name else ""
        self.metrics |= {prefix + key: metric for key, metric in seen.metrics.items()}
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
        if name in TIMING_METRICS and name not in STANDARD_METRICS:
            raise ModelbenchError(
                f"modelbench.metric: {name!r} is what modelbench measures itself: "
                "choose another name"
            )
        if name in self.metrics:
            raise ModelbenchError(f"modelbench.metric: there are two called {name!r}")
        if better not in (None, "lower", "higher", "neither"):
            raise ModelbenchError(
                f"modelbench.metric: better is {better!r}: it should be 'lower', 'higher' or "
                "'neither'"
            )
        direction = better or (CATALOGUE[name].better if name in CATALOGUE else "neither")
        made = value if isinstance(value, Metric) else _as_metric(name, value, unit, direction)
        self.metrics[name] = made
        if (min, max) != (None, None):
            self.bound(name, min=min, max=max)
        return made

    def bound(self, what: str, *, min: float | None = None, max: float | None = None) -> None:
        """A gate on a metric or an expression over metrics, judged when the test has ended."""
        __tracebackhide__ = True
        kind = "metric" if what.isidentifier() else "expression"
        self.add_criterion({kind: what, "min": min, "max": max}, f"modelbench.bound({what!r})")

    def add_criterion(self, given: Mapping[str, Any], where: str) -> None:
        """A criterion as a suite has it. Raises `ModelbenchError` naming `where` it is wrong."""
        __tracebackhide__ = True
        try:
            criterion = Criterion.model_validate(dict(given))
        except ValidationError as error:
            raise ModelbenchError(f"{where}: {_first(error, Criterion, given)}") from None
        default = f"criterion_{len(self.criteria) + 1:03d}"
        self.criteria.append((criterion.id or default, criterion))

    def close(self) -> None:
        """Give back what measuring took."""
        meters, self._meters = self._meters, None
        if meters is not None:
            meters.close()

    def _all_meters(self) -> Meters:
        self._meters = self._meters or case_meters(self.device)
        return self._meters


def _as_metric(name: str, value: Any, unit: str, better: Better) -> Metric:
    __tracebackhide__ = True
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ModelbenchError(
            f"modelbench.metric: {name!r} is given a {type(value).__name__}: it should be a number"
        ) from None
    return measured(number, unit or unit_of(name), better=better)


def _spec(given: Mapping[str, Any]) -> MeasureSpec:
    __tracebackhide__ = True
    for name in given:
        if name not in MeasureSpec.model_fields:
            hint = did_you_mean(name, list(MeasureSpec.model_fields))
            raise ModelbenchError(f"modelbench.measure has no argument {name!r}{hint}")
    for name in ("timeout_seconds", "memory_limit_mb", "threads"):
        if given.get(name) is not None:
            raise ModelbenchError(
                f"modelbench.measure: {name!r} limits a process, and a test runs in the session's"
            )
    try:
        return MeasureSpec.completed(given)
    except ValidationError as error:
        raise ModelbenchError(f"modelbench.measure: {_first(error, MeasureSpec, given)}") from None
    except ValueError as error:
        raise ModelbenchError(f"modelbench.measure: {error}") from None


def _first(error: ValidationError, model: Any, given: Mapping[str, Any]) -> str:
    for location, message in explain(error, model, dict(given)):
        return f"{'.'.join(map(str, location))}: {message}" if location else message
    return str(error)
