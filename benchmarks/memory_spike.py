"""What a short memory spike is said to have been, by this package and by sampling.

A buffer of known size is allocated, touched and freed at once, outside the interpreter's lock, as
a library's scratch memory is. Each meter sees as many of them; the error is relative to the size.
Target: at most 1 % in the worst case.

    python benchmarks/memory_spike.py --repetitions 20
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import psutil

from pytest_modelbench.measure.ram import RamMeter

SIZES_MB = (50, 500)
PAUSE_SECONDS = 0.02

Meter = Callable[[Callable[[], None]], float]
"""Runs an action; gives the increase it saw, in bytes."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--interval-ms", type=float, default=10.0, help="of sampling")
    options = parser.parse_args()
    interval = options.interval_ms / 1e3
    print(f"{'spike':>7}  {'meter':<44}{'median seen':>12}{'median error':>13}{'worst error':>12}")
    with ours() as exact, sampling_process(interval) as process, sampling_process(0.001) as fast:
        meters: dict[str, Meter] = {
            "pytest-modelbench": exact,
            f"psutil every {options.interval_ms:g} ms, in a thread": in_a_thread(interval),
            f"psutil every {options.interval_ms:g} ms, in another process": process,
            "psutil every 1 ms, in another process": fast,
        }
        for megabytes in SIZES_MB:
            for name, seen in measure(meters, megabytes * 1_000_000, options.repetitions).items():
                print(f"{megabytes:>4} MB  {name:<44}{row(seen, megabytes)}", flush=True)


def measure(meters: dict[str, Meter], size: int, repetitions: int) -> dict[str, list[float]]:
    """The increases in bytes, the meters taking turns."""
    found: dict[str, list[float]] = {name: [] for name in meters}
    for _ in range(repetitions):
        for name, meter in meters.items():
            found[name].append(meter(lambda: spike(size)))
            time.sleep(PAUSE_SECONDS)
    return found


def row(seen: list[float], megabytes: int) -> str:
    errors = sorted(abs(one / 1e6 - megabytes) / megabytes for one in seen)
    return (
        f"{statistics.median(seen) / 1e6:>9.1f} MB"
        f"{statistics.median(errors):>12.2%} {errors[-1]:>11.2%}"
    )


def spike(size: int) -> None:
    """Allocate, touch and free; ctypes lets other threads run meanwhile."""
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    address = library.malloc(size)
    if not address:
        raise SystemExit(f"{size} bytes of memory are not to be had")
    library.memset(address, 1, size)
    library.free(address)


@contextmanager
def ours() -> Iterator[Meter]:
    meter = RamMeter()

    def measured(action: Callable[[], None]) -> float:
        meter.forget_case()
        meter.start("steady")
        action()
        meter.stop("steady")
        return 1e6 * (meter.metrics(1)["steady_ram_increase_mb"].value or 0.0)

    try:
        yield measured
    finally:
        meter.close()


def in_a_thread(interval: float) -> Meter:
    """As it is often done: a thread of the measured process samples and keeps the highest."""

    def measured(action: Callable[[], None]) -> float:
        process = psutil.Process()
        highest = before = process.memory_info().rss
        stop = threading.Event()

        def sample() -> None:
            nonlocal highest
            while not stop.wait(interval):
                highest = max(highest, process.memory_info().rss)

        thread = threading.Thread(target=sample)
        thread.start()
        action()
        stop.set()
        thread.join()
        return float(highest - before)

    return measured


@contextmanager
def sampling_process(interval: float) -> Iterator[Meter]:
    """Another process samples, and tells the highest when it is asked to stop."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    own = psutil.Process().pid
    process = context.Process(target=sample_process, args=(own, theirs, interval), daemon=True)
    process.start()
    ours.recv()

    def measured(action: Callable[[], None]) -> float:
        before = psutil.Process().memory_info().rss
        ours.send("start")
        ours.recv()
        action()
        ours.send("stop")
        return float(ours.recv() - before)

    try:
        yield measured
    finally:
        ours.send(None)
        process.join()


def sample_process(pid: int, connection: Connection, interval: float) -> None:
    process = psutil.Process(pid)
    connection.send("ready")
    while connection.recv() is not None:
        highest = process.memory_info().rss
        connection.send("looking")
        while not connection.poll(interval):
            highest = max(highest, process.memory_info().rss)
        connection.recv()
        connection.send(highest)


if __name__ == "__main__":
    main()
