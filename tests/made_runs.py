"""Runs as earlier sessions would have left them, with any difference that a test wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_modelbench.execution.blank import blank_from
from pytest_modelbench.judge.stored.measured_case import MeasuredCase, cases_of
from pytest_modelbench.recording.assemble import assemble_run
from pytest_modelbench.recording.manifest import Manifest
from pytest_modelbench.results.comparison import Comparison, SideRecord, bare_comparison
from pytest_modelbench.results.conditions import Conditions, Limits
from pytest_modelbench.results.metric import Metric, measured
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, RunMetadata, SystemInfo
from pytest_modelbench.results.sample_record import Digests
from pytest_modelbench.runs.folder import RunFolder
from pytest_modelbench.runs.journal import Journal
from pytest_modelbench.runs.summary import write_summary

SYSTEM = SystemInfo(
    hostname="here",
    platform="Linux",
    platform_version="#1",
    python_version="3.12.1",
    cpu_info="Processor A",
    cpu_count=2,
    cpu_limit=None,
    cpu_governor=None,
    cpu_flags=["avx2"],
    total_ram_gb=8.0,
    ram_limit_gb=None,
    gpu_info=None,
    cuda_version=None,
    packages={"numpy": "2.1.0", "openvino": "2026.4.1"},
    launch_floor=0.01,
)
CONDITIONS = Conditions(
    workers=1,
    lock="host",
    waited_seconds=0.0,
    load_average_start=None,
    load_average_end=None,
    steal_share=None,
    other_cpu_share=None,
    involuntary_context_switches=None,
    frequency_mhz_mean=None,
    frequency_mhz_min=None,
    thermal_throttle_count=None,
    quota_throttled_seconds=None,
    disturbances=[],
)
BUSY = CONDITIONS.model_copy(
    update={"disturbances": ["other processes kept 1.00 of 2 processors busy"]}
)
IDENTITY = {"id", "suite", "benchmark", "runner", "model", "model_path", "device", "params"}
NAMES = ("runner", "model", "params", "dataset", "measure", "quality")


def made_side(name: str, case_id: str) -> SideRecord:
    """A side of a comparison, of which nothing but its case is of interest."""
    return SideRecord(
        name=name, case_id=case_id, run_id=None, described={}, python_version=None, packages={}
    )


def made_comparison(name: str, *sides: str, status: Any = "ok", detail: str = "") -> Comparison:
    """Of cases that are called `name`, `@` and the side."""
    case_id = f"s::{name}"
    made = bare_comparison(
        id=case_id, suite="s", benchmark="b", kind="paired", status=status, detail=detail
    )
    records = [made_side(side, f"{case_id}@{side}") for side in sides]
    return made.model_copy(update={"sides": records})


def run_id(number: int) -> str:
    """Ids in the order of `number`, below 86400."""
    seconds = f"{number // 3600:02}{number // 60 % 60:02}{number % 60:02}"
    return f"benchmark_20260301_{seconds}_{number:012x}"


def digests(**other: str) -> Digests:
    """Hashes of the parts; `other` gives a letter of the alphabet up to f for each other one."""
    return Digests(**{name: other.get(name, "0") * 32 for name in NAMES})


def milliseconds(value: float, width: float = 0.01) -> Metric:
    """A median of many calls, with an interval of that share."""
    ends = [value * (1 - width / 2), value * (1 + width / 2)]
    return measured(value, "ms", samples=500, interval=ends, confidence=0.95)


def made_case(
    name: str = "b[m-CPU]", metrics: Mapping[str, Metric | float] | None = None, **fields: Any
) -> CaseResult:
    """A case that was measured; a metric that is a number is a median in ms."""
    suite = fields.pop("suite", "s")
    identity = {
        "id": f"{suite}::{name}",
        "suite": suite,
        "benchmark": name.partition("[")[0],
        "runner": "echo",
        "model": name.partition("[")[2].partition("-")[0],
        "model_path": "m",
        "device": "CPU",
        "params": {},
    }
    given = {
        key: one if isinstance(one, Metric) else milliseconds(one)
        for key, one in (metrics or {"p50_latency_ms": 10.0}).items()
    }
    usual: dict[str, Any] = {
        "status": "ok",
        "detail": "",
        "engine": "isolated",
        "metrics": given,
        "digests": digests(),
        "fingerprint": "0" * 32,
        "limits": Limits(memory_limit_mb=None, threads=None, enforced=True),
        "conditions": CONDITIONS,
    }
    return blank_from(identity, (), "skipped", "-").model_copy(update={**usual, **fields})


def made_run(
    number: int,
    cases: Sequence[CaseResult] | None = None,
    *,
    system: SystemInfo = SYSTEM,
    criteria: Sequence[Any] = (),
    **metadata: Any,
) -> BenchmarkRun:
    cases = [made_case()] if cases is None else cases
    about = RunMetadata(
        run_id=run_id(number),
        timestamp="2026-03-01T00:00:00+00:00",
        git_sha=None,
        git_branch=None,
        git_dirty=None,
        project=None,
        command_line="pytest",
        dry_run=False,
        quick=False,
        modelbench_version="1",
        exit_status=0,
    )
    suites = dict.fromkeys(case.suite for case in cases)
    return assemble_run(
        about.model_copy(update=metadata),
        system,
        [
            (_manifest(suite, criteria), [case for case in cases if case.suite == suite])
            for suite in suites
        ],
    )


def _manifest(suite: str, criteria: Sequence[Any]) -> Manifest:
    return {
        "id": suite,
        "file": f"{suite}.json",
        "description": "",
        "digest": "0" * 32,
        "criteria": list(criteria),
        "candidates": [],
        "cases": [],
        "metric_names": {},
    }


def stored_run(folder: Path, number: int, *arguments: Any, **fields: Any) -> Path:
    """A run in the folder of runs, called as a session calls it."""
    run = made_run(number, *arguments, **fields)
    return run.save(folder / f"{run.metadata.run_id}.json")


def kept_run(parent: Path, number: int, *arguments: Any, **fields: Any) -> RunFolder:
    """A run in a directory of its own, as a session of today keeps it."""
    run = made_run(number, *arguments, **fields)
    folder = RunFolder(parent / run.metadata.run_id)
    for part in (folder.journals, folder.answers, folder.live, folder.logs):
        part.mkdir(parents=True)
    folder.lock_file.touch()
    run.save(folder.run_file)
    write_summary(run, folder)
    return folder


def begun_run(
    parent: Path,
    number: int,
    cases: Sequence[CaseResult],
    total: int,
    late: Sequence[CaseResult] = (),
    **metadata: Any,
) -> RunFolder:
    """What a session leaves that was killed with `cases` measured; `late` and others were not."""
    run = made_run(number, cases, **metadata)
    folder = RunFolder(parent / run.metadata.run_id)
    for part in (folder.journals, folder.answers, folder.live, folder.logs):
        part.mkdir(parents=True)
    folder.lock_file.touch()
    suite = cases[0].suite if cases else "s"
    names = [f"b[late{more}-CPU]" for more in range(total - len(cases) - len(late))]
    others = [made_case(name, suite=suite) for name in names]
    identities = [one.model_dump(include=IDENTITY) for one in (*cases, *late, *others)]
    manifest = _manifest(suite, ()) | {
        "cases": [{"nodeid": f"s.json::{one['id']}", "identity": one} for one in identities],
        "metric_names": {one["benchmark"]: ["p50_latency_ms"] for one in identities},
    }
    journal = Journal(folder.journal("main"))
    metadata = run.metadata.model_dump(mode="json") | {"exit_status": None}
    system = run.system_info.model_dump(mode="json")
    journal.append({"event": "session", "metadata": metadata, "system_info": system})
    journal.append({"event": "parcel", "manifests": [manifest]})
    for one in cases:
        nodeid = f"s.json::{one.id}"
        journal.append({"event": "started", "nodeid": nodeid})
        results = [one.model_dump_json()]
        journal.append({"event": "parcel", "nodeid": nodeid, "results": results, "comparisons": []})
    journal.close()
    return folder


def measured_case(
    case: CaseResult | None = None, number: int = 0, system: SystemInfo = SYSTEM
) -> MeasuredCase:
    """A case of an earlier run; of the session under way for number -1."""
    (one,) = cases_of(made_run(max(number, 0), [case or made_case()], system=system))
    return one if number >= 0 else MeasuredCase(None, None, system, one.case)
