"""Whether the throughput we report for an OpenVINO model is what OpenVINO can do.

Models of convolutions of three sizes (made here), CPU, batch size 1, mode `throughput`. Fresh
processes one after the other: our whole session (`pytest --suite=...`, runner `openvino_model`);
OpenVINO's `AsyncInferQueue` in a bare loop; `benchmark_app -api async -hint throughput` on the
same IR; all with as many requests. The bare loop runs twice a round: its ratio to itself says what
this machine lets one see. A last row has models under way in one process, in turns by our calls and
by a queue, which takes the differences between processes out of it.

    python benchmarks/throughput_truth.py

Target: within 5 % of both. A queue that is told nothing of any call is compared with calls each of
which is timed and answered, on inputs that differ from call to call.
"""

from __future__ import annotations

import gc
import json
import re
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

WITHIN = 0.05
SIZES = {
    "small": {"size": 28, "channels": 64, "layers": 4},
    "medium": {"size": 28, "channels": 128, "layers": 8},
    "large": {},
}
CONFIG = {"PERFORMANCE_HINT": "THROUGHPUT"}
RATE = re.compile(r"Throughput:\s+([0-9.]+) FPS")
SAMPLES = 8
WARM_UP_SECONDS = 0.5
TURNS = 9


def our_session(work: Path, name: str) -> float:
    """Items a second, as the run says."""
    output = work / "run.json"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--suite={name}.json"]
    run([*command, f"--suite-output={output}"], cwd=work)
    metrics = json.loads(output.read_text())["cases"][0]["metrics"]
    return float(metrics["throughput_items_per_second"]["value"])


def write_suite(work: Path, name: str, requests: int, seconds: float) -> None:
    measure = {"min_seconds": seconds, "max_seconds": seconds, "max_samples": 10_000_000}
    benchmark = {"id": "truth", "runner": "openvino_model", "model": f"./{name}.xml"}
    benchmark |= {"params": {"mode": "throughput", "requests": requests}}
    dataset = {"source": "generated", "max_samples": SAMPLES}
    suite = {"dataset": dataset, "measure": measure, "benchmarks": [benchmark]}
    (work / f"{name}.json").write_text(json.dumps(suite))


def app_session(work: Path, name: str, requests: int, seconds: float) -> float:
    """benchmark_app's frames a second."""
    program = "import sys; from openvino.tools.benchmark.main import main; sys.exit(main())"
    options = ["-m", f"{name}.xml", "-d", "CPU", "-api", "async", "-hint", "throughput"]
    options += ["-nireq", str(requests), "-t", str(max(1, round(seconds)))]
    printed = run([sys.executable, "-c", program, *options], cwd=work)
    found = RATE.search(printed)
    if found is None:
        stop(f"benchmark_app says no throughput:\n{printed[-2000:]}")
    return float(found[1])


def in_fresh_process(side: str, work: Path, name: str, requests: int, seconds: float) -> Any:
    told = ["--model", name, "--requests", str(requests), "--seconds", str(seconds)]
    command = [sys.executable, __file__, "--side", side, "--work", str(work), *told]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def optimal_requests(work: Path, name: str) -> int:
    import openvino as ov

    compiled = ov.Core().compile_model(work / f"{name}.xml", "CPU", CONFIG)
    return int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))


def filled_queue(compiled: Any, requests: int) -> Any:
    import numpy as np
    import openvino as ov

    queue = ov.AsyncInferQueue(compiled, requests)
    for at, request in enumerate(queue):
        data = request.get_input_tensor(0).data
        data[:] = np.random.default_rng(at).uniform(0, 255, data.shape)
    return queue


def queue_rate(queue: Any, seconds: float) -> float:
    """Calls a second of a queue kept busy for so long."""
    gc.collect()
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        queue.start_async()
        calls += 1
    queue.wait_all()
    return calls / (time.perf_counter() - start)


def bare_queue(work: Path, name: str, requests: int, seconds: float) -> float:
    import openvino as ov

    compiled = ov.Core().compile_model(work / f"{name}.xml", "CPU", CONFIG)
    queue = filled_queue(compiled, requests)
    queue_rate(queue, WARM_UP_SECONDS)
    return queue_rate(queue, seconds)


