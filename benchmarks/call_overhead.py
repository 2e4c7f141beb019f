"""What timing costs per call, and what it reports for a call that does nothing.

Four sides, each in a fresh process, one after the other in random order:

- a loop with two `perf_counter_ns` reads and a list;
- ours, the steady state as a case runs it;
- pytest-benchmark's `pedantic(rounds=N, iterations=1)`, run through pytest;
- optimum-benchmark's `LatencySessionTracker`, in the loop its scenario has, in its environment
  (`--environment DIR` as whole_command.py made it; without it there is no such row).

Overhead is the wall time of N calls less that of the bare loop in the same process, by N. What is
reported is the median for the call that does nothing, and so should be the cost of a call, which
is some tens of ns; what an empty pair of clock reads takes is in it, too, and is subtracted.

    python benchmarks/call_overhead.py

Targets: ours under 1 microsecond a call, and below pytest-benchmark and optimum-benchmark.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from common import (
    OPTIMUM_BENCHMARK_PINS,
    Report,
    arguments,
    environment,
    estimate,
    figure,
    how_often,
    in_turn,
    need,
    ratios,
    run,
    verdict,
)

TARGET_NS = 1000.0
BATCH = [0]
TITLES = {
    "clock": "loop with two clock reads",
    "ours": "ours",
    "pytest-benchmark": "pytest-benchmark pedantic",
    "optimum-benchmark": "optimum-benchmark tracker",
}

PEDANTIC_TEST = """
import sys
import time

sys.path.insert(0, {folder!r})
from call_overhead import BATCH, no_op


def test_no_op(benchmark):
    start = time.perf_counter_ns()
    benchmark.pedantic(no_op, args=(BATCH,), rounds={calls}, iterations=1)
    benchmark.extra_info["wall_ns"] = time.perf_counter_ns() - start
