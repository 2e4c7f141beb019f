"""A run as the JSON that pytest-benchmark saves, and compares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_modelbench.export.rounds import stats_of_rounds
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SystemInfo

FORMAT_VERSION = "5.1.0"
"""Of pytest-benchmark, whose format this is; versions 4 and 5 read it."""
_NO_CALLS = "it has no timed calls"
_IN_FLIGHT = "its calls were in flight together: their times are no rate"


def pytest_benchmark_text(run: BenchmarkRun) -> tuple[str, dict[str, str]]:
    """The document, and by id the reason for each case that is not in it."""
    left_out: dict[str, str] = {}
    benchmarks = []
    for case in run.cases:
        if reason := _not_rounds(case):
            left_out[case.id] = reason
        else:
            benchmarks.append(_benchmark(case, _fullname(run, case)))
    document = {
        "machine_info": _machine(run.system_info),
        "commit_info": _commit(run),
        "benchmarks": benchmarks,
        "datetime": run.metadata.timestamp,
        "version": FORMAT_VERSION,
    }
    return json.dumps(document, indent=4, ensure_ascii=True, allow_nan=False) + "\n", left_out


def _not_rounds(case: CaseResult) -> str:
    """Why it cannot stand there; empty where it can."""
    if case.status != "ok":
        return f"{case.status}: {' '.join(case.detail.split())}"
    if case.timing is None or not case.timing.durations_ns():
        return _NO_CALLS
    return _IN_FLIGHT if case.timing.in_flight > 1 else ""


def _fullname(run: BenchmarkRun, case: CaseResult) -> str:
    """The id of the item, by which benchmarks of two files are matched.

    It begins with the path of the suite from pytest's root directory, which a run does not hold: a
    test's suite is called by that path, and of another the current directory stands for the root.
    """
    file = next((Path(one.file) for one in run.suites if one.id == case.suite), Path(case.suite))
    if file.suffix == ".py":
        return case.id
    name = case.id.partition("::")[2]
    here = Path.cwd()
    path = file.relative_to(here).as_posix() if file.is_relative_to(here) else file.name
    return f"{path}::{name}"


def _benchmark(case: CaseResult, fullname: str) -> dict[str, Any]:
    assert case.timing is not None
    seconds = [one / 1e9 for one in case.timing.durations_ns()]
    params = {**case.params, "model": case.model, "device": case.device}
    return {
        "group": None,
        "name": case.id.partition("::")[2],
        "fullname": fullname,
        "params": params,
        "param": f"{case.model}-{case.device}",
        "extra_info": {
            "case": case.id,
            **{name: one.value for name, one in case.metrics.items() if one.is_ok},
        },
        "options": {
            "disable_gc": True,
            "timer": "perf_counter_ns",
            "min_rounds": 1,
            "max_time": 0.0,
            "min_time": 0.0,
            "warmup": len(case.timing.warmup_ns()),
        },
        "stats": stats_of_rounds(seconds),
    }


def _machine(system: SystemInfo) -> Mapping[str, Any]:
    """What a run knows of it, under the names that its reader expects."""
    return {
        "node": system.hostname,
        "processor": system.cpu_info,
        "machine": "",
        "python_compiler": "",
        "python_implementation": "",
        "python_implementation_version": system.python_version,
        "python_version": system.python_version,
        "python_build": [],
        "release": system.platform_version,
        "system": system.platform,
        "cpu": {"brand_raw": system.cpu_info, "count": system.cpu_count},
    }


def _commit(run: BenchmarkRun) -> Mapping[str, Any]:
    about = run.metadata
    return {
        "id": about.git_sha or "unversioned",
        "time": None,
        "author_time": None,
        "dirty": bool(about.git_dirty),
        "project": "",
        "branch": about.git_branch or "(unknown)",
    }
