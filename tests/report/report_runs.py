"""Runs as a report is made of them: with every call, phases, memory and quality."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from made_runs import CONDITIONS, SYSTEM, digests
from run_builder import bound, make_case, make_comparison, make_run, make_verdict_of

from pytest_modelbench.results.comparison import Comparison, Launch, Procedure, SideLaunch
from pytest_modelbench.results.metric import Metric, failed, measured, skipped
from pytest_modelbench.results.packed import pack
from pytest_modelbench.results.run import BenchmarkRun, CaseResult
from pytest_modelbench.results.timing_record import TimingRecord

CRITERIA = [
    {"id": "accuracy", "metric": "wer", "goal": "min", "weight": 2.0, "max": 0.5},
    {"id": "speed", "metric": "p50_latency_ms", "goal": "min"},
]
SCRIPT = "<script>window.ran = 1</script>"
TRACE = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no such voice\n'
HOSTILE = (
    f"""{SCRIPT}</script><img src=x onerror="window.ran=1">'"&amp;{{{{ data }}}}\u2028]]>-->"""
)


def timing(durations: Sequence[int], warmup: Sequence[int] = (90_000_000,)) -> TimingRecord:
    return TimingRecord(
        warmup=pack(warmup),
        warmup_ended_by="steady",
        warmup_rule="the last two windows differ by 0.3 %",
        durations=pack(durations),
        first_round=len(durations),
        repeated=0,
        stopped_by="enough",
        in_flight=1,
    )


def interval(value: float, unit: str, width: float = 0.1, **more: Any) -> Metric:
    ends = [value * (1 - width), value * (1 + width)]
    return measured(value, unit, samples=100, interval=ends, confidence=0.95, **more)


def timed_case(name: str, number: int = 0, calls: int = 200, **fields: Any) -> CaseResult:
    """One that was measured in every respect; `number` makes it another one than others are."""
    chance = random.Random(number)
    middle = 10_000_000 + 1_000_000 * number
    durations = [round(middle * chance.lognormvariate(0, 0.2)) for _ in range(calls)]
    warmup = [9 * middle, *(round(middle * (2 - one / 20)) for one in range(20))]
    metrics = {
        "sample_count": measured(24.0),
        "model_load_seconds": measured(0.5 + number / 100, "s"),
        "compile_seconds": measured(0.2, "s"),
        "first_latency_ms": measured(9 * middle / 1e6, "ms"),
        "p50_latency_ms": interval(middle / 1e6, "ms"),
        "p95_latency_ms": interval(1.4 * middle / 1e6, "ms"),
        "mean_latency_ms": measured(middle / 1e6, "ms", samples=calls, standard_deviation=1.0),
        "inference_seconds": measured(calls * middle / 1e9, "s", samples=calls),
        "throughput_items_per_second": measured(1e9 / middle, "items/s", samples=calls),
        "peak_ram_mb": measured(150.0 + 7 * (number % 5), "MB"),
        "file_size_mb": measured(2.0 + number % 3, "MB"),
        "wer": interval(round(0.4 / (1 + number), 4), "", 0.02),
        "peak_vram_mb": skipped("device 'CPU' is the processor", "MB"),
    }
    given: dict[str, Any] = {
        "timing": timing(durations, warmup),
        "conditions": CONDITIONS,
        "digests": digests(),
        "fingerprint": "0" * 32,
        "bounds": [bound("passed")],
        "started_at": "2026-03-01T00:00:00+00:00",
        "engine": "isolated",
        "properties": {"threads": 2, "precision": "f32"},
        "timed": "the call",
    }
    extra = fields.pop("metrics", {})
    return make_case(name, {**metrics, **extra}, **{**given, **fields})


def usual_run(count: int = 4, *more: CaseResult, **fields: Any) -> BenchmarkRun:
    """A suite with so many measured cases, one that was skipped, and one that went wrong."""
    cases = [timed_case(f"clips[model-{number}-CPU]", number) for number in range(count)]
    cases += [
        make_case(
            "clips[model-0-GPU]",
            {"wer": skipped("device 'GPU' is not present")},
            status="skipped",
            detail="device 'GPU' is not present; present: CPU",
            device="GPU",
        ),
        make_case(
            "clips[broken-CPU]",
            {"wer": failed("ValueError: no such voice", "")},
            status="error",
            detail="ValueError: no such voice",
            trace=TRACE,
        ),
        *more,
    ]
    return make_run(cases, **{"criteria": CRITERIA, **fields})