"""


def our_timed_calls(calls: int) -> tuple[int, Sequence[int]]:
    """Wall ns of our timing so many calls, and the ns of each as we would report them.

    The one place that knows what our timing is called.
    """
    from pytest_modelbench.measure.spec import MeasureSpec
    from pytest_modelbench.measure.timing import SteadyState

    spec = MeasureSpec(min_samples=calls, max_samples=calls, min_seconds=0, max_seconds=86_400)
    steady = SteadyState(no_op, spec)
    steady.first_round([BATCH])
    start = time.perf_counter_ns()
    steady.further_rounds([BATCH])
    return time.perf_counter_ns() - start, steady.calls.durations_ns


def no_op(batch: Sequence[Any]) -> Sequence[Any]:
    return batch


def clock_calls(calls: int) -> tuple[int, Sequence[int]]:
    durations = []
    begin = time.perf_counter_ns()
    for _ in range(calls):
        start = time.perf_counter_ns()
        no_op(BATCH)
        durations.append(time.perf_counter_ns() - start)
    return time.perf_counter_ns() - begin, durations


def tracker_calls(calls: int) -> tuple[int, Sequence[float]]:
    """As `InferenceScenario.run_inference_latency_tracking` goes about it."""
    from optimum_benchmark.trackers.latency import (  # type: ignore[import-not-found]
        LatencySessionTracker,  # in its own environment only
    )

    tracker = LatencySessionTracker(device="cpu", backend="openvino")
    start = time.perf_counter_ns()
    with tracker.session():
        while tracker.elapsed() < 0 or tracker.count() < calls:
            with tracker.track():
                no_op(BATCH)
    wall = time.perf_counter_ns() - start
    return wall, [1e9 * seconds for seconds in tracker.get_latency().values]


SIDES: dict[str, Callable[[int], tuple[int, Sequence[float]]]] = {
    "clock": clock_calls,
    "ours": our_timed_calls,
    "optimum-benchmark": tracker_calls,
}


def bare_ns(calls: int) -> float:
    """A call in a bare loop; the smallest of five, as anything else is a disturbance."""
    taken = []
    for _ in range(5):
        start = time.perf_counter_ns()
        for _ in range(calls):
            no_op(BATCH)
        taken.append(time.perf_counter_ns() - start)
    return min(taken) / calls


def empty_pair_ns(count: int = 20_000) -> float:
    """What two reads of the clock say when nothing is between them."""
    read = time.perf_counter_ns
    pairs = []
    for _ in range(count):
        start = read()
        pairs.append(read() - start)
    return statistics.median(pairs)


def per_call(calls: int, wall_ns: float, reported_ns: float) -> dict[str, float]:
    return {
        "overhead_ns": wall_ns / calls - bare_ns(calls),
        "reported_ns": reported_ns - empty_pair_ns(),
    }


def measure_here(side: str, calls: int) -> dict[str, float]:
    SIDES[side](calls // 10)  # imports and warms up
    wall_ns, durations = SIDES[side](calls)
    return per_call(calls, wall_ns, statistics.median(durations))


def in_process_of(python: str, side: str, calls: int) -> dict[str, float]:
    command = [python, __file__, "--side", side, "--calls", str(calls)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


def through_pytest(work: Path, calls: int) -> dict[str, float]:
    text = PEDANTIC_TEST.format(folder=str(Path(__file__).parent), calls=calls)
    (work / "test_pedantic.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pedantic.py"]
    run([*command, "--benchmark-json=pedantic.json"], cwd=work)
    found = json.loads((work / "pedantic.json").read_text())["benchmarks"][0]
    return per_call(calls, found["extra_info"]["wall_ns"], 1e9 * found["stats"]["median"])


def main() -> None:
    parser = arguments(__doc__, rounds=12)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--environment", type=Path, metavar="DIR", help="optimum-benchmark's")
    parser.add_argument("--side", choices=SIDES, help="measure this side alone, in this process")
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure_here(options.side, options.calls)))
        return
    need("pytest_modelbench", "pytest_benchmark")
    with tempfile.TemporaryDirectory() as folder:
        sides: dict[str, Callable[[], dict[str, float]]] = {
            "clock": partial(in_process_of, sys.executable, "clock", options.calls),
            "ours": partial(in_process_of, sys.executable, "ours", options.calls),
            "pytest-benchmark": partial(through_pytest, Path(folder), options.calls),
        }
        if options.environment is not None:
            python = environment(options.environment, *OPTIMUM_BENCHMARK_PINS)
            sides["optimum-benchmark"] = partial(
                in_process_of, python, "optimum-benchmark", options.calls
            )
        found = in_turn(sides, options.rounds, options.seed)
    show(found, options.rounds, options.calls).finish(options.json)


def show(found: dict[str, list[dict[str, float]]], rounds: int, calls: int) -> Report:
    columns = (
        "timing",
        "overhead a call",
        "reported for nothing",
        "theirs / ours",
        "target",
        "met",
    )
    report = Report("Overhead per timed call", columns)
    overheads = {
        side: [one["overhead_ns"] for one in found[side]] for side in TITLES if side in found
    }
    for side, title in TITLES.items():
        if side not in found:
            report.row(title, "not measured: no --environment", "-", "-", "-", "-")
            continue
        reported = estimate([one["reported_ns"] for one in found[side]])
        overhead, ratio = estimate(overheads[side]), ratios(overheads[side], overheads["ours"])
        target, met = "-", "-"
        if side == "ours":
            target, met = f"under {TARGET_NS:g} ns", verdict(overhead, at_most=TARGET_NS)
        elif side != "clock":
            target, met = "above 1", verdict(ratio, at_least=1)
        cells = (figure(overhead, "ns"), figure(reported, "ns"))
        report.row(title, *cells, "-" if side == "ours" else figure(ratio), target, met)
        report.figures[side] = {"overhead_ns": overhead, "reported_ns": reported}
        report.figures[side]["times_ours"] = ratio
    report.notes.append(f"{how_often(rounds)}; {calls} calls in each, each in a process of its own")
    return report


if __name__ == "__main__":
    main()
