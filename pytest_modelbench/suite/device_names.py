"""How devices are written."""

from __future__ import annotations

_OPENVINO_FAMILIES = ("CPU", "GPU", "NPU", "AUTO", "MULTI", "HETERO", "BATCH")


def usual_device_name(name: str) -> str:
    """OpenVINO's names in its own upper case, others as given.

    >>> usual_device_name("gpu.1"), usual_device_name("cuda:0")
    ('GPU.1', 'cuda:0')
    """
    family = name.upper().partition(":")[0].partition(".")[0]
    return name.upper() if family in _OPENVINO_FAMILIES else name
