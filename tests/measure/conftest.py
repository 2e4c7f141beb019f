"""A stand-in for NVIDIA's driver library, which the real pynvml loads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "nvml_standin" / "nvml.c"
LONGEST_WAIT_SECONDS = 60


class NvmlStandin:
    """Steers the library; its lines are described in `nvml.c`."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "steering.txt"
        self._looks = folder / "steering.txt.looks"

    def says(self, *lines: str) -> None:
        """From now on, in one moment."""
        new = self.file.with_suffix(".new")
        new.write_text("".join(line + "\n" for line in lines))
        new.replace(self.file)

    def was_looked_at(self) -> None:
        """Returns once a whole look has seen what was said last."""
        enough = self._count() + 2  # the first of them may have begun before
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < deadline:
            if self._count() >= enough:
                return
            time.sleep(0.001)
        raise TimeoutError("nobody looks at the stand-in")

    def _count(self) -> int:
        return int(self._looks.read_text()) if self._looks.exists() else 0

    def run(self, code: str, **environ: str) -> str:
        """What `code` prints in a process that has loaded the stand-in as NVML."""
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
            capture_output=True,
            text=True,
            env={**os.environ, **environ},
            timeout=LONGEST_WAIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in, compiled; the folder it is in."""
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("nvml")
    library = folder / "libnvidia-ml.so.1"
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
    subprocess.run(command, check=True, timeout=LONGEST_WAIT_SECONDS)
    return folder


@pytest.fixture
def nvml(nvml_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NvmlStandin:
    """Processes started from here on find the stand-in: the loader reads its path only then."""
    standin = NvmlStandin(tmp_path)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(nvml_library))
    monkeypatch.setenv("NVML_STANDIN", str(standin.file))
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)
    standin.says("count 1", "used 0 0")
    return standin
