"""What all tests share: a home of their own, and a small suite with a runner of the user's."""

from __future__ import annotations

import compileall
import gc
import importlib
import itertools
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np  # noqa: F401 - pytester forgets modules that its sessions load, which NumPy forbids
import pytest
import scipy.special  # noqa: F401 - as NumPy, whose parts it loads

import pytest_modelbench

# The same for our own modules: two sessions of one test would have two classes of one name.
for _module in pkgutil.walk_packages(pytest_modelbench.__path__, "pytest_modelbench."):
    with suppress(ImportError):  # of an extra that is not installed
        importlib.import_module(_module.name)

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


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the package once: each of hundreds of processes that tests start imports it.

    Where the environment forbids to keep bytecode, each of them would compile it anew, and each
    session what pytest rewrites as well, which is all plugins.
    """
    if hasattr(session.config, "workerinput"):
        return
    compileall.compile_dir(Path(pytest_modelbench.__file__).parent, quiet=2)
    if sys.dont_write_bytecode and "MODELBENCH_TESTS_COMPILED" not in os.environ:
        os.environ["MODELBENCH_TESTS_COMPILED"] = "1"  # once is enough, for sessions in tests, too
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTEST_ADDOPTS": ""}
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", __file__]
        with suppress(subprocess.TimeoutExpired):  # then it only takes longer
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, timeout=120)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first: at the end all other workers would wait for it."""
    items.sort(key=lambda item: item.path.name != "test_docs_site.py")


def pytest_collection_finish() -> None:
    """What was collected is never garbage: collections need not look at it.

    Every session within a test ends with one; among thousands of tests it would take 0.4 s.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_worker() -> Iterator[None]:
    """What says that this session is a parallel worker does not hold for sessions it starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_stale_bytecode() -> Iterator[None]:
    """What a test writes over a module is read, also within the same second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
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


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of directories: `mktemp` looks at all that there are, 5 ms when they are thousands."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's state, caches or settings."""
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    # Where locks lie: no test waits for what else is measured on this machine.
    (home / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(home / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
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
def inline(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of the test run cases in their own process: for what is the same in any engine."""
    # `pytester` has discarded the variable.
    monkeypatch.setenv("PYTEST_ADDOPTS", "--suite-engine=inline")


@pytest.fixture
def runs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads the run files of this test's state directory, oldest first."""
    from pytest_modelbench import BenchmarkRun
    from pytest_modelbench.results.store import runs_folder

    return lambda: [BenchmarkRun.load(file) for file in sorted(runs_folder().glob("*/run.json"))]
