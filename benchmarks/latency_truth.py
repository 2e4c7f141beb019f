"""Whether the p50 we report for an OpenVINO model is the time its calls take.

A model of a few convolutions (made here), CPU, batch size 1. Fresh processes one after the other:
our whole session (`pytest --suite=...`, runner `openvino_model`); a bare loop of as many calls
between two `perf_counter_ns` reads; OpenVINO's own `benchmark_app -api sync -hint latency` on the
same IR. The bare loop runs twice a round: its ratio to itself says what this machine lets one see.
A last row calls one loaded model in one process by our timing and by the bare loop, in turns of a
few calls, which takes the differences between processes out of it.

    python benchmarks/latency_truth.py

Targets: within 1 % of the bare loop, within 3 % of benchmark_app (which reports OpenVINO's own
time of the request, without Python's part in the call, in steps of 0.01 ms).
"""

from __future__ import annotations

import gc
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from common import (
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

TARGET_BARE, TARGET_APP = 0.01, 0.03
BLOCK_CALLS = 10
CONFIG = {"PERFORMANCE_HINT": "LATENCY"}
MEDIAN = re.compile(r"Median:\s+([0-9.]+) (ms|us)")


def our_session(work: Path, calls: int) -> float:
    """p50 in ms, as the run says."""
    output = work / "run.json"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--suite=suite.json"]
    run([*command, f"--suite-output={output}"], cwd=work)
    metric = json.loads(output.read_text())["cases"][0]["metrics"]["p50_latency_ms"]
    if metric["metadata"]["samples"] != calls:
        stop(f"ours timed {metric['metadata']['samples']} calls, not {calls}")
    return float(metric["value"])


def write_suite(work: Path, calls: int, warm_up: int) -> None:
    measure = {"warmup": warm_up, "min_samples": calls, "max_samples": calls, "min_seconds": 0}
    benchmark = {"id": "truth", "runner": "openvino_model", "model": "./model.xml"}
    dataset = {"source": "generated", "max_samples": 1}
    suite = {"dataset": dataset, "measure": measure, "benchmarks": [benchmark]}
    (work / "suite.json").write_text(json.dumps(suite))


def app_session(work: Path, calls: int) -> float:
    """benchmark_app's median in ms."""
    program = "import sys; from openvino.tools.benchmark.main import main; sys.exit(main())"
    options = ["-m", "model.xml", "-d", "CPU", "-api", "sync", "-hint", "latency"]
    printed = run([sys.executable, "-c", program, *options, "-niter", str(calls)], cwd=work)
    found = MEDIAN.search(printed)
    if found is None:
        stop(f"benchmark_app says no median:\n{printed[-2000:]}")
    return float(found[1]) / (1 if found[2] == "ms" else 1000)


def in_fresh_process(side: str, work: Path, calls: int, warm_up: int) -> Any:
    counts = ["--calls", str(calls), "--warm-up", str(warm_up)]
    command = [sys.executable, __file__, "--side", side, "--work", str(work), *counts]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def bare_loop(work: Path, calls: int, warm_up: int) -> float:
    """p50 in ms of one request called over and over."""
    import numpy as np
    import openvino as ov

    core = ov.Core()
    compiled = core.compile_model(core.read_model(work / "model.xml"), "CPU", CONFIG)
    request = compiled.create_infer_request()
    tensor = ov.Tensor(np.float32, list(compiled.input(0).shape))
    tensor.data[:] = np.random.default_rng(0).random(tensor.data.shape, dtype=np.float32)
    request.set_input_tensor(0, tensor)
    for _ in range(warm_up):
        request.infer(share_outputs=True)
    durations = []
    for _ in range(calls):
        start = time.perf_counter_ns()
        request.infer(share_outputs=True)
        durations.append(time.perf_counter_ns() - start)
    return statistics.median(durations) / 1e6


def one_process(work: Path, calls: int, warm_up: int, seed: int = 1) -> dict[str, float]:
    """p50 in ms of our timing and of a bare loop round the same `predict`, block by block."""
    from pytest_modelbench.datasets.samples import Sample
    from pytest_modelbench.measure.spec import MeasureSpec
    from pytest_modelbench.measure.timing import SteadyState
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.runners.openvino_model import OpenvinoModel

    session = OpenvinoModel().load(Candidate("model", str(work / "model.xml")), "CPU", {})
    batch = session.prepare_batch([session.prepare(Sample("0", 0))])
    for _ in range(warm_up):
        session.predict(batch)
    count = {"min_samples": BLOCK_CALLS, "max_samples": BLOCK_CALLS}
    spec = MeasureSpec.model_validate({**count, "min_seconds": 0})
    ours: list[int] = []
    bare: list[int] = []

    def our_block() -> None:
        steady = SteadyState(session.predict, spec)
        steady.first_round([batch] * BLOCK_CALLS)
        ours.extend(steady.calls.durations_ns)

    def bare_block() -> None:
        gc.collect()  # as ours does before it begins: it leaves caches cold
        for _ in range(BLOCK_CALLS):
            start = time.perf_counter_ns()
            session.predict(batch)
            bare.append(time.perf_counter_ns() - start)

    coin, blocks = random.Random(seed), [our_block, bare_block]
    for _ in range(-(-calls // BLOCK_CALLS)):
        coin.shuffle(blocks)
        for block in blocks:
            block()
    session.close()
    return {"ours": statistics.median(ours) / 1e6, "bare": statistics.median(bare) / 1e6}


def main() -> None:
    parser = arguments(__doc__, rounds=20)
    parser.add_argument("--calls", type=int, default=200, help="timed calls a session")
    parser.add_argument("--warm-up", type=int, default=50, help="calls before them")
    parser.add_argument("--side", choices=("bare", "both"), help="this side alone, in this process")
    parser.add_argument("--work", type=Path, help="with --side: where the model lies")
    options = parser.parse_args()
    calls, warm_up = options.calls, options.warm_up
    if options.side:
        side = bare_loop if options.side == "bare" else one_process
        print(json.dumps(side(options.work, calls, warm_up)))
        return
    need("pytest_modelbench", "openvino")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        convolutions(work / "model.xml")
        write_suite(work, calls, warm_up)
        bare = partial(in_fresh_process, "bare", work, calls, warm_up)
        sides = {
            "ours": partial(our_session, work, calls),
            "bare": bare,
            "bare again": bare,
            "benchmark_app": partial(app_session, work, calls + warm_up),
            "one process": partial(in_fresh_process, "both", work, calls, warm_up),
        }
        found = in_turn(sides, options.rounds, options.seed, warm_up=False)
    show(found, options.rounds, calls).finish(options.json)


def show(found: dict[str, list[Any]], rounds: int, calls: int) -> Report:
    report = Report(
        f"Truth of the p50 latency, {calls} calls a session",
        ("compared", "p50", "against", "ratio", "target", "met"),
    )
    one, other = ([pair[name] for pair in found["one process"]] for name in ("ours", "bare"))
    compared = [
        ("ours / bare loop, fresh processes", found["ours"], found["bare"], TARGET_BARE),
        (
            "ours / benchmark_app, fresh processes",
            found["ours"],
            found["benchmark_app"],
            TARGET_APP,
        ),
        ("ours / bare loop, one process", one, other, TARGET_BARE),
        ("bare loop / itself, fresh processes", found["bare again"], found["bare"], None),
    ]
    for title, above, below, within in compared:
        ratio = ratios(above, below)
        target, met = "-", "-"
        if within is not None:
            target = f"within {within:.0%}"
            met = verdict(ratio, at_least=1 - within, at_most=1 + within)
        medians = (f"{figure(estimate(above), 'ms')}", f"{figure(estimate(below), 'ms')}")
        report.row(title, *medians, figure(ratio, digits=5), target, met)
        report.figures[title] = {"ratio": ratio, "above_ms": above, "below_ms": below}
    report.notes.append(how_often(rounds))
    return report


if __name__ == "__main__":
    main()
