"""OpenVINO devices: which are present, how a precision is asked for, what a model runs with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

from pytest_modelbench.errors import ModelbenchError, Unavailable, missing_extra

Precision = Literal["f32", "f16", "bf16"]
"""What `INFERENCE_PRECISION_HINT` may be asked to be."""

# Plug-ins that hand the work to the devices named after a colon; only AUTO can choose by itself.
VIRTUAL_DEVICES = ("AUTO", "MULTI", "HETERO", "BATCH")

# Our name for each property that can change a result, and OpenVINO's.
COMPILED_PROPERTIES = {
    "inference_precision": "INFERENCE_PRECISION_HINT",
    "kv_cache_precision": "KV_CACHE_PRECISION",
    "dynamic_quantization_group_size": "DYNAMIC_QUANTIZATION_GROUP_SIZE",
    "execution_mode": "EXECUTION_MODE_HINT",
    "performance_hint": "PERFORMANCE_HINT",
    "threads": "INFERENCE_NUM_THREADS",
    "streams": "NUM_STREAMS",
    "cpu_pinning": "ENABLE_CPU_PINNING",
    "hyper_threading": "ENABLE_HYPER_THREADING",
}

# OpenVINO prints its types by their C++ names.
PRECISION_NAMES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
ELEMENT_TYPE = re.compile(r"<Type: '(\w+?)(?:_t)?'>")
ENUM_MEMBER = re.compile(r"<\w+\.(\w+): -?\d+>")


_compiling: list[Any] = []


def openvino_core() -> Any:
    """The process's one `openvino.Core`, to compile models with.

    Each Core has plug-ins of its own, which answer only for the models that it compiled. Raises
    `Unavailable` when OpenVINO is not installed.
    """
    core = _shared_core()
    if not _compiling:
        _compiling.append(core)
    return core


def compiling_cores() -> list[Any]:
    """The shared Core if something asked for it to compile with, or nothing.

    A Core that compiled nothing would make a device ready only to say that it is not in use.
    """
    return list(_compiling)


def _shared_core() -> Any:
    try:
        import openvino  # noqa: F401
    except ImportError as error:
        raise missing_extra("openvino", "openvino") from error
    return _made_core()


@cache
def _made_core() -> Any:
    from openvino import Core

    return Core()


def present_devices() -> list[str]:
    """The devices OpenVINO sees here, such as `["CPU", "GPU.0", "GPU.1"]`.

    Raises `Unavailable` when OpenVINO is not installed.
    """
    return list(_shared_core().available_devices)


def named_devices(device: str) -> list[str]:
    """The physical devices that a device name asks for; none for a bare `AUTO`.

    >>> named_devices("AUTO:GPU.1,-NPU,CPU")
    ['GPU.1', 'CPU']
    """
    head, colon, tail = device.partition(":")
    if head not in VIRTUAL_DEVICES:
        return [device]
    # "-NPU" keeps AUTO off a device; "CPU(2)" asks MULTI for two requests in flight.
    parts = [part.strip().partition("(")[0] for part in tail.split(",")]
    named = [part for part in parts if part and not part.startswith("-")]
    excludes = any(part.startswith("-") for part in parts)  # "AUTO:-NPU": any other one
    if not named and (head != "AUTO" or (colon and not excludes)):
        raise ModelbenchError(
            f"device {device!r} names no device to run on: write for example '{head}:CPU'"
        )
    return named


def _is_present(name: str, present: list[str]) -> bool:
    """`GPU` stands for the first of several, and `GPU.0` for the only one."""
    base, _, number = name.partition(".")
    if name in present:
        return True
    if number:
        return number == "0" and base in present
    return any(other.partition(".")[0] == name for other in present)


def check_device(device: str) -> str:
    """`device` as OpenVINO spells it, once every physical device it names is known to be here.

    Raises `Unavailable` for an absent device, `ModelbenchError` for a name that asks for none.
    """
    name = device.strip().upper()
    if not name:
        raise ModelbenchError("device is empty: write for example 'CPU'")
    present = present_devices()
    for part in named_devices(name):
        if not _is_present(part, present):
            raise Unavailable(
                f"device {part!r} is not present; present: {', '.join(present) or 'none'}"
            )
    return name


def ov_config(device: str, params: Mapping[str, Any]) -> dict[str, str]:
    """What to compile a model with: the precision asked for, or nothing.

    Without `precision` the device decides, and not always for f32: a CPU with AMX computes in
    bf16. What came of it is in `effective_properties`.
    """
    precision = params.get("precision")
    return {"INFERENCE_PRECISION_HINT": str(precision)} if precision else {}


def effective_properties(compiled_model: Any) -> dict[str, Any]:
    """What a compiled model really runs with, JSON only; what a plug-in cannot say is left out."""
    core = _shared_core()
    found: dict[str, Any] = {"openvino_version": version("openvino")}
    # AUTO answers for the model it compiled on the device it chose only in this nested form.
    nested = _guarded(compiled_model.get_property, "DEVICE_PROPERTIES")
    inner: dict[str, Any] = next(iter(nested.values()), {}) if isinstance(nested, dict) else {}
    for name, key in COMPILED_PROPERTIES.items():
        value = _guarded(compiled_model.get_property, key)
        value = inner.get(key) if value is None else value
        if value is not None:
            found[name] = _as_json(value)
    devices = _guarded(compiled_model.get_property, "EXECUTION_DEVICES") or []
    # AUTO puts a device in parentheses while it is still a stand-in for the one it chose.
    devices = [str(device).strip("()") for device in devices]
    found["execution_devices"] = devices
    full_names = [_guarded(core.get_property, device, "FULL_DEVICE_NAME") for device in devices]
    found["device_name"] = ", ".join(str(name) for name in full_names if name) or None
    return found


def probed_properties(device: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """`effective_properties` of a model of one operation, compiled with the same configuration.

    For libraries that keep their compiled models to themselves. The Core is not the shared one,
    whose memory on a GPU is the models' alone.
    """
    import numpy as np
    import openvino as ov
    from openvino import opset13 as ops

    given = ops.parameter([1], np.float32)
    probe = ov.Model([ops.relu(given)], [given], "probe")
    return effective_properties(ov.Core().compile_model(probe, device, dict(config)))


def _guarded(ask: Callable[..., Any], *arguments: str) -> Any:
    """The property asked for, or None where the plug-in does not have it."""
    try:
        return ask(*arguments)
    except Exception:  # openvino raises bare RuntimeErrors; a missing property must not fail a case
        return None


def _as_json(value: Any) -> Any:
    """A property value as JSON: numbers and booleans as they are, OpenVINO's own types by name."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return sorted((_as_json(item) for item in value), key=str)
    text = str(value)
    if match := ELEMENT_TYPE.fullmatch(text):
        return PRECISION_NAMES.get(match[1], match[1])
    return match[1] if (match := ENUM_MEMBER.fullmatch(repr(value))) else text
