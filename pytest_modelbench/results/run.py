"""The run document: everything one session measured, strict and versioned."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from pytest_modelbench.catalogue import AUDIO_METRICS, LOAD_METRICS, TIMING_METRICS, unit_of
from pytest_modelbench.documents.strict_model import StrictModel, refuse
from pytest_modelbench.documents.validate import load_document
from pytest_modelbench.results.candidate import BenchmarkCandidate
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.conditions import Conditions, Limits
from pytest_modelbench.results.criterion_record import CheckedCriterion
from pytest_modelbench.results.fields import (
    Amount,
    Count,
    Digest,
    Finite,
    GitSha,
    JsonObject,
    Ordinal,
    RunId,
    Share,
    Text,
    Timestamp,
    Whole,
)
from pytest_modelbench.results.judgement import BoundCheck, LeaderboardRow, Score
from pytest_modelbench.results.load_record import LoadRecord
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.project import Project
from pytest_modelbench.results.sample_record import Digests, FailedSamples, SampleRecord
from pytest_modelbench.results.timing_record import TimingRecord

OWN_METRICS = (*TIMING_METRICS, *AUDIO_METRICS, *LOAD_METRICS)
"""What is measured for every case: in the catalogue's unit, and never negative."""


def _as_catalogued(metrics: dict[str, Metric]) -> dict[str, Metric]:
    faults: dict[tuple[int | str, ...], str] = {}
    for name in OWN_METRICS:
        metric = metrics.get(name)
        if metric is not None and metric.unit != unit_of(name):
            faults[name, "unit"] = f"{metric.unit!r} should be {unit_of(name)!r}"
        if metric is not None and metric.value is not None and metric.value < 0:
            faults[name, "value"] = f"{metric.value:g} should not be negative"
    refuse(faults, metrics)
    return metrics


Metrics = Annotated[dict[Text, Metric], AfterValidator(_as_catalogued)]
_SCHEMA_OF_OWN_METRICS: dict[str, Any] = {
    "properties": {
        "metrics": {
            "properties": {
                name: {"properties": {"unit": {"const": unit_of(name)}, "value": {"minimum": 0}}}
                for name in OWN_METRICS
            }
        }
    }
}


class RunMetadata(StrictModel):
    """When, from which code and by which command."""

    run_id: RunId
    """`benchmark_YYYYMMDD_HHMMSS_` and a random part, so that ids never collide."""
    timestamp: Timestamp
    git_sha: GitSha | None
    git_branch: Text | None
    git_dirty: bool | None
    project: Project | None
    """The git repository of the rootdir; None outside of any."""
    command_line: Text
    dry_run: bool
    quick: bool
    """Whether it was a mere trial (`--suite-quick`), whose figures say nothing."""
    modelbench_version: Text
    exit_status: Whole | None
    """pytest's exit status; None when the session ended before it was known."""

    @property
    def is_trial(self) -> bool:
        """Whether nothing can be held against it: a dry run, or a quick one."""
        return self.dry_run or self.quick


class SystemInfo(StrictModel):
    """The machine, as far as it can change a result."""

    hostname: Text
    platform: Text
    platform_version: Text
    python_version: Text
    cpu_info: Text
    cpu_count: Ordinal
    cpu_limit: Annotated[Finite, Field(gt=0)] | None
    """CPUs the control group allows; None without a limit."""
    cpu_governor: Text | None
    cpu_flags: list[Text]
    """Those of the instruction-set flags that inference kernels are chosen by."""
    total_ram_gb: Annotated[Finite, Field(gt=0)]
    ram_limit_gb: Amount | None
    """Memory the control group allows; None without a limit."""
    gpu_info: Text | None
    cuda_version: Text | None
    packages: dict[Text, Text]
    """Installed versions of the packages that results depend on."""
    launch_floor: Share
    """Standard deviation between launches of the same code here, as a share: bounds on timed calls
    and the best values of tables are judged with it."""


class TakenOver(StrictModel):
    """What of a result is from an earlier session that did not come to its end."""

    run_id: RunId
    """That session's."""
    what: Literal["samples", "case"]
    """`samples`: answers, so that the timed calls are this session's alone; `case`: all of it."""
    samples: Count | None
    """How many samples it had answered; None for a whole case."""


