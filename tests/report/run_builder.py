"""Runs with given cases and verdicts, as a session assembles them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_modelbench.execution.blank import blank_from
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.wording import make_verdict
from pytest_modelbench.recording.assemble import assemble_run
from pytest_modelbench.recording.manifest import Manifest
from pytest_modelbench.recording.provenance import run_metadata, system_info
from pytest_modelbench.results.comparison import Comparison, SideRecord, Verdict
from pytest_modelbench.results.judgement import BoundCheck
from pytest_modelbench.results.metric import Metric, measured
from pytest_modelbench.results.run import BenchmarkRun, CaseResult
from pytest_modelbench.suite.tolerance import Tolerance

Verdicts = Sequence[Verdict]


def milliseconds(value: float) -> Metric:
    return measured(value, "ms", interval=[value * 0.9, value * 1.1], confidence=0.95)


def make_case(
    name: str,
    metrics: Mapping[str, Metric] | None = None,
    *,
    suite: str = "speech",
    **fields: Any,
) -> CaseResult:
    """One that was measured, unless `fields` say otherwise."""
    identity = {
        "id": f"{suite}::{name}",
        "suite": suite,
        "benchmark": "b",
        "runner": "echo",
        "model": name,
        "model_path": name,
        "device": "CPU",
        "params": {},
    }
    blank = blank_from(identity, [], "skipped", "to be measured")
    given = {"p50_latency_ms": milliseconds(10.0)} if metrics is None else dict(metrics)
    return blank.model_copy(update={"status": "ok", "detail": "", "metrics": given, **fields})


def bound(outcome: str, message: str = "p50_latency_ms is 10 ms, within max 20 ms") -> BoundCheck:
    return BoundCheck.model_validate(
        {
            "criterion": "speed",
            "what": "p50_latency_ms",
            "value": 10.0,
            "interval": [9.0, 11.0],
            "unit": "ms",
            "min": None,
            "max": 20.0,
            "outcome": outcome,
            "message": message,
        }
    )


def make_verdict_of(outcome: Any, change: float | None = 0.01, **fields: Any) -> Verdict:
    metric = fields.pop("metric", "p50_latency_ms")
    sides = fields.pop("sides", ("baseline", "candidate"))
    tolerance = None if outcome == "noted" else 0.05
    question = Question(metric, "lower", tolerance and Tolerance(tolerance, is_relative=True))
    usual: dict[str, Any] = {
        "values": (10.0, 10.0 * (1 + (change or 0))),
        "change": change,
        "interval": None if change is None else (change - 0.01, change + 0.01),
        "tolerance": tolerance,
        "reason": "40 more blocks would settle it" if outcome == "inconclusive" else None,
    }
    return make_verdict(question, sides, outcome, "blocks", **{**usual, **fields})


def make_comparison(
    name: str, verdicts: Verdicts = (), *, suite: str = "speech", **fields: Any
) -> Comparison:
    case_id = f"{suite}::{name}"
    sides = [
        SideRecord(
            name=side,
            case_id=case_id,
            run_id=None,
            described=described,
            python_version=None,
            packages={},
        )
        for side, described in (("baseline", {"revision": "main"}), ("candidate", {}))
    ]
    given: dict[str, Any] = {
        "id": case_id,
        "suite": suite,
        "benchmark": "b",
        "kind": "paired",
        "status": "ok",
        "detail": "",
        "trace": None,
        "sides": sides,
        "differences": [],
        "procedure": None,
        "launches": [],
        "verdicts": list(verdicts),
        "duration_seconds": 1.0,
    }
    return Comparison(**{**given, **fields})


def make_run(
    cases: Sequence[CaseResult],
    comparisons: Iterable[Comparison] = (),
    *,
    problems: Iterable[str] = (),
    criteria: Sequence[Any] = (),
    dry_run: bool = False,
    **metadata: Any,
) -> BenchmarkRun:
    suites = dict.fromkeys(case.suite for case in cases)
    about = run_metadata(["pytest"], Path(), dry_run=dry_run)
    return assemble_run(
        about.model_copy(update={"exit_status": 0, **metadata}),
        system_info(),
        [(_manifest(name, cases, criteria), _of(name, cases)) for name in suites],
        problems,
        comparisons=comparisons,
    )


def _of(suite: str, cases: Iterable[CaseResult]) -> list[CaseResult]:
    return [case for case in cases if case.suite == suite]


def _manifest(suite: str, cases: Iterable[CaseResult], criteria: Sequence[Any]) -> Manifest:
    return {
        "id": suite,
        "file": f"/{suite}.json",
        "description": "",
        "digest": "0" * 32,
        "criteria": list(criteria),
        "candidates": [],
        "cases": [],
        "metric_names": {},
    }
