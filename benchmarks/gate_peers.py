"""Trials of what people use today: pytest-benchmark, pyperf, and a Mann-Whitney test.

Each measures the same model, slowed in the same way, as it is usually used: one side after the
other, each in processes of its own. Where a method knows a least change, it is also asked with it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from common import environment, run
from gate_trials import PYTEST, SLOWED, Kind, Trial, broken, python

PYTEST_BENCHMARK, PYPERF, MANN_WHITNEY = "pytest-benchmark", "pyperf", "mann-whitney"
PEERS = (PYTEST_BENCHMARK, PYPERF, MANN_WHITNEY)
PYPERF_PIN = "pyperf==2.10.0"
FIELDS = ("mean", "median", "min")
PROCESSES, VALUES = 6, 3
CALLS, SIGNIFICANT = 200, 0.05

MODEL = """
import os
from functools import partial

import openvino as ov
from slowed import slowed

CONFIG = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": os.environ["THREADS"]}


def warm_call():
    request = ov.Core().compile_model(os.environ["MODEL"], "CPU", CONFIG).create_infer_request()
    request.get_input_tensor(0).data[:] = 0.5
    call = partial(request.infer, share_outputs=True)
    for _ in range(20):
        call()
    return partial(slowed, call, float(os.environ["SLOWER"]))
"""
# It would take the first call, the slow one, for all of them; so this one gets a warm model.
PYTEST_BENCHMARK_TEST = """
from model import warm_call


def test_model(benchmark):
    benchmark(warm_call())
"""
# The process that only starts the others needs no model: what it is given, it does not call.
PYPERF_SCRIPT = """
import pyperf

runner = pyperf.Runner()
call = None
if runner.parse_args().worker:
    from model import warm_call

    call = warm_call()
runner.bench_func("model", call)
"""
DURATIONS_SCRIPT = """
import json
import sys
import time

from model import warm_call

call, durations = warm_call(), []
for _ in range(int(sys.argv[1])):
    start = time.perf_counter_ns()
    call()
    durations.append(time.perf_counter_ns() - start)
