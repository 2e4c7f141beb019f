"""What all tests share: a home of their own, and a small suite with a runner of the user's."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np  # noqa: F401 - pytester forgets modules that its sessions load, which NumPy forbids
import pytest

ECHO_CONFTEST = '''
from pytest_modelbench import Prediction, Runner, Session


class EchoSession(Session):
    def predict(self, batch):
        return [text.upper() for text in batch]

    def finish(self, sample, answer):
        return Prediction(answer, tokens=len(answer))


class Echo(Runner):
    """Answers in capitals."""

    name = "echo"
    input_kind = "text"
    quality = ("exact_match",)

    def devices(self):
        return ("CPU", "GPU.1", "AUTO:CPU")

    def load(self, candidate, device, params):
        return EchoSession()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("echo", Echo)
'''

ROWS = [{"text": "a", "ref": "A"}, {"text": "b", "ref": "B"}, {"text": "c", "ref": "X"}]


@pytest.fixture(scope="session", autouse=True)
def _no_worker() -> Iterator[None]:
    """What says that this session is a parallel worker does not hold for sessions it starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_ignored_signals() -> Iterator[None]:
    """What `nohup`, or a shell's `&`, has had ignored here is not ignored in sessions it starts.

    A handler of this process is not inherited as "ignore" is, and ignores as well.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda number, frame: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's state, caches or settings."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    # Where locks lie: no test waits for what else is measured on this machine.
    (home / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(home / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    ours = ("MODEL_BENCH_SUITE", "MODEL_BENCH_OUTPUT", "GITHUB_STEP_SUMMARY")
    for name in (*ours, "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def echo_suite(pytester: pytest.Pytester) -> Callable[..., Path]:
    """Writes a suite for the echo runner: 2 models, fast stop rule; keywords override fields."""
    pytester.makeconftest(ECHO_CONFTEST)
    (pytester.path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))

    def write(name: str = "echo.json", **fields: Any) -> Path:
        suite = {
            "id": Path(name).stem,
            "dataset": {"source": "jsonl", "path": "data.jsonl", "reference_column": "ref"},
            "measure": {"min_samples": 5, "min_seconds": 0, "warmup": 0},
            "benchmarks": [{"id": "shout", "runner": "echo", "models": ["one", "two"]}],
            **fields,
        }
        file = pytester.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(suite, indent=1))
        return file

    return write


@pytest.fixture
def runs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads the run files of this test's state directory, oldest first."""
    from pytest_modelbench import BenchmarkRun
    from pytest_modelbench.results.store import runs_folder

    return lambda: [BenchmarkRun.load(file) for file in sorted(runs_folder().glob("*/run.json"))]
