"""A suite whose samples take a while, and that tells which were asked, for sessions to kill."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil
from processes import is_running

from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.runs.folder import RunFolder, run_folders

CONFTEST = """
import os, time
from pytest_modelbench import Prediction, Runner, Session
from pytest_modelbench.execution import asking

asking.BLOCK_SECONDS = 0.04  # of calls; a test has no ten seconds


class Telling(Session):
    def __init__(self, name, seconds, kind):
        self.name, self.kind = name, kind
        self.seconds = 0 if os.path.exists("at-once") else seconds

    def predict(self, batch):
        time.sleep(self.seconds)
        with open(f"asked-{self.name}.txt", "a") as told:
            told.write(f"{os.getpid()} {' '.join(batch)}\\n")
        return list(batch)

    def finish(self, sample, answer):
        if self.kind == "dict":
            return Prediction({"ends": (1, len(answer)), "score": float(answer[1:]) / 7})
        return Prediction(answer.upper(), tokens=len(answer))


class Teller(Runner):
    name = "teller"
    input_kind = "text"
    quality = ("exact_match",)

    def load(self, candidate, device, params):
        return Telling(candidate.version, params["seconds"], params.get("kind", "text"))


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("teller", Teller)
"""
WAITS = """
        while os.path.exists(f"stop-{self.name}"):
            time.sleep(0.01)
"""
T = TypeVar("T")
COMMAND = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--suite=tale.json")
PATIENCE_SECONDS = 300


class Tale:
    """The suite in a folder, and sessions of it."""

    def __init__(self, folder: Path, models: int = 2, samples: int = 30, seconds: float = 0.02):
        self.folder = folder
        self.models = [f"m{number}" for number in range(models)]
        (folder / "conftest.py").write_text(CONFTEST)
        # Every third answer is wrong, and one sample is there twice.
        rows = [{"text": f"s{n}", "ref": f"S{n}" if n % 3 else "?"} for n in range(samples - 1)]
        rows.append(rows[4])
        (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.write(seconds=seconds)

    def write(self, min_samples: int = 1, **params: object) -> None:
        suite = {
            "dataset": {"source": "jsonl", "path": "data.jsonl", "reference_column": "ref"},
            "measure": {"min_samples": min_samples, "min_seconds": 0, "warmup": 0},
            "benchmarks": [
                {"id": "tell", "runner": "teller", "models": self.models, "params": params}
            ],
        }
        (self.folder / "tale.json").write_text(json.dumps(suite))

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        with (self.folder / "out.txt").open("wb") as out:
            return subprocess.Popen(
                [*COMMAND, *more],
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    def run(self, *more: str) -> str:
        """What a whole session prints; nobody is to kill it, so that it need not take long."""
        mark = self.folder / "at-once"
        mark.touch()
        process = self.start(*more)
        process.wait(PATIENCE_SECONDS)
        mark.unlink()
        return (self.folder / "out.txt").read_text()

    def asked(self, model: str) -> list[str]:
        """The samples that a model was asked, in the order asked."""
        file = self.folder / f"asked-{model}.txt"
        if not file.exists():
            return []
        return [line.split()[1] for line in file.read_text().splitlines() if " " in line]

    def forget_asked(self) -> None:
        for file in self.folder.glob("asked-*.txt"):
            file.unlink()

    @property
    def samples(self) -> Counter[str]:
        rows = (self.folder / "data.jsonl").read_text().splitlines()
        return Counter(json.loads(row)["text"] for row in rows)


class Held(Tale):
    """A model is not answered for as long as a file says so: whoever looks has all the time."""

    def __init__(self, folder: Path, *stopped: str, **how: float) -> None:
        super().__init__(folder, **how)  # type: ignore[arg-type]
        conftest = folder / "conftest.py"
        first = "        time.sleep(self.seconds)\n"
        text = conftest.read_text()
        assert first in text
        conftest.write_text(text.replace(first, WAITS.removeprefix("\n") + first))
        for name in stopped:
            (folder / f"stop-{name}").touch()

    def go(self) -> None:
        for file in self.folder.glob("stop-*"):
            file.unlink()


def until(condition: Callable[[], T]) -> T:
    """What it gives as soon as that is true."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)
    return found


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """A session with all its processes at once, as when the power fails."""
    whole = []
    with suppress(psutil.Error):
        session = psutil.Process(process.pid)
        session.suspend()  # so that it starts nothing that would not be in the list
        whole = session.children(recursive=True)
    process.kill()
    for one in whole:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait(PATIENCE_SECONDS)
    # One that was just being started has the session's files open until it is gone.
    until(lambda: not any(is_running(one.pid) for one in whole))


def newest() -> RunFolder:
    return next(run_folders(runs_folder()))


def newest_run() -> BenchmarkRun:
    return BenchmarkRun.load(newest().run_file)