print(json.dumps(durations))
"""


class PytestBenchmark:
    """A session that saves a baseline, and one that compares with it.

    All three fields are asked of in one command, which says which of them has failed.
    """

    def __init__(self, work: Path, model: Path, threads: int) -> None:
        self._work, self._environment = _prepared(work, model, threads)
        (work / "test_model.py").write_text(PYTEST_BENCHMARK_TEST)

    def trial(self, kind: Kind) -> Trial:
        methods = {name: f"{PYTEST_BENCHMARK} {name}:{kind.tolerance}%" for name in FIELDS}
        storage = self._work / "storage"
        shutil.rmtree(storage, ignore_errors=True)
        common = [*PYTEST, "test_model.py", "-p", "no:modelbench", f"--benchmark-storage={storage}"]
        code, printed, seconds = self._session([*common, "--benchmark-save=baseline"], 0)
        if code != 0:
            return broken(kind, methods.values(), seconds, printed[-1500:])
        # One option with all of them: given again, it would replace the one before.
        checks = ["--benchmark-compare-fail", *(f"{one}:{kind.tolerance}%" for one in FIELDS)]
        more = [*common, "--benchmark-compare", *checks]
        code, printed, further = self._session(more, kind.slower)
        failed = set(re.findall(r"Field '(\w+)' has failed", printed))
        if bool(failed) != (code != 0) or "Comparing against benchmarks from" not in printed:
            return broken(kind, methods.values(), seconds + further, printed[-1500:])
        outcomes = {method: _said(name in failed) for name, method in methods.items()}
        return Trial(kind, outcomes, seconds + further)

    def _session(self, more: Sequence[str], slower: int) -> tuple[int, str, float]:
        return python(more, self._work, {**self._environment, "SLOWER": str(slower / 100)})


class Pyperf:
    """`pyperf compare_to` of two results, with and without a least change."""

    def __init__(self, work: Path, model: Path, threads: int, packages: str) -> None:
        self._work, self._environment = _prepared(work, model, threads)
        known = os.environ.get("PYTHONPATH", "")
        self._environment["PYTHONPATH"] = os.pathsep.join(filter(None, (packages, known)))
        (work / "measured.py").write_text(PYPERF_SCRIPT)

    def trial(self, kind: Kind) -> Trial:
        methods = {
            "pyperf compare_to": [],
            f"pyperf compare_to --min-speed {kind.tolerance}": [f"--min-speed={kind.tolerance}"],
        }
        total = 0.0
        for file, slower in (("baseline.json", 0), ("candidate.json", kind.slower)):
            (self._work / file).unlink(missing_ok=True)
            more = ["measured.py", f"--processes={PROCESSES}", f"--values={VALUES}", "-o", file]
            more += ["--inherit-environ=MODEL,THREADS,SLOWER"]
            given = {**self._environment, "SLOWER": str(slower / 100)}
            code, printed, seconds = python(more, self._work, given)
            total += seconds
            if code != 0:
                return broken(kind, methods, total, printed[-1500:])
        outcomes = {}
        files = ["baseline.json", "candidate.json"]
        for method, options in methods.items():
            more = ["-m", "pyperf", "compare_to", *files, "--table", *options]
            code, printed, seconds = python(more, self._work, self._environment)
            total += seconds
            if code != 0 or not re.search(r"not significant|x (slower|faster)|no change", printed):
                return broken(kind, methods, total, printed[-1500:])
            outcomes[method] = _said("x slower" in printed)
        return Trial(kind, outcomes, total)


class MannWhitney:
    """Calls of two processes: are the candidate's longer, and by so much in the median?"""

    def __init__(self, work: Path, model: Path, threads: int) -> None:
        self._work, self._environment = _prepared(work, model, threads)
        (work / "durations.py").write_text(DURATIONS_SCRIPT)

    def trial(self, kind: Kind) -> Trial:
        from scipy.stats import mannwhitneyu

        alone = f"Mann-Whitney, p < {SIGNIFICANT:g}"
        with_least = f"{alone} and medians apart by {kind.tolerance} %"
        sides: list[list[int]] = []
        total = 0.0
        for slower in (0, kind.slower):
            given = {**self._environment, "SLOWER": str(slower / 100)}
            code, printed, seconds = python(["durations.py", str(CALLS)], self._work, given)
            total += seconds
            if code != 0:
                return broken(kind, (alone, with_least), total, printed[-1500:])
            sides.append(json.loads(printed.splitlines()[-1]))
        baseline, candidate = sides
        p_value = float(mannwhitneyu(candidate, baseline, alternative="greater").pvalue)
        change = statistics.median(candidate) / statistics.median(baseline) - 1
        is_slower = p_value < SIGNIFICANT
        is_enough = is_slower and change > kind.tolerance / 100
        outcomes = {alone: _said(is_slower), with_least: _said(is_enough)}
        return Trial(kind, outcomes, total, {"p_value": p_value, "change": change})


def peers(
    names: Sequence[str], work: Path, model: Path, threads: int, folder: Path | None
) -> tuple[dict[str, Callable[[Kind], Trial]], list[str]]:
    """How a trial of each is made, and a sentence for each that cannot be."""
    found: dict[str, Callable[[Kind], Trial]] = {}
    missing = []
    for name in names:
        place = work / name
        if name == PYTEST_BENCHMARK:
            found[name] = PytestBenchmark(place, model, threads).trial
        elif name == MANN_WHITNEY:
            found[name] = MannWhitney(place, model, threads).trial
        else:
            try:
                packages = _packages(folder or work / "pyperf-environment")
            except (OSError, subprocess.CalledProcessError) as error:
                missing.append(f"{PYPERF_PIN} could not be installed and is left out: {error}")
                continue
            found[name] = Pyperf(place, model, threads, packages).trial
    return found, missing


def _packages(folder: Path) -> str:
    """Where pyperf is: in an environment of its own, from which our interpreter imports it."""
    interpreter = environment(folder, PYPERF_PIN)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return run([interpreter, "-c", code], cwd=folder).strip()


def _prepared(work: Path, model: Path, threads: int) -> tuple[Path, dict[str, str]]:
    work.mkdir()
    (work / "slowed.py").write_text(SLOWED)
    (work / "model.py").write_text(MODEL)
    return work, {"MODEL": str(model), "THREADS": str(threads)}


def _said(is_slower: bool) -> str:
    return "regression" if is_slower else "pass"