class CaseResult(StrictModel):
    """One case and everything measured on it."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [_SCHEMA_OF_OWN_METRICS],
            "oneOf": [
                {"properties": {"status": {"const": "ok"}, "detail": {"const": ""}}},
                {
                    "properties": {
                        "status": {"enum": ["skipped", "error"]},
                        "detail": {"minLength": 1},
                    }
                },
            ],
        }
    )

    id: Text
    """`suite::benchmark[model-device]`; the part after `::` is the pytest item's name."""
    suite: Text
    benchmark: Text
    runner: Text
    model: Text
    """The candidate's version."""
    model_path: Text
    device: Text
    params: JsonObject
    dataset: JsonObject
    """Where samples came from, how many were used, which rows could not be."""
    status: Literal["ok", "skipped", "error"]
    detail: str
    """Why it was skipped, or what went wrong; empty when all is well."""
    trace: str | None
    """The traceback of an error, as text."""
    started_at: Timestamp | None
    duration_seconds: Amount
    worker: Text
    """`main`, or the parallel worker that ran it."""
    engine: Text
    """`isolated`: in a process of its own; `inline`: in the session's; `none`: not measured."""
    fingerprint: Digest | None
    """Hash of all that can change the result; None when it was not run."""
    timed: str
    """What one timed call covers."""
    properties: JsonObject
    """Effective properties of the model on its device: precision, threads, ..."""
    limits: Limits | None
    """What it was allowed to use; None when it was not measured."""
    conditions: Conditions | None
    """What went on beside it; None when it was not measured."""
    timing: TimingRecord | None
    """Every call that was timed; None when there is none."""
    samples: SampleRecord | None
    """What each sample was answered and how right that was; None when nothing scores it."""
    failed_samples: FailedSamples | None
    """Samples that failed, tolerated or not; None when none did, or none was asked."""
    digests: Digests | None
    """What the fingerprint is made of, part by part; None when it was not run."""
    taken_over: list[TakenOver]
    """What was not measured in this session, but taken over by `--suite-resume`."""
    load: LoadRecord | None
    """How an endpoint was loaded; None for a model that was loaded here, or was not measured."""
    metrics: Metrics
    bounds: list[BoundCheck]
    score: Score | None
    rank: Ordinal | None

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        status, detail = given.get("status"), given.get("detail")
        if (status == "ok" and detail) or (status in ("skipped", "error") and detail == ""):
            yield f"a case that is {status!r} has {'no' if status == 'ok' else 'a'} 'detail'"

    @property
    def side(self) -> str:
        """The name of the side of a comparison that it is; of any other case, its id."""
        return self.id.rpartition("@")[2]

    @property
    def is_taken_over(self) -> bool:
        """Whether all of it is an earlier session's."""
        return any(one.what == "case" for one in self.taken_over)

    @property
    def disturbances(self) -> list[str]:
        """What is known to have gone on beside it."""
        return self.conditions.disturbances if self.conditions else []

    @property
    def is_disturbed(self) -> bool:
        """Whether there is any of that, or its calls never became steady."""
        return bool(self.disturbances) or bool(self.timing and self.timing.is_unsteady)

    @property
    def is_well(self) -> bool:
        """Whether it was measured, with all of its metrics: there is nothing to measure again."""
        return self.status == "ok" and not self.metric_errors

    def measured_in(self, run_id: str | None) -> str | None:
        """The id of the run whose session measured it, where it stands in the run `run_id`."""
        return next((one.run_id for one in self.taken_over if one.what == "case"), run_id)

    @property
    def metric_errors(self) -> dict[str, str]:
        """Metric name to cause, for those that went wrong."""
        return {
            name: str(metric.error_message)
            for name, metric in self.metrics.items()
            if metric.status == "error"
        }


class SuiteRecord(StrictModel):
    """A suite of the run."""

    id: Text
    file: Text
    description: str
    digest: Digest
    """Hash of the suite file."""
    criteria: list[CheckedCriterion]
    leaderboard: list[LeaderboardRow]


class BenchmarkRun(StrictModel):
    """One session's results."""

    schema_version: Literal["1"]
    metadata: RunMetadata
    system_info: SystemInfo
    suites: list[SuiteRecord]
    candidates: list[BenchmarkCandidate]
    cases: list[CaseResult]
    comparisons: list[Comparison]
    """What was held against something else: sides measured together, or an earlier run."""
    problems: list[Text]
    """Suites that could not be used, and why."""

    @classmethod
    def load(cls, path: str | Path) -> BenchmarkRun:
        """Read a run file. Raises `DocumentError` naming each fault's place."""
        run, _ = load_document(Path(path), cls)
        return run

    def save(self, path: str | Path) -> Path:
        """Write the run so that the file is whole or not there at all."""
        from pytest_modelbench.results.store import write_atomically

        return write_atomically(Path(path), self.to_json())

    def to_dict(self) -> dict[str, Any]:
        """The run as plain JSON values."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def case(self, case_id: str) -> CaseResult:
        """The case of that node id, or the only one whose id ends so. Raises `KeyError`."""
        exactly = [case for case in self.cases if case.id == case_id]
        found = exactly or [case for case in self.cases if case.id.endswith(case_id)]
        if len(found) != 1:
            raise KeyError(f"{len(found)} cases are called {case_id!r}")
        return found[0]
