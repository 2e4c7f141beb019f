"""A real run of a small suite: expanded, partly measured, judged, scored and assembled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.execution.engine import DryEngine
from pytest_modelbench.judge.verdict import judged
from pytest_modelbench.recording.assemble import assemble_run
from pytest_modelbench.recording.manifest import manifest_of, named_criteria
from pytest_modelbench.recording.provenance import run_metadata, system_info
from pytest_modelbench.results.metric import measured
from pytest_modelbench.results.run import BenchmarkRun, CaseResult
from pytest_modelbench.suite.load import LoadedSuite, load_suite
from pytest_modelbench.suite.selection import Selection

SUITE: dict[str, Any] = {
    "id": "small",
    "description": "two models",
    "registry": "registry.json",
    "dataset": {"source": "json", "path": "rows.json"},
    "criteria": [
        {"id": "speed", "metric": "p50_latency_ms", "goal": "min", "weight": 0.5, "max": 9},
        {
            "expression": "p50_latency_ms * 2",
            "goal": "target",
            "target": 10,
            "runners": ["embedding_text"],
        },
    ],
    "benchmarks": [
        {"id": "texts", "runner": "embedding_text", "params": {"max_chars": 9}},
        {"id": "speech", "runner": "whisper_asr", "model": "one"},
    ],
}


def _write(folder: Path) -> LoadedSuite:
    for version in ("one", "two"):
        (folder / "models" / version).mkdir(parents=True)
        (folder / "models" / version / "weights.bin").write_bytes(bytes(1000))
    registry = [
        {"version": "one", "model_path": "models/one", "base_model": "org/base"},
        {"version": "two", "model_path": "models/two", "quantization": "int8"},
    ]
    (folder / "registry.json").write_text(json.dumps(registry))
    (folder / "rows.json").write_text('[{"text": "a"}]')
    (folder / "suite.json").write_text(json.dumps(SUITE))
    return load_suite(folder / "suite.json", Selection())


def _as_measured(result: CaseResult, milliseconds: float) -> CaseResult:
    """As if it had been measured: what a case that went well says in addition."""
    latency = measured(
        milliseconds,
        "ms",
        samples=130,
        interval=[milliseconds - 1, milliseconds + 1],
        confidence=0.95,
    )
    changed = {"p50_latency_ms": latency, "mean_latency_ms": latency, "latency_ms": latency}
    return result.model_copy(
        update={
            "status": "ok",
            "detail": "",
            "started_at": "2026-02-28T23:59:59.123+00:00",
            "duration_seconds": 1.5,
            "fingerprint": "0123456789abcdef" * 2,
            "timed": "one call",
            "dataset": {"source": "json", "used_rows": 1, "unusable": [{"row": 1, "reason": "x"}]},
            "properties": {"threads": 2, "device_name": None, "nested": {"list": [1.5, True]}},
            "metrics": {**result.metrics, **changed},
        }
    )


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> BenchmarkRun:
    """Three cases: two measured (one of them breaks its bound), one skipped."""
    folder = tmp_path_factory.mktemp("project")
    loaded = _write(folder)
    engine = DryEngine()
    results = [engine.submit(case).result() for case in loaded.cases]
    results[0] = _as_measured(results[0], 5.0)
    results[1] = _as_measured(results[1], 12.5)
    criteria = named_criteria(loaded)
    manifest = manifest_of(loaded, [(f"suite.json::{case.name}", case) for case in loaded.cases])
    return assemble_run(
        run_metadata(["pytest", "--suite=small"], folder, dry_run=False),
        system_info(),
        [(manifest, [judged(result, criteria) for result in results])],
        comparisons=[],
        problems=["other.json: no such file"],
    )


@pytest.fixture
def altered(run: BenchmarkRun, tmp_path: Path) -> Callable[..., Path]:
    """Writes the run with `change` made to its JSON value, or to its text."""

    def write(
        change: Callable[[Any], Any] | None = None, text: Callable[[str], str] | None = None
    ) -> Path:
        value = run.to_dict()
        if change is not None:
            change(value)
        written = json.dumps(value, indent=1)
        file = tmp_path / "run.json"
        file.write_text(text(written) if text else written)
        return file

    return write
