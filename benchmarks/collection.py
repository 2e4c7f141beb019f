"""How long collecting suites takes, against as many plainly parametrized tests.

Whole `pytest --collect-only` sessions in turn, CPU time (user and system), pair by pair, for one
benchmark with many cases and for many benchmarks with one case each; and how much higher the peak
of memory is than with plain tests, a case. Targets: a ratio below 2, and below 2 KB a case.

    python benchmarks/collection.py --cases 10000 --pairs 5
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

CONFTEST = """
from pytest_modelbench import Runner

class Null(Runner):
    name = "null"
    input_kind = "text"

def pytest_modelbench_register(modelbench):
    modelbench.runners.add("null", Null)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    count = options.cases
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "conftest.py").write_text(CONFTEST)
        (work / "data.jsonl").write_text('{"text": "a"}\n')
        one = [{"id": "b", "runner": "null", "model": "m", "matrix": {"x": list(range(count))}}]
        many = [{"id": f"b{n}", "runner": "null", "model": "m"} for n in range(count)]
        write_suite(work / "one.json", one)
        write_suite(work / "many.json", many)
        write_suite(work / "small.json", [{"id": "b", "runner": "null", "model": "m"}])
        (work / "test_small.py").write_text("def test_b(): pass\n")
        (work / "test_one.py").write_text(
            "import pytest\n"
            '@pytest.mark.parametrize("model", ["m"])\n'
            f'@pytest.mark.parametrize("x", range({count}))\n'
            "def test_b(model, x): pass\n"
        )
        (work / "test_many.py").write_text(
            "import pytest\n"
            + "".join(
                f'@pytest.mark.parametrize("model", ["m"])\ndef test_b{n}(model): pass\n'
                for n in range(count)
            )
        )
        for title, suite, plain in (
            (f"1 benchmark, {count} cases", "one.json", "test_one.py"),
            (f"{count} benchmarks, 1 case each", "many.json", "test_many.py"),
        ):
            print(f"{title}: {compare(work, suite, plain, options.pairs, count)}", flush=True)


def write_suite(file: Path, benchmarks: list[dict[str, Any]]) -> None:
    dataset = {"source": "jsonl", "path": "data.jsonl"}
    file.write_text(json.dumps({"dataset": dataset, "benchmarks": benchmarks}))


def compare(work: Path, suite: str, plain: str, pairs: int, count: int) -> str:
    collect(work, suite), collect(work, plain)  # fills caches
    pair = [(collect(work, suite), collect(work, plain)) for _ in range(pairs)]
    ratios = sorted(ours.cpu_seconds / theirs.cpu_seconds for ours, theirs in pair)
    seconds = statistics.median(ours.cpu_seconds for ours, _ in pair)
    more = statistics.median(ours.peak_bytes - theirs.peak_bytes for ours, theirs in pair)
    # Our code itself takes memory, too: what a suite of one case has more than one plain test.
    fixed = collect(work, "small.json").peak_bytes - collect(work, "test_small.py").peak_bytes
    return (
        f"{seconds:.2f} s CPU, x {statistics.median(ratios):.2f} of plain tests "
        f"(lowest {ratios[0]:.2f}, highest {ratios[-1]:.2f} of {pairs} pairs); "
        f"{(more - fixed) / count:.0f} bytes a case more than a plain test"
    )


class Collected(NamedTuple):
    """What one session took."""

    cpu_seconds: float
    peak_bytes: int


def collect(work: Path, file: str) -> Collected:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", file]
    process = subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return Collected(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


if __name__ == "__main__":
    main()
