"""Trials of our gate: a model that is known to be slower by so much, or by nothing.

The model is a small one of OpenVINO's. After each call the process goes on spinning until the call
has taken the longer by the share that is asked for, so the truth is known, whatever the noise.
What other gates say of the same is in gate_peers.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import usual_environment
from small_models import convolutions

OURS = "modelbench"
PYTEST = ("-m", "pytest", "-p", "no:cacheprovider")
TRIAL_SECONDS = 900
CHANNELS, FIRST_SIZE, SMALLEST_SIZE = 64, 56, 8
Outcome = str
"""`pass`, `regression`, `inconclusive`, or `broken`: neither, which must not happen."""

SLOWED = """
import time


def slowed(call, share, *given):
    start = time.perf_counter_ns()
    answer = call(*given)
    now = time.perf_counter_ns()
    end = now + round((now - start) * share)
    while time.perf_counter_ns() < end:
        pass
    return answer
"""
CONFTEST = """
from functools import partial

from pytest_modelbench.runners.openvino_model import OpenvinoModel, OpenvinoModelParams
from slowed import slowed


class SlowedParams(OpenvinoModelParams):
    slower: float = 0.0


class SlowedModel(OpenvinoModel):
    name = "slowed_model"
    params_model = SlowedParams

    def load(self, candidate, device, params):
        given = dict(params)
        share = given.pop("slower", 0.0)
        session = super().load(candidate, device, given)
        session.predict = partial(slowed, session.predict, share)
        return session


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("slowed_model", SlowedModel)
"""


@dataclass(frozen=True)
class Kind:
    """What a trial is of: a gate, a truth, and what is tolerated; both in per cent."""

    gate: str
    slower: int
    tolerance: int

    def __str__(self) -> str:
        return f"{self.gate}, {self.slower} % slower, tolerance {self.tolerance} %"


@dataclass
class Trial:
    """What became of one."""

    kind: Kind
    outcomes: dict[str, Outcome]
    """By method; those of a peer are from the same calls."""
    seconds: float = 0.0
    """From the first command to the exit code of the last."""
    figures: dict[str, Any] = field(default_factory=dict)


def fit_model(file: Path, milliseconds: float, threads: int) -> tuple[int, float]:
    """Write a model whose calls take about so long; its size, and how long they take."""
    size = FIRST_SIZE
    for _ in range(4):
        convolutions(file, size=size, channels=CHANNELS)
        found = _call_ms(file, threads)
        if 0.85 <= found / milliseconds <= 1.15 or size == SMALLEST_SIZE:
            break
        size = max(SMALLEST_SIZE, round(size * (milliseconds / found) ** 0.5))
    return size, found


def _call_ms(file: Path, threads: int) -> float:
    """The fastest of some calls: this is about the model, not about the machine's load."""
    import openvino as ov

    config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": str(threads)}
    request = ov.Core().compile_model(file, "CPU", config).create_infer_request()
    request.get_input_tensor(0).data[:] = 0.5
    durations = []
    for _ in range(50):
        start = time.perf_counter_ns()
        request.infer(share_outputs=True)
        durations.append(time.perf_counter_ns() - start)
    return min(durations) / 1e6


class Ours:
    """`pytest --suite=...` with `compare`, judged by its exit code."""

    def __init__(
        self,
        work: Path,
        model: Path,
        threads: int,
        kinds: Sequence[Kind],
        max_seconds: float | None,
    ) -> None:
        self._work = work
        work.mkdir()
        (work / "slowed.py").write_text(SLOWED)
        (work / "conftest.py").write_text(CONFTEST)
        benchmark = {"id": "gate", "runner": "slowed_model", "model": str(model)}
        benchmark |= {"params": {"threads": threads}}
        for kind in kinds:
            criterion = {"metric": "p50_latency_ms", "max_regression": f"{kind.tolerance}%"}
            compare = {"baseline": {}, "candidate": {"params": {"slower": kind.slower / 100}}}
            if max_seconds is not None:
                compare |= {"max_seconds": max_seconds}
            suite = {
                "dataset": {"source": "generated", "max_samples": 1},
                "criteria": [criterion],
                "compare": compare,
                "benchmarks": [benchmark],
            }
            self._suite(kind).write_text(json.dumps(suite))

    def _suite(self, kind: Kind) -> Path:
        return self._work / f"slower{kind.slower}-tolerance{kind.tolerance}.json"

    def trial(self, kind: Kind) -> Trial:
        output = self._work / "run.json"
        output.unlink(missing_ok=True)
        more = [*PYTEST, f"--suite={self._suite(kind)}", f"--suite-output={output}"]
        code, printed, seconds = python(more, self._work)
        try:
            [comparison] = json.loads(output.read_text())["comparisons"]
            [verdict] = comparison["verdicts"]
        except (OSError, ValueError, KeyError) as error:
            return broken(kind, [OURS], seconds, f"{error!r}: {printed[-1500:]}")
        outcome = verdict["outcome"]
        if code != (1 if outcome == "regression" else 0) or outcome == "noted":
            return broken(kind, [OURS], seconds, f"exit code {code}: {verdict['message']}")
        launches = [side for one in comparison["launches"] for side in one["sides"]]
        figures = {
            "message": verdict["message"],
            "change": verdict["change"],
            "interval": verdict["interval"],
            "measuring_seconds": comparison["duration_seconds"],
            "budget_seconds": _budget(comparison),
            "launches": len(comparison["launches"]),
            "disturbed": sum(bool(one["disturbances"]) for one in comparison["launches"]),
            "launch_floor": comparison["procedure"]["launch_floor"],
            **_timed(launches),
        }
        return Trial(kind, {OURS: outcome}, seconds, figures)


def _budget(comparison: Any) -> float:
    """What it may take: `max_seconds` for deciding, and as many for confirming."""
    series = {one["series"] for one in comparison["launches"]}
    return float(comparison["procedure"]["max_seconds"] * len(series))


def _timed(launches: Sequence[Any]) -> dict[str, Any]:
    """Inferences, and the seconds they took: of warm-up and of blocks."""
    from pytest_modelbench.results.packed import unpack

    series = [unpack(side[name]) for side in launches for name in ("warmup", "durations")]
    return {"calls": sum(map(len, series)), "call_seconds": sum(map(sum, series)) / 1e9}


def broken(kind: Kind, methods: Iterable[str], seconds: float, reason: str) -> Trial:
    return Trial(kind, dict.fromkeys(methods, "broken"), seconds, {"reason": reason})


def python(
    more: Sequence[str], work: Path, environment: Mapping[str, str] | None = None
) -> tuple[int, str, float]:
    """Exit code of a command of this interpreter, what it printed, and how long it took."""
    command = [sys.executable, *more]
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=work,
            env={**usual_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TRIAL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return -1, f"{' '.join(command)} was not done after {TRIAL_SECONDS} s", TRIAL_SECONDS
    return done.returncode, done.stdout, time.perf_counter() - start
