"""What the plugin costs a test session that does not use it.

The same one trivial test is run in turn, many times, by whole pytest sessions; what is compared,
pair by pair, is their CPU time (user and system). Two comparisons:

- loaded against blocked (`-p no:modelbench`) in one environment: the plugin's own work;
  target: a ratio of at most 1.01;
- an environment with pytest and this package against one with pytest alone: that, and what pytest
  and `importlib.metadata` do for any installed plugin, which grows with the number of its files.
  pytest-timeout, a plugin of a single file, stands beside it.

    python benchmarks/unused_cost.py --pairs 60
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
WARM_UP_PAIRS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "test_trivial.py").write_text("def test_trivial():\n    pass\n")
        alone = environment(work / "alone", "pytest")
        ours = environment(work / "ours", str(ROOT))
        timeout = environment(work / "timeout", "pytest", "pytest-timeout")
        for title, without, with_plugin in (
            ("loaded / blocked", [ours, "-p", "no:modelbench"], [ours]),
            ("installed / pytest alone", [alone], [ours]),
            ("pytest-timeout installed / pytest alone", [alone], [timeout]),
            ("pytest alone / itself", [alone], [alone]),
        ):
            measured = pairs(work, without, with_plugin, options.pairs, options.seed)
            print(f"{title}: {report(measured)}", flush=True)


def environment(folder: Path, *packages: str) -> str:
    """The Python of a new environment with `packages`."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    return python


def pairs(
    work: Path, without: Sequence[str], with_plugin: Sequence[str], count: int, seed: int
) -> list[tuple[float, float]]:
    """CPU seconds of (without, with), the order within a pair by a seeded coin."""
    coin = random.Random(seed)
    measured = []
    for _ in range(WARM_UP_PAIRS + count):
        if coin.random() < 0.5:
            first = cpu_seconds(work, without)
            measured.append((first, cpu_seconds(work, with_plugin)))
        else:
            second = cpu_seconds(work, with_plugin)
            measured.append((cpu_seconds(work, without), second))
    return measured[WARM_UP_PAIRS:]


def cpu_seconds(work: Path, session: Sequence[str]) -> float:
    """User and system time of one session, children included."""
    python, *arguments = session
    options = ["-q", "-p", "no:cacheprovider", *arguments]
    command = [python, "-m", "pytest", *options, "test_trivial.py"]
    process = subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def report(measured: list[tuple[float, float]], resamples: int = 2000) -> str:
    ratios = [with_plugin / without for without, with_plugin in measured]
    draw = random.Random(0)
    medians = sorted(
        statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(resamples)
    )
    low, high = medians[int(0.025 * resamples)], medians[int(0.975 * resamples)]
    base = statistics.median(without for without, _ in measured)
    return (
        f"x {statistics.median(ratios):.4f} [{low:.4f}, {high:.4f}] "
        f"of {base * 1000:.0f} ms CPU (median of {len(ratios)} pairs, 95 % bootstrap interval)"
    )


if __name__ == "__main__":
    main()
