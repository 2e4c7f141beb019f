"""What differs between two measured cases, other than the model that is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pytest_modelbench.errors import cut
from pytest_modelbench.judge.stored.measured_case import MeasuredCase

Key = Literal[
    "machine",
    "device",
    "precision",
    "dataset",
    "parameters",
    "measure",
    "runner",
    "packages",
    "python",
    "conditions",
]
KEYS: tuple[Key, ...] = get_args(Key)
ALL = "all"
CHANGES_ANSWERS: tuple[Key, ...] = ("dataset", "parameters", "runner")
"""What two answers to the same question may not differ in; where they are computed, they may."""

_MACHINE = {
    "platform": "system",
    "cpu_info": "processor",
    "cpu_count": "processors",
    "cpu_limit": "processor limit",
    "cpu_governor": "governor",
}
"""Not the host's name, which a CI machine has anew each time, nor the kernel's build."""
_ACCELERATOR = {"gpu_info": "GPU", "cuda_version": "CUDA"}
_DEVICE = ("device_name", "execution_devices")
_CONDITIONS = (
    "threads",
    "streams",
    "requests",
    "execution_mode",
    "performance_hint",
    "cpu_pinning",
    "hyper_threading",
    "backend",
    "tokenizer",
)
_PRECISION = ("precision", "dtype", "quantization")
_MOST_NAMED = 4
_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """One kind of difference, with all there is of it in one short sentence."""

    key: Key
    text: str


def differences(baseline: MeasuredCase, candidate: MeasuredCase) -> list[Difference]:
    """What differs, in the order of `KEYS`.

    The model's files and the user's code are no difference: they are what is judged.
    """
    sides = (baseline, candidate)
    found: dict[Key, list[str]] = {
        "machine": _machine(*sides),
        "device": _changed(*({"device": one.case.device} for one in sides)),
        "precision": [],
        "dataset": _dataset(*sides),
        "parameters": _changed(*(one.case.params for one in sides)) or _other("params", *sides),
        "measure": _other("measure", *sides),
        "runner": _changed(*({"name": one.case.runner} for one in sides))
        or _other("runner", *sides),
        "packages": _packages(*(one.system.packages for one in sides)),
        "python": _changed(*({"version": one.system.python_version} for one in sides)),
        "conditions": _changed(*map(_allowed, sides)),
    }
    for key, text in _properties(*sides):
        found[key].append(text)
    return [Difference(key, f"{key}: {_short(texts)}") for key, texts in found.items() if texts]


def is_same_thing(one: MeasuredCase, other: MeasuredCase) -> bool:
    """Whether they measured the same model in the same way: what differs then is noise."""
    digests = [each.case.digests for each in (one, other)]
    if digests[0] is None or digests[1] is None:  # a test in Python: its source is its fingerprint
        return one.case.fingerprint == other.case.fingerprint and not differences(one, other)
    return digests[0].model == digests[1].model and not differences(one, other)


def _short(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else ""
    return ", ".join(texts[:_MOST_NAMED]) + more


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [f"{name} {change}" for name, change in _changes(before, after)]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The name of each value that is another one, and `before -> after`."""
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield name, f"{_value(before.get(name))} -> {_value(after.get(name))}"


def _value(value: Any) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "none" if value is None or not text else cut(text, _LONGEST_VALUE)


def _machine(baseline: MeasuredCase, candidate: MeasuredCase) -> list[str]:
    names = dict(_MACHINE)
    if not candidate.case.device.upper().startswith("CPU"):
        names |= _ACCELERATOR
    systems = (baseline.system, candidate.system)
    found = _changed(*({names[one]: getattr(each, one) for one in names} for each in systems))
    before, after = (set(each.cpu_flags) for each in systems)
    flags = [f"-{one}" for one in sorted(before - after)]
    flags += [f"+{one}" for one in sorted(after - before)]
    return [*found, f"instruction sets {' '.join(flags)}"] if flags else found


def _digests_of(part: str, *sides: MeasuredCase) -> set[str]:
    """The hashes of `part`, of both sides; none where one of them is not known."""
    known = [getattr(side.case.digests, part) for side in sides if side.case.digests is not None]
    return set(known) if len(known) == len(sides) else set()


def _other(part: str, *sides: MeasuredCase) -> list[str]:
    return ["another one"] if len(_digests_of(part, *sides)) > 1 else []


def _dataset(*sides: MeasuredCase) -> list[str]:
    if not _other("dataset", *sides):
        return []
    before, after = (side.case.dataset.get("used_rows") for side in sides)
    return ["other samples" if before == after else f"other samples ({before} -> {after})"]


def _packages(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    names = sorted(before.keys() | after.keys())
    return _changed(
        *({name: each.get(name, "not installed") for name in names} for each in (before, after))
    )


def _allowed(measured: MeasuredCase) -> dict[str, Any]:
    """What it was allowed to use, and who may have been measured beside it."""
    found: dict[str, Any] = {"engine": measured.case.engine}
    if (limits := measured.case.limits) is not None:
        found["memory limit"] = limits.memory_limit_mb
    if (conditions := measured.case.conditions) is not None:
        found["lock"] = conditions.lock
        if conditions.lock != "host":
            found["workers"] = conditions.workers
    return found


def _properties(baseline: MeasuredCase, candidate: MeasuredCase) -> Iterator[tuple[Key, str]]:
    """What the model really ran with. What no list here knows may be the model's own."""
    has_same_model = len(_digests_of("model", baseline, candidate)) == 1
    for name, change in _changes(baseline.case.properties, candidate.case.properties):
        text = f"{name} {change}"
        if name in _DEVICE:
            yield "device", text
        elif any(word in name for word in _PRECISION):
            yield "precision", text
        elif name.endswith("_version"):
            package = name.removesuffix("_version").replace("_", "-")
            if baseline.system.packages.get(package) == candidate.system.packages.get(package):
                yield "packages", text
        elif name in _CONDITIONS or (has_same_model and not name.endswith("_seconds")):
            yield "conditions", text
