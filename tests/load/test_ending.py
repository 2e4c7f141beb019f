"""Nothing that sends outlives who began the load, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, sys
from truth_endpoint import TruthEndpoint
from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.load.driver import drive
from pytest_modelbench.load.spec import LoadSpec

port, workers = int(sys.argv[1]), int(sys.argv[2])
endpoint = TruthEndpoint(port)
samples = [(sample, endpoint.prepare(sample)) for sample in [Sample("0", "")]]
told = []

def take(reply):
    if not told:
        told.append(1)
        print("begun", flush=True)

try:
    drive(endpoint, samples, LoadSpec(rate=50.0, seconds=600.0, workers=workers), on_reply=take)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    raise SystemExit(130)
"""


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_all_processes_end_with_the_one_that_began(
    truth: Callable[..., Any], number: signal.Signals, workers: int
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(truth(tokens=1).port), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        sending = children(process.pid)
        assert len(sending) == (workers if workers > 1 else 0)
        process.send_signal(number)
        said, errors = process.communicate(timeout=30)
    if number is signal.SIGINT:
        assert (process.returncode, said) == (130, "interrupted\n"), errors
    else:
        assert process.returncode == -number
    assert "Traceback" not in errors
    deadline = time.monotonic() + 30
    while any(map(is_there, sending)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_there, sending))


def test_a_process_that_sends_imports_nothing_heavy() -> None:
    """Nor pytest, nor what a model would need: it starts in well under 2 s."""
    script = "import pytest_modelbench.load.worker, sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    heavy = {"torch", "transformers", "scipy", "pandas", "pytest", "soundfile", "datasets"}
    assert not heavy & set(json.loads(done.stdout))
