"""What a test or its mark gives, checked: each mistake is one sentence."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from pytest_modelbench.catalogue import (
    AUDIO_METRICS,
    CATALOGUE,
    STANDARD_METRICS,
    TIMING_METRICS,
    unit_of,
)
from pytest_modelbench.documents.validate import explain
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registered import did_you_mean
from pytest_modelbench.results.metric import Metric, measured
from pytest_modelbench.results.run import OWN_METRICS

Better = Literal["lower", "higher", "neither"]

_LISTS = (list, tuple)
_MARK_ARGUMENTS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "models": ((str, Mapping, *_LISTS), "a name, a selector or a list of them"),
    "devices": ((str, *_LISTS), "a name or a list of names"),
    "registry": ((str, Path), "a path"),
    "measure": ((Mapping,), "a dict, such as {'min_samples': 662}"),
    "criteria": (_LISTS, "a list of dicts, such as [{'metric': 'p50_latency_ms', 'max': 5}]"),
}


def check_mark(given: Mapping[str, Any]) -> None:
    """Raises `ModelbenchError` for an argument the mark does not have, or of another type."""
    for name, value in given.items():
        if name not in _MARK_ARGUMENTS:
            hint = did_you_mean(name, list(_MARK_ARGUMENTS))
            raise ModelbenchError(f"mark modelbench has no argument {name!r}{hint}")
        types, wanted = _MARK_ARGUMENTS[name]
        wrong = not isinstance(value, types)
        if name == "criteria" and not wrong:
            wrong = not all(isinstance(one, Mapping) for one in value)
        if wrong and value is not None:
            raise ModelbenchError(f"mark modelbench: {name} is {value!r}: it should be {wanted}")


def mark_names() -> list[str]:
    """The arguments that the mark has."""
    return list(_MARK_ARGUMENTS)


def measure_spec(given: Mapping[str, Any]) -> MeasureSpec:
    """Fields of a suite's `measure`, completed."""
    __tracebackhide__ = True  # here and below: a test's reader wants the test, not us
    for name in given:
        if name not in MeasureSpec.model_fields:
            hint = did_you_mean(name, list(MeasureSpec.model_fields))
            raise ModelbenchError(f"modelbench.measure has no argument {name!r}{hint}")
    for name in ("timeout_seconds", "memory_limit_mb", "threads"):
        if given.get(name) is not None:
            raise ModelbenchError(
                f"modelbench.measure: {name!r} limits a process, and a test runs in the session's"
            )
    if given.get("max_failed_samples"):
        raise ModelbenchError(
            "modelbench.measure: 'max_failed_samples' is for suites: a call that raises fails its "
            "test"
        )
    try:
        return MeasureSpec.completed(given)
    except ValidationError as error:
        fault = first_fault(error, MeasureSpec, given)
        raise ModelbenchError(f"modelbench.measure: {fault}") from None
    except ValueError as error:
        raise ModelbenchError(f"modelbench.measure: {error}") from None


def check_name(name: object) -> None:
    """Of a measurement: its metrics begin with it, and bounds and expressions have to name them."""
    __tracebackhide__ = True
    if name is not None and not (isinstance(name, str) and name.isidentifier()):
        raise ModelbenchError(
            f"modelbench.measure: name is {name!r}: it should be one word of letters, digits and "
            "'_', such as 'long_inputs'"
        )


def item_counts(items: Callable[[Any], float] | float, inputs: Sequence[Any]) -> list[float]:
    """How many items each input holds. Raises what `items` raises."""
    __tracebackhide__ = True
    counts = []
    for number, one in enumerate(inputs):
        count = items(one) if callable(items) else items
        try:
            counts.append(float(count))
        except (TypeError, ValueError):
            counts.append(math.nan)
        if not math.isfinite(counts[-1]) or counts[-1] < 0:
            raise ModelbenchError(
                f"modelbench.measure: items is {count!r} for input {number}: it should be a "
                "number, 0 or more"
            )
    return counts


