"""NVML, the library of NVIDIA's driver: which device a name stands for, and its errors in words."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from pytest_modelbench.errors import Unavailable
from pytest_modelbench.measure.processor import reason_without

_CUDA = re.compile(r"cuda(?::(\d+))?", re.IGNORECASE)
_NO_LIBRARY = "there is no NVIDIA driver here: its library NVML (libnvidia-ml) is not installed"


def cuda_index(device: str) -> int | None:
    """The number in a CUDA device's name; None for any other device.

    >>> cuda_index("cuda:1"), cuda_index("cuda"), cuda_index("GPU.1")
    (1, 0, None)
    """
    match = _CUDA.fullmatch(device.strip())
    return int(match[1] or 0) if match else None


def not_nvidia(device: str) -> str:
    """Why NVML says nothing of a device that is not CUDA's."""
    other = f"device {device!r} is not a CUDA device, and NVML sees NVIDIA's devices only"
    return reason_without(device, other)


def error_text(error: Exception) -> str:
    """What NVML says of its error."""
    return " ".join(str(error).split()) or type(error).__name__


def open_nvml() -> Any:
    """pynvml, ready to be asked. Raises `Unavailable` where there is no library or driver."""
    try:
        import pynvml
    except ImportError:
        raise Unavailable("nvidia-ml-py is not installed: pip install nvidia-ml-py") from None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:
        raise Unavailable(_NO_LIBRARY) from None
    except pynvml.NVMLError_DriverNotLoaded:
        raise Unavailable("the NVIDIA driver is not loaded (NVML: Driver Not Loaded)") from None
    except pynvml.NVMLError as error:
        raise Unavailable(f"NVML cannot be used here: {error_text(error)}") from None
    return pynvml


def device_handle(pynvml: Any, device: str, environ: Mapping[str, str] = os.environ) -> Any:
    """NVML's handle of the GPU that CUDA calls `device`.

    `CUDA_VISIBLE_DEVICES` renumbers CUDA's devices, not NVML's. Raises `Unavailable` for a device
    that is absent, hidden, ambiguous or split by MIG.
    """
    index = cuda_index(device)
    if index is None:
        raise Unavailable(not_nvidia(device))
    try:
        handle = _visible_handle(pynvml, index, device, environ)
        if _is_mig(pynvml, handle):
            raise Unavailable(
                f"the GPU of {device!r} is split by MIG: NVML's numbers are the whole GPU's, "
                "not those of an instance"
            )
    except pynvml.NVMLError as error:
        raise Unavailable(f"NVML cannot say which GPU {device!r} is: {error_text(error)}") from None
    return handle


def _visible_handle(pynvml: Any, index: int, device: str, environ: Mapping[str, str]) -> Any:
    handles = [
        pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())
    ]
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        _check_order(pynvml, handles, device, environ)
        chosen = handles[index : index + 1]
    else:
        entries = [entry.strip() for entry in visible.split(",")]
        chosen = _named_handles(pynvml, handles, entries[: index + 1], device, environ)[index:]
    if not chosen:
        hidden = "" if visible is None else f" and CUDA_VISIBLE_DEVICES is {visible!r}"
        raise Unavailable(f"there is no device {device!r}: NVML sees {len(handles)} GPUs{hidden}")
    return chosen[0]


def _named_handles(
    pynvml: Any, handles: list[Any], entries: list[str], device: str, environ: Mapping[str, str]
) -> list[Any]:
    """As CUDA reads the list: the first entry that names no GPU ends it."""
    found: list[Any] = []
    for entry in entries:
        if entry.startswith("MIG"):
            raise Unavailable(
                f"CUDA_VISIBLE_DEVICES names a MIG instance ({entry}) for {device!r}: NVML's "
                "numbers are the whole GPU's, not those of an instance"
            )
        if entry.startswith("GPU-"):
            # CUDA takes any beginning of a UUID that only one GPU has.
            fitting = [one for one in handles if pynvml.nvmlDeviceGetUUID(one).startswith(entry)]
            if len(fitting) != 1:
                break
            found.append(fitting[0])
        elif entry.isdecimal() and int(entry) < len(handles):
            _check_order(pynvml, handles, device, environ)
            found.append(handles[int(entry)])
        else:
            break
    return found


def _check_order(pynvml: Any, handles: list[Any], device: str, environ: Mapping[str, str]) -> None:
    """NVML counts in the order of the PCI bus; CUDA, unless told to, puts the fastest first."""
    if len(handles) < 2 or environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
        return
    if len({pynvml.nvmlDeviceGetName(handle) for handle in handles}) > 1:
        raise Unavailable(
            f"{device!r} may be any of {len(handles)} different GPUs, as CUDA and NVML number "
            "them differently: set CUDA_DEVICE_ORDER=PCI_BUS_ID"
        )


def _is_mig(pynvml: Any, handle: Any) -> bool:
    try:
        current, _ = pynvml.nvmlDeviceGetMigMode(handle)
    except pynvml.NVMLError:  # a GPU or driver that knows no MIG
        return False
    return bool(current == pynvml.NVML_DEVICE_MIG_ENABLE)