def run_of(number: int, cases: Sequence[CaseResult], **metadata: Any) -> BenchmarkRun:
    """A run of day `number`, on one and the same machine."""
    run = make_run(
        cases,
        criteria=metadata.pop("criteria", CRITERIA),
        run_id=f"benchmark_202603{number:02}_000000_{number:012x}",
        timestamp=f"2026-03-{number:02}T12:00:00+00:00",
        git_sha=f"{number:040x}",
        git_branch="main",
        git_dirty=False,
        **metadata,
    )
    return run.model_copy(update={"system_info": SYSTEM})


def paired(name: str, launches: int = 3, blocks: int = 8) -> Comparison:
    """Two sides that were measured in turn, the candidate slower by some 4 %."""
    verdicts = [
        make_verdict_of("regression", 0.04),
        make_verdict_of("pass", -0.01, metric="peak_ram_mb"),
        make_verdict_of("inconclusive", 0.2, metric="model_load_seconds"),
    ]
    return make_comparison(
        name,
        verdicts,
        launches=[_launch(number, blocks) for number in range(launches)],
        procedure=Procedure(
            seed=1, calls=3, repeats=1, in_flight=1, blocks=blocks, most_launches=6,
            max_seconds=60.0, launch_floor=0.01, launch_floor_from="default", verdict_count=3,
        ),
        differences=["packages: numpy 2.1 -> 2.2"],
    )  # fmt: skip


def _launch(number: int, blocks: int) -> Launch:
    chance = random.Random(number)
    order = [side for _ in range(blocks) for side in (0, 1, 1, 0)]
    sides = []
    for factor in (1.0, 1.04):
        calls = [round(1e7 * factor * chance.lognormvariate(0, 0.01)) for _ in range(blocks * 6)]
        sides.append(
            SideLaunch(
                warmup=pack([20_000_000]),
                warmup_ended_by="steady",
                warmup_rule="steady after 1 call",
                durations=pack(calls),
                metrics={"model_load_seconds": 0.5},
            )
        )
    return Launch(series="decision", order=pack(order), sides=sides, disturbances=[])


def everything() -> list[BenchmarkRun]:
    """Runs of which every chart has something to show."""
    first = run_of(1, [timed_case(name, number) for number, name in enumerate("abc")])
    second = run_of(2, [timed_case(name, number + 1) for number, name in enumerate("abc")])
    return [first, second.model_copy(update={"comparisons": [paired("a")]})]


def hostile_run() -> BenchmarkRun:
    """One in which every text that comes from people or machines is an attack."""
    odd = {"__proto__": measured(1.0, HOSTILE, better="lower"), "constructor": measured(2.0)}
    cases = [
        timed_case(
            f"{HOSTILE}[{number}]", number, suite=SCRIPT, metrics={HOSTILE: measured(3.0), **odd}
        )
        for number in range(3)
    ]
    texts = {"model": HOSTILE, "device": HOSTILE, "benchmark": HOSTILE, "runner": HOSTILE}
    noisy = CONDITIONS.model_copy(update={"disturbances": [HOSTILE]})
    cases[0] = cases[0].model_copy(
        update={
            **texts,
            "params": {HOSTILE: HOSTILE},
            "properties": {HOSTILE: [HOSTILE]},
            "conditions": noisy,
            "timed": HOSTILE,
            "bounds": [bound("failed", HOSTILE), bound("inconclusive", HOSTILE)],
        }
    )
    wrong = {"status": "error", "detail": HOSTILE, "trace": HOSTILE, "suite": SCRIPT}
    missing = {"wer": skipped(HOSTILE), "p50_latency_ms": failed(HOSTILE, "ms")}
    cases.append(make_case(f"{HOSTILE}[wrong]", missing, **wrong))
    verdict = make_verdict_of("inconclusive", sides=(HOSTILE, SCRIPT), reason=HOSTILE)
    comparison = paired(f"{HOSTILE}[0]").model_copy(update={"detail": HOSTILE})
    comparison = comparison.model_copy(
        update={
            "id": f"{SCRIPT}::{HOSTILE}[0]",
            "suite": SCRIPT,
            "verdicts": [*comparison.verdicts, verdict],
            "differences": [HOSTILE],
        }
    )
    run = make_run(
        cases, [comparison], criteria=CRITERIA, problems=[HOSTILE],
        command_line=HOSTILE, git_branch=HOSTILE, git_sha="0" * 40, git_dirty=True,
    )  # fmt: skip
    system = run.system_info.model_copy(
        update={"cpu_info": HOSTILE, "gpu_info": HOSTILE, "packages": {HOSTILE: HOSTILE}}
    )
    return run.model_copy(update={"system_info": system})
