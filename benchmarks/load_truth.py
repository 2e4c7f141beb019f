"""The server whose times are known (`true_server.c`): built, started, and its log read."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import stop
from numpy.typing import NDArray

SOURCE = Path(__file__).with_name("true_server.c")


def build(folder: Path) -> Path:
    """The server's program, compiled into `folder`."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        stop("this needs a C compiler: install gcc or clang, so that `cc` is found")
    program = folder / "true_server"
    done = subprocess.run(
        [compiler, "-O2", "-o", str(program), str(SOURCE)], capture_output=True, text=True
    )
    if done.returncode:
        stop(f"{SOURCE.name} could not be compiled:\n{done.stderr}")
    return program


@dataclass(frozen=True)
class Log:
    """What the server saw, by the clock that `time.perf_counter_ns` reads. In its order."""

    ids: NDArray[np.int64]
    """Of the field `user` of a request; -1 without."""
    arrived_ns: NDArray[np.int64]
    ttft_ms: NDArray[np.float64]
    """From a request's arrival to its first token."""
    gaps_ms: NDArray[np.float64]
    """Between its tokens, of all requests."""
    unanswered: int

    @property
    def dispersion(self) -> float:
        """The variance of the counts in windows of 20 mean gaps, divided by their mean: 1 for a
        Poisson process, 0 for constant gaps."""
        at = self.arrived_ns - self.arrived_ns[0]
        window = 20 * at[-1] / (len(at) - 1)
        counts = np.bincount((at / window).astype(np.int64))[:-1]
        return float(counts.var(ddof=1) / counts.mean())

    @property
    def correlation(self) -> float:
        """Of each gap between arrivals with the next one: 0 for a Poisson process."""
        gaps = np.diff(self.arrived_ns)
        return float(np.corrcoef(gaps[:-1], gaps[1:])[0, 1])


@dataclass(frozen=True)
class TrueServer:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def log(self, skip: int = 0) -> Log:
        """Of all requests but the first so many."""
        with urllib.request.urlopen(f"{self.url}/log", timeout=30) as answer:
            return _read(np.frombuffer(answer.read(), dtype=np.int64), skip)


def _read(words: NDArray[np.int64], skip: int) -> Log:
    ids, arrived, first, gaps = [], [], [], []
    at = unanswered = 0
    while at < len(words):
        number, arrived_ns, tokens = words[at : at + 3]
        times = words[at + 3 : at + 3 + tokens]
        at += 3 + tokens
        if skip:
            skip -= 1
            continue
        ids.append(number)
        arrived.append(arrived_ns)
        if times[-1] == 0:
            unanswered += 1
            continue
        first.append(times[0] - arrived_ns)
        gaps.append(np.diff(times))
    return Log(
        np.array(ids),
        np.array(arrived),
        np.array(first) / 1e6,
        np.concatenate(gaps) / 1e6 if gaps else np.empty(0),
        unanswered,
    )


@contextmanager
def true_server(program: Path, core: int | None, options: Sequence[str]) -> Iterator[TrueServer]:
    """Runs it, alone on a core where one is given: then it never sleeps and is exact."""
    spins = ["--spin"] if core is not None else []
    with subprocess.Popen(
        [str(program), *spins, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            stop(f"the server did not start with {' '.join(options)}")
        try:
            yield TrueServer(int(line))
        finally:
            process.kill()
