"""Which physical devices a device name stands for."""

from __future__ import annotations

import re

_ANY = ("CPU", "GPU.0", "GPU.1", "NPU")
"""What a virtual device that names none may use."""
_VIRTUAL = ("AUTO", "MULTI", "HETERO", "BATCH")
_FIRST_OF_ITS_KIND = {"GPU": "GPU.0", "CUDA": "CUDA:0", "XPU": "XPU:0", "CPU:0": "CPU"}


def physical_devices(device: str) -> list[str]:
    """The devices a name may use, as file names in locking order.

    Case does not matter, and a bare `GPU` is the first one. A virtual device such as `AUTO` may
    use all it names, or any, but for those it excludes with a minus.

    >>> physical_devices("GPU"), physical_devices("cpu"), physical_devices("HETERO:GPU.1,CPU")
    (['GPU.0'], ['CPU'], ['CPU', 'GPU.1'])
    >>> physical_devices("AUTO"), physical_devices("AUTO:-NPU")
    (['CPU', 'GPU.0', 'GPU.1', 'NPU'], ['CPU', 'GPU.0', 'GPU.1'])
    """
    family, _, rest = device.strip().upper().partition(":")
    if family not in _VIRTUAL:
        return [_file_name(_usual(device))]
    parts = [part.strip() for part in rest.split(",") if part.strip()]
    excluded = {_usual(part[1:]) for part in parts if part.startswith("-")}
    named = [_usual(part) for part in parts if not part.startswith("-")]
    return sorted({_file_name(name) for name in named or _ANY if name not in excluded})


def is_processor(name: str) -> bool:
    return name == "CPU"


def uses_processor(device: str) -> bool:
    """Whether what is timed on `device` runs on the processor.

    >>> uses_processor("CPU"), uses_processor("HETERO:GPU,CPU"), uses_processor("cuda:0")
    (True, True, False)
    """
    return any(is_processor(name) for name in physical_devices(device))


def _usual(name: str) -> str:
    """One spelling for each device; `BATCH:GPU(4)` is the GPU, in batches of 4."""
    name = re.sub(r"\(\d+\)$", "", name.strip().upper())
    return _FIRST_OF_ITS_KIND.get(name, name)


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]", "_", name)