def one_process(work: Path, name: str, requests: int, seconds: float) -> dict[str, float]:
    """The median rates of our calls and of a queue, turn by turn."""
    import openvino as ov

    from pytest_modelbench.datasets.samples import Sample
    from pytest_modelbench.measure.in_flight import InFlight
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.runners.openvino_model import OpenvinoModel

    file = work / f"{name}.xml"
    params = {"mode": "throughput", "requests": requests}
    session = OpenvinoModel().load(Candidate("model", str(file)), "CPU", params)
    batches = [
        session.prepare_batch([session.prepare(Sample(str(at), at))]) for at in range(SAMPLES)
    ]
    queue = filled_queue(ov.Core().compile_model(file, "CPU", CONFIG), requests)
    slice_seconds = seconds / TURNS

    def ours() -> float:
        calls = InFlight(requests).run(
            session.start, batches, lambda count, took: took >= slice_seconds, session.wait
        )
        return len(calls.durations_ns) / calls.wall_ns * 1e9

    sides = {"ours": ours, "queue": partial(queue_rate, queue, slice_seconds)}
    found = in_turn(sides, TURNS, seed=1)
    session.close()
    return {side: estimate(rates).median for side, rates in found.items()}


def main() -> None:
    parser = arguments(__doc__, rounds=10)
    parser.add_argument("--seconds", type=float, default=2.0, help="timed seconds a session")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--side", choices=("bare", "both"), help="this side alone, in this process")
    parser.add_argument("--work", type=Path, help="with --side: where the models lie")
    parser.add_argument("--model", help="with --side: the model's name")
    parser.add_argument("--requests", type=int, help="without it as many as the device asks for")
    options = parser.parse_args()
    if options.side:
        side = bare_queue if options.side == "bare" else one_process
        print(json.dumps(side(options.work, options.model, options.requests, options.seconds)))
        return
    need("pytest_modelbench", "openvino")
    report = Report(
        f"Truth of the throughput, {options.seconds:g} s a session",
        ("model", "compared", "items/s", "against", "ratio", "target", "met"),
    )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in options.sizes:
            convolutions(work / f"{name}.xml", **SIZES[name])
            requests = options.requests or optimal_requests(work, name)
            write_suite(work, name, requests, options.seconds)
            show(report, name, requests, measured(work, name, requests, options))
    report.notes.append(how_often(options.rounds))
    report.finish(options.json)


def measured(work: Path, name: str, requests: int, options: Any) -> dict[str, list[Any]]:
    told = (work, name, requests, options.seconds)
    sides = {
        "ours": partial(our_session, work, name),
        "queue": partial(in_fresh_process, "bare", *told),
        "queue again": partial(in_fresh_process, "bare", *told),
        "benchmark_app": partial(app_session, *told),
        "one process": partial(in_fresh_process, "both", *told),
    }
    return in_turn(sides, options.rounds, options.seed, warm_up=False)


def show(report: Report, name: str, requests: int, found: dict[str, list[Any]]) -> None:
    one, other = ([pair[side] for pair in found["one process"]] for side in ("ours", "queue"))
    compared = [
        ("ours / AsyncInferQueue, fresh processes", found["ours"], found["queue"], True),
        ("ours / benchmark_app, fresh processes", found["ours"], found["benchmark_app"], True),
        ("ours / AsyncInferQueue, one process", one, other, True),
        ("AsyncInferQueue / itself, fresh processes", found["queue again"], found["queue"], False),
    ]
    for title, above, below, is_target in compared:
        ratio = ratios(above, below)
        target = f"within {WITHIN:.0%}" if is_target else "-"
        met = verdict(ratio, at_least=1 - WITHIN, at_most=1 + WITHIN) if is_target else "-"
        medians = (figure(estimate(above)), figure(estimate(below)))
        model = f"{name}, {requests} requests"
        report.row(model, title, *medians, figure(ratio, digits=4), target, met)
        figures = {"ratio": ratio, "above_per_second": above, "below_per_second": below}
        report.figures[f"{name}: {title}"] = figures


if __name__ == "__main__":
    main()
