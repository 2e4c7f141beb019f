"""The processor as a device: what it does not have."""

from __future__ import annotations


def reason_without(device: str, otherwise: str) -> str:
    """Why there are no figures of an accelerator: one sentence for all of them on the processor.

    >>> reason_without("CPU", "no driver")
    "device 'CPU' is the processor: it has no memory and no counters of its own"
    """
    if device.strip().upper() == "CPU":
        return f"device {device!r} is the processor: it has no memory and no counters of its own"
    return otherwise
