"""A run as rows, one for each metric of each case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pytest_modelbench.results.run import BenchmarkRun, CaseResult

COLUMNS = (
    "run_id",
    "timestamp",
    "git_sha",
    "git_branch",
    "git_dirty",
    "hostname",
    "suite",
    "case",
    "benchmark",
    "runner",
    "model",
    "device",
    "params",
    "metric",
    "status",
    "value",
    "unit",
    "low",
    "high",
    "samples",
    "reason",
)

Row = dict[str, Any]
"""By name of the column."""


def rows_of(run: BenchmarkRun) -> Iterator[Row]:
    """In the order of the run; what was not measured is there, too, with the reason."""
    about = run.metadata
    of_run = {
        "run_id": about.run_id,
        "timestamp": about.timestamp,
        "git_sha": about.git_sha,
        "git_branch": about.git_branch,
        "git_dirty": about.git_dirty,
        "hostname": run.system_info.hostname,
    }
    for case in run.cases:
        for row in _of_case(case):
            yield of_run | row


def _of_case(case: CaseResult) -> Iterator[Row]:
    of_case = {
        "suite": case.suite,
        "case": case.id,
        "benchmark": case.benchmark,
        "runner": case.runner,
        "model": case.model,
        "device": case.device,
        "params": json.dumps(case.params, ensure_ascii=False, sort_keys=True),
    }
    for name, metric in case.metrics.items():
        low, high = metric.interval or (None, None)
        samples = metric.metadata.get("samples")
        yield of_case | {
            "metric": name,
            "status": metric.status.value,
            "value": metric.value,
            "unit": metric.unit,
            "low": low,
            "high": high,
            "samples": samples if isinstance(samples, int) else None,
            "reason": metric.error_message,
        }
