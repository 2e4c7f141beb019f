"""What else a machine may be doing: a process that disturbs, for the proof scripts.

`noise(...)` runs this file as a process of its own. It begins when it says so, is ended when the
block is left, ends with the process that started it, and in any case after `--seconds`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import psutil

MOST_SECONDS = 1200
SHORTEST_SECONDS, LONGEST_SECONDS = 0.2, 1.0
COPIED_BYTES = 200_000_000
QUIET, HALFWAY = "quiet", "halfway"


class Noise:
    """What is known of it when it has ended."""

    cpu_seconds = 0.0


@contextmanager
def noise(kind: str, seed: int, delay: float = 0.0) -> Iterator[Noise]:
    """Disturb the block, from `delay` seconds on. Of `quiet` there is nothing to hear."""
    made = Noise()
    if kind == QUIET:
        yield made
        return
    command = [sys.executable, __file__, kind, "--seed", str(seed), "--delay", str(delay)]
    command += ["--parent", str(os.getpid())]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a terminal's interrupt is not for it
    )
    assert process.stdout is not None
    try:
        if not process.stdout.readline():
            raise SystemExit(f"the noise {kind!r} could not begin")
        yield made
        if process.poll() is not None:
            raise SystemExit(f"the noise {kind!r} ended before what it was to disturb")
        times = psutil.Process(process.pid).cpu_times()
        made.cpu_seconds = times.user + times.system
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def _steady(draw: random.Random) -> NoReturn:
    while True:
        _spin(1)


def _bursts(draw: random.Random) -> NoReturn:
    while True:
        _spin(draw.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
        time.sleep(draw.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))


def _bandwidth(draw: random.Random) -> NoReturn:
    import numpy as np

    one = np.ones(COPIED_BYTES // 8)
    other = np.empty_like(one)
    while True:
        np.copyto(other, one)
        np.copyto(one, other)


KINDS: dict[str, Callable[[random.Random], NoReturn]] = {
    "steady": _steady,
    "bursts": _bursts,
    "bandwidth": _bandwidth,
    HALFWAY: _steady,
}
CONDITIONS = (QUIET, *KINDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before it begins")
    parser.add_argument("--seconds", type=int, default=MOST_SECONDS, help="it lasts at most")
    parser.add_argument("--parent", type=int, required=True, help="the process it ends with")
    options = parser.parse_args()
    signal.alarm(options.seconds)  # nobody waits for it: the signal ends this process
    from pytest_modelbench.execution.descendants import die_with

    die_with(options.parent)
    print("here", flush=True)
    time.sleep(options.delay)
    KINDS[options.kind](random.Random(options.seed))


if __name__ == "__main__":
    main()
