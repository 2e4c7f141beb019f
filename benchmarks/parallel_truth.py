"""Whether `-n 2` reports what a serial session reports, and takes less time.

A suite of several models on OpenVINO's CPU device, whose timed calls use all cores and whose
loading computes for a while in one thread. Whole sessions in turn: serial; `-n 2`, where timed
calls take the whole host (`modelbench_lock` `host`, the default); `-n 2` without a lock, as xdist
alone would have it; and serial once more, which says what this machine lets one see.

    python benchmarks/parallel_truth.py

Targets: with the lock every case's p50 is within 3 % of serial's, and the wall time below serial's.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from common import (
    Estimate,
    Report,
    arguments,
    estimate,
    figure,
    how_often,
    in_turn,
    need,
    ratios,
    run,
    stop,
    verdict,
)
from small_models import convolutions

WITHIN = 0.03
MODES = {
    "serial": (),
    "serial again": (),
    "-n 2": ("-n", "2"),
    "-n 2, lock none": ("-n", "2", "-o", "modelbench_lock=none"),
}
JUDGED = "-n 2"

CONFTEST = """
import time

from pytest_modelbench.runners.openvino_model import OpenvinoModel


class LoadsLong(OpenvinoModel):
    name = "loads_long"

    def load(self, candidate, device, params):
        end = time.thread_time() + {load_seconds}
        while time.thread_time() < end:  # of computing, however long that takes
            pass
        return super().load(candidate, device, params)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("loads_long", LoadsLong)
"""


@dataclass(frozen=True)
class Session:
    """What one whole session took and reported."""

    wall_s: float
    p50_ms: dict[str, float]


def session(work: Path, mode: str) -> Session:
    output = work / "run.json"
    output.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--suite=suite.json"]
    start = time.perf_counter()
    run([*command, f"--suite-output={output}", *MODES[mode]], cwd=work)
    wall = time.perf_counter() - start
    cases = json.loads(output.read_text())["cases"]
    if any(case["status"] != "ok" for case in cases):
        stop(f"a case is not ok: {[case['detail'] for case in cases]}")
    return Session(wall, {case["id"]: case["metrics"]["p50_latency_ms"]["value"] for case in cases})


def write_suite(work: Path, cases: int, calls: int, load_seconds: float) -> None:
    (work / "conftest.py").write_text(CONFTEST.format(load_seconds=load_seconds))
    names = [f"model{number}.xml" for number in range(cases)]
    for seed, name in enumerate(names):
        convolutions(work / name, seed=seed)
    measure = {"warmup": 20, "min_samples": calls, "max_samples": calls, "min_seconds": 0}
    models = [f"./{name}" for name in names]
    benchmark = {"id": "parallel", "runner": "loads_long", "models": models}
    dataset = {"source": "generated", "max_samples": 1}
    suite = {"dataset": dataset, "measure": measure, "benchmarks": [benchmark]}
    (work / "suite.json").write_text(json.dumps(suite))


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--cases", type=int, default=4)
    parser.add_argument("--calls", type=int, default=200, help="timed calls a case")
    parser.add_argument("--load-seconds", type=float, default=2.0, help="computed while loading")
    options = parser.parse_args()
    need("pytest_modelbench", "openvino", "xdist")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_suite(work, options.cases, options.calls, options.load_seconds)
        sides = {mode: partial(session, work, mode) for mode in MODES}
        found = in_turn(sides, options.rounds, options.seed, warm_up=False)
    report = show(found)
    report.notes.append(
        f"{options.cases} cases of {options.calls} calls, {options.load_seconds:g} s of loading "
        f"each; {how_often(options.rounds)}"
    )
    report.finish(options.json)


def by_case(found: dict[str, list[Session]], mode: str) -> dict[str, list[float]]:
    """For each case, round by round, what `mode` reports over what serial does."""
    return {
        case: [
            one.p50_ms[case] / serial.p50_ms[case]
            for one, serial in zip(found[mode], found["serial"], strict=True)
        ]
        for case in found["serial"][0].p50_ms
    }


def furthest(cases: dict[str, list[float]]) -> Estimate:
    """The case whose median is furthest from 1."""
    return max(map(estimate, cases.values()), key=lambda one: abs(one.median - 1))


def show(found: dict[str, list[Session]]) -> Report:
    columns = ("sessions", "wall", "wall / serial", "p50 / serial", "worst case", "targets met")
    report = Report("-n 2 against serial", columns)
    serial = [one.wall_s for one in found["serial"]]
    for mode, given in found.items():
        walls, cases = [one.wall_s for one in given], by_case(found, mode)
        faster, worst = ratios(walls, serial), furthest(cases)
        pooled = estimate([ratio for ratios_ in cases.values() for ratio in ratios_])
        met = "-"
        if mode == JUDGED:
            latency = verdict(worst, at_least=1 - WITHIN, at_most=1 + WITHIN)
            met = f"within {WITHIN:.0%}: {latency}; wall below: {verdict(faster, at_most=1)}"
        cells = [figure(one, digits=4) for one in (faster, pooled, worst)]
        if mode == "serial":
            cells = ["-"] * 3
        report.row(mode, figure(estimate(walls), "s"), *cells, met)
        report.figures[mode] = {
            "wall_s": walls,
            "p50_ms": [one.p50_ms for one in given],
            "p50_over_serial": pooled,
            "worst_case": worst,
        }
    return report


if __name__ == "__main__":
    main()