def metric_given(name: str, value: float | Metric, unit: str, better: Better | None) -> Metric:
    """A metric of the test's own."""
    __tracebackhide__ = True
    if isinstance(name, str) and not name.strip():
        raise ModelbenchError(f"modelbench.metric: the name is {name!r}: it should be a text")
    check_text("the name", name)
    check_text("unit", unit)
    if name in TIMING_METRICS and name not in STANDARD_METRICS:
        raise ModelbenchError(
            f"modelbench.metric: {name!r} is what modelbench measures itself: choose another name"
        )
    if better not in (None, "lower", "higher", "neither"):
        raise ModelbenchError(
            f"modelbench.metric: better is {better!r}: it should be 'lower', 'higher' or 'neither'"
        )
    usual = CATALOGUE[name].better if name in CATALOGUE else "neither"
    if isinstance(value, Metric):
        known = value.metadata.get("better", usual)
        metadata = {**value.metadata, "better": better or known}
        made = value.model_copy(update={"unit": unit or value.unit, "metadata": metadata})
    else:
        made = _as_metric(name, value, unit, better or usual)
    if name in OWN_METRICS:
        if made.unit != unit_of(name):
            raise ModelbenchError(
                f"modelbench.metric: {name!r} is given in {made.unit!r}: it is a metric in "
                f"{unit_of(name)!r}"
            )
        if made.value is not None and made.value < 0:
            raise ModelbenchError(f"modelbench.metric: {name!r} is {made.value:g}, below 0")
    return made


def _as_metric(name: str, value: Any, unit: str, better: Better) -> Metric:
    __tracebackhide__ = True
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ModelbenchError(
            f"modelbench.metric: {name!r} is given a {type(value).__name__}: it should be a number"
        ) from None
    return measured(number, unit or unit_of(name), better=better)


def check_prefix(name: str | None, made: Iterable[str], known: Iterable[str]) -> None:
    """Raises `ModelbenchError` when metrics of a measurement called `name` would be others'."""
    __tracebackhide__ = True
    theirs = {*known, *(TIMING_METRICS if name else ()), *(AUDIO_METRICS if name else ())}
    if taken := sorted(theirs.intersection(made)):
        called = f"with name={name!r} " if name else ""
        raise ModelbenchError(
            f"modelbench.measure {called}gives a metric {taken[0]!r}, and there is another one "
            "called so: choose another name"
        )


def first_fault(error: ValidationError, model: type[BaseModel], given: Mapping[str, Any]) -> str:
    """Of several mistakes the first, in our words."""
    for location, message in explain(error, model, dict(given)):
        return f"{'.'.join(map(str, location))}: {message}" if location else message
    return str(error)


def check_callable(call: Any) -> None:
    """Raises `ModelbenchError` for what only begins its work when it is called."""
    __tracebackhide__ = True
    if not callable(call):
        raise ModelbenchError(
            f"modelbench.measure is given a {type(call).__name__}: it should be a callable"
        )
    for is_lazy in (
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
    ):
        if is_lazy(call) or is_lazy(type(call).__call__):
            raise _lazy("a generator or coroutine function")


def check_outputs(outputs: Sequence[Any]) -> None:
    """Raises `ModelbenchError` where calls gave work to be done later instead of its result."""
    __tracebackhide__ = True
    first = outputs[0]
    if inspect.isawaitable(first) or inspect.isgenerator(first) or inspect.isasyncgen(first):
        for one in outputs:
            if inspect.iscoroutine(one):
                one.close()  # or Python warns that nobody awaited it
        raise _lazy(f"an object of type {type(first).__name__}")


def _lazy(what: str) -> ModelbenchError:
    return ModelbenchError(
        f"modelbench.measure: the call gives {what}, whose work is not done when it returns: "
        "measure a function that does the work, such as one that calls asyncio.run or list"
    )


def check_text(what: str, text: Any) -> None:
    """Raises `ModelbenchError` for what cannot stand in a run."""
    __tracebackhide__ = True
    if not isinstance(text, str) or text != text.encode("utf-8", "replace").decode():
        raise ModelbenchError(f"modelbench.metric: {what} is {text!r}: it should be a text")
