"""One lock per physical device, shared by every worker and session of this user on the machine."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

POLL_SECONDS = 0.01
LONGEST_WAIT_SECONDS = 24 * 3600.0


class DeviceLock:
    """Held for as long as a model is resident on a device; the kernel frees it at any death."""

    def __init__(self, device: str, folder: Path | None = None) -> None:
        self._names = physical_devices(device)
        self._folder = folder or default_folder()
        self._held = ExitStack()

    def acquire(self) -> None:
        """Wait for the device. Raises `filelock.Timeout` after a day."""
        from filelock import FileLock

        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In one order everywhere, so that two holders of several devices cannot block each other.
        with ExitStack() as held:
            for name in self._names:
                lock = FileLock(self._folder / f"{name}.lock", timeout=LONGEST_WAIT_SECONDS)
                lock.acquire(poll_interval=POLL_SECONDS)
                held.callback(lock.release)
            self._held = held.pop_all()

    def release(self) -> None:
        self._held.close()


def default_folder() -> Path:
    """Where the locks of this user lie."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"pytest-modelbench-locks-{user}"


def physical_devices(device: str) -> list[str]:
    """The devices a name may use, as file names in locking order.

    A bare `GPU` is the first one; a virtual device such as `AUTO` may use any, so it also takes
    the processor's.

    >>> physical_devices("GPU"), physical_devices("HETERO:GPU.1,CPU"), physical_devices("AUTO")
    (['GPU.0'], ['CPU', 'GPU.1'], ['CPU', 'GPU.0', 'GPU.1', 'NPU'])
    """
    family, _, rest = device.partition(":")
    if family.upper() in ("AUTO", "MULTI", "HETERO", "BATCH"):
        parts = [part.strip("- ") for part in rest.split(",") if part.strip("- ")]
        names = parts or ["CPU", "GPU.0", "GPU.1", "NPU"]
    else:
        names = [device]
    return sorted({_file_name(_first_of_its_kind(name)) for name in names})


def _first_of_its_kind(name: str) -> str:
    name = re.sub(r"\(\d+\)$", "", name)  # BATCH:GPU(4) is GPU with batches of 4
    return {"GPU": "GPU.0", "cuda": "cuda:0"}.get(name, name)


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]", "_", name)
