"""What a process for each model costs, against spawning one that imports the same libraries.

A runner that does nothing names OpenVINO, torch, Transformers and Optimum Intel as its
requirements. Each round submits a case with a new model to the isolated engine, whose fork server
has imported them for an earlier case: from `submit` to the result, the end of the model before
included. The cost of isolation is that less the work itself, which the process that measures times
on its own (`duration_seconds`); the same case by the inline engine, in this process, stands beside
it. Against it: a process that `multiprocessing` spawns, imports the same libraries, answers and is
joined.

    python benchmarks/isolation_cost.py

Targets: under 100 ms a model, and 20 times cheaper than the spawned process.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import (
    Report,
    arguments,
    estimate,
    figure,
    how_often,
    in_turn,
    need,
    ratios,
    stop,
    verdict,
)

if TYPE_CHECKING:
    from pytest_modelbench.case import Case
    from pytest_modelbench.execution.engine import Engine

TARGET_MS, TARGET_TIMES = 100.0, 20.0
HEAVY = ("openvino", "torch", "transformers", "optimum.intel.openvino")

RUNNER = f"""
from pytest_modelbench import Requirement, Runner, Session


class Nothing(Session):
    def predict(self, batch):
        return batch


class HeavyNothing(Runner):
    name = "heavy_nothing"
    input_kind = "text"

    def requirements(self, params):
        return [Requirement(module) for module in {HEAVY!r}]

    def load(self, candidate, device, params):
        return Nothing()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("heavy_nothing", HeavyNothing)
"""


def import_and_answer(channel: Any) -> None:
    """What the spawned process does."""
    for name in HEAVY:
        importlib.import_module(name)
    channel.send("ready")


def spawned_seconds() -> float:
    context = multiprocessing.get_context("spawn")
    start = time.perf_counter()
    ours, theirs = context.Pipe()
    process = context.Process(target=import_and_answer, args=(theirs,))
    process.start()
    theirs.close()  # so that its death is an end of file here
    ours.recv()
    process.join()
    return time.perf_counter() - start


def register(file: Path) -> None:
    """Make the runner known in this process, as a conftest would."""
    from pytest_modelbench.extensions import Extensions

    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    module.pytest_modelbench_register(Extensions())


def make_case(work: Path, model: str) -> Case:
    from pytest_modelbench.case import Case
    from pytest_modelbench.datasets.spec import DatasetSpec
    from pytest_modelbench.measure.spec import MeasureSpec
    from pytest_modelbench.registry import Candidate

    data = work / "data.jsonl"
    data.write_text('{"text": "a"}\n')
    (work / model).mkdir()
    return Case(
        suite_id="isolation",
        suite_file=work / "suite.json",
        benchmark_id="nothing",
        runner="heavy_nothing",
        candidate=Candidate(model, str(work / model)),
        device="CPU",
        params={},
        dataset=DatasetSpec(source="jsonl", path=str(data)),
        measure=MeasureSpec(warmup=0, min_samples=1, max_samples=1, min_seconds=0),
    )


def timer(engine: Engine, work: Path, prefix: str) -> Callable[[], tuple[float, float]]:
    """Seconds from submitting a case on a new model to its result, and those of the work itself."""
    numbers = count()

    def seconds() -> tuple[float, float]:
        case = make_case(work, f"{prefix}{next(numbers)}")
        start = time.perf_counter()
        result = engine.submit(case).result()
        taken = time.perf_counter() - start
        if result.status != "ok":
            stop(f"the case is {result.status}: {result.detail}\n{result.trace}")
        return taken, result.duration_seconds

    return seconds


def main() -> None:
    options = arguments(__doc__, rounds=12).parse_args()
    need("pytest_modelbench", *(name.partition(".")[0] for name in HEAVY))
    from pytest_modelbench.execution.engine import InlineEngine
    from pytest_modelbench.execution.isolated import IsolatedEngine

    for name in HEAVY:  # so that the work itself is as it is in a child that has them
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        work, file = Path(folder), Path(folder) / "heavy_nothing.py"
        file.write_text(RUNNER)
        register(file)
        # Without the host's lock: waiting for other sessions is no cost of isolation.
        isolated = IsolatedEngine(extensions=[(file.stem, str(file))], lock="none")
        inline = InlineEngine(lock="none")
        submit = timer(isolated, work, "isolated")
        try:
            first, _ = submit()
            sides = {
                "isolated": submit,
                "inline": timer(inline, work, "inline"),
                "spawned": spawned_seconds,
            }
            taken = in_turn(sides, options.rounds, options.seed)
        finally:
            isolated.close()
            inline.close()
    show(taken, first, options.rounds).finish(options.json)


def show(taken: dict[str, list[Any]], first: float, rounds: int) -> Report:
    ms = {
        "isolated": [1e3 * whole for whole, _ in taken["isolated"]],
        "work": [1e3 * work for _, work in taken["isolated"]],
        "inline": [1e3 * whole for whole, _ in taken["inline"]],
        "spawned": [1e3 * whole for whole in taken["spawned"]],
    }
    ms["cost"] = [one - work for one, work in zip(ms["isolated"], ms["work"], strict=True)]
    cheaper = ratios(ms["spawned"], ms["cost"])
    found = {name: estimate(given) for name, given in ms.items()}
    texts = {name: figure(one, "ms") for name, one in found.items()}
    report = Report("Isolation, per further model", ("what", "figure", "target", "met"))
    report.row("isolated, submit to result", texts["isolated"], "-", "-")
    report.row("of that, the work itself", texts["work"], "-", "-")
    met = verdict(found["cost"], at_most=TARGET_MS)
    report.row("cost of isolation", texts["cost"], f"under {TARGET_MS:g} ms", met)
    report.row("spawned process", texts["spawned"], "-", "-")
    met = verdict(cheaper, at_least=TARGET_TIMES)
    report.row("times cheaper", figure(cheaper), f"at least {TARGET_TIMES:g}", met)
    report.row("the same case inline", texts["inline"], "-", "-")
    report.notes.append(f"the first case, which imports the libraries: {first:.1f} s")
    report.notes.append(f"imported: {', '.join(HEAVY)}")
    report.notes.append(how_often(rounds))
    report.figures |= {"ms": ms, "first_s": first, "cost_ms": found["cost"]}
    report.figures["times_cheaper"] = cheaper
    return report


if __name__ == "__main__":
    main()
