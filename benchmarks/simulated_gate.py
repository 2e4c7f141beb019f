"""What the paired gate says of machines and code that are made up, and so known to the last digit.

The calls of whole launches are drawn by `tests/judge/paired/simulated_launches.py`: processes of
the same code that differ for as long as they live, calls that scatter, bursts, drift, calls that
are slow by themselves. What is asked after each launch, and the verdict, are the product's own.
Here belongs what no real machine can be told to do; what one does is in verdict.py.

    python benchmarks/simulated_gate.py --rounds 1000

The usual launch is simulated, of 20 blocks: a real one goes on for up to 100 where calls scatter.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from common import ROOT, Report, arguments, need
from gate_targets import interval

sys.path.insert(0, str(ROOT / "tests" / "judge" / "paired"))

OUTCOMES = ("regression", "inconclusive", "pass")
PART = 50
"""Comparisons that a process makes at once."""


@dataclass(frozen=True)
class Cell:
    """A machine, the truth, and what is asked of it."""

    words: str
    """What disturbs, beside how launches of equal code differ."""
    launch_sd: float
    slower: float
    tolerance: str
    machine: dict[str, float] = field(default_factory=dict)
    verdicts: int = 1
    """Of the whole session."""
    floor: float = 0.01
    """By how much the gate believes that launches differ; calibration measures it."""


BURSTS = {"burst_share": 0.2, "call_sd": 0.08, "drift": 0.2}
SLOW_CALLS = {"slow_share": 0.05}
CELLS = (
    Cell("", 0.01, 0.0, "3%"),
    Cell("", 0.01, 0.0, "5%"),
    Cell("bursts and drift", 0.01, 0.0, "3%", BURSTS),
    Cell("bursts and drift", 0.01, 0.0, "5%", BURSTS),
    Cell("every 20th call takes 3 times as long", 0.01, 0.0, "3%", SLOW_CALLS),
    Cell("not calibrated", 0.03, 0.0, "3%"),
    Cell("calibrated", 0.03, 0.0, "3%", floor=0.03),
    Cell("not calibrated", 0.05, 0.0, "3%"),
    Cell("calibrated", 0.05, 0.0, "3%", floor=0.05),
    Cell("", 0.01, 0.05, "3%"),
    Cell("one of 20 verdicts", 0.01, 0.05, "3%", verdicts=20),
    Cell("bursts and drift", 0.01, 0.05, "3%", BURSTS),
    Cell("every 20th call takes 3 times as long", 0.01, 0.05, "3%", SLOW_CALLS),
    Cell("calibrated", 0.03, 0.05, "3%", floor=0.03),
    Cell("", 0.01, 0.10, "5%"),
    Cell("", 0.01, 0.10, "3%"),
    Cell("", 0.01, 0.03, "3%"),
    Cell("", 0.01, 0.03, "5%"),
    Cell("", 0.01, 0.05, "5%"),
)


def main() -> None:
    parser = arguments(__doc__, rounds=200)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    need("pytest_modelbench", "scipy")
    parts = [
        (number, min(PART, options.rounds - first), (options.seed, number, first))
        for number in range(len(CELLS))
        for first in range(0, options.rounds, PART)
    ]
    found = [Counter[str]() for _ in CELLS]
    with ProcessPoolExecutor(options.processes) as pool:
        for (number, _, _), counted in zip(parts, pool.map(_compared, parts), strict=True):
            found[number] += counted
    _report(found, options.rounds).finish(options.json)


def _compared(part: tuple[int, int, tuple[int, ...]]) -> Counter[str]:
    """Of a cell's number, how many comparisons, and a seed: outcomes, and launches made."""
    import numpy as np
    from simulated_launches import Code, Machine, compared, procedure, question

    number, count, seed = part
    cell, found = CELLS[number], Counter[str]()
    rng = np.random.default_rng(seed)
    machine = Machine(cell.launch_sd, **cell.machine)
    how = procedure(verdict_count=cell.verdicts, launch_floor=cell.floor)
    asked = question(tolerance=cell.tolerance)
    for _ in range(count):
        (verdict,), data = compared(rng, [Code(), Code(cell.slower)], machine, [asked], how)
        found[verdict.outcome] += 1
        found["launches"] += len(data.launches)
    return found


def _report(found: Sequence[Counter[str]], rounds: int) -> Report:
    report = Report(
        f"The paired gate on simulated launches, {rounds} comparisons a row",
        ["launches of equal code differ by (SD)", "truth", "tolerance", *OUTCOMES, "launches"],
    )
    rows: list[dict[str, Any]] = []
    for cell, counted in zip(CELLS, found, strict=True):
        low, high = interval(counted["regression"], rounds)
        shares = [f"{counted[word] / rounds:.1%}".replace("%", " %") for word in OUTCOMES]
        shares[0] += f" [{low * 100:.1f}, {high * 100:.1f}]"
        report.row(
            ", ".join(filter(None, (f"{cell.launch_sd * 100:g} %", cell.words))),
            f"{cell.slower * 100:g} % slower" if cell.slower else "equal",
            cell.tolerance.replace("%", " %"),
            *shares,
            f"{counted['launches'] / rounds:.1f}",
        )
        rows.append({"cell": vars(cell), "counted": dict(counted)})
    report.notes.append("at most six launches of 20 blocks, and as many to confirm a regression")
    report.notes.append("[low, high]: 95 % interval of Clopper and Pearson")
    report.figures = {"rounds": rounds, "rows": rows}
    return report


if __name__ == "__main__":
    main()
