"""A line of predictions from what came of a request."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_modelbench.datasets.spec import FILE_SOURCES, GENERATED, DatasetSpec
from pytest_modelbench.predictions.file_names import file_name
from pytest_modelbench.predictions.line import PredictionLine, sample_id
from pytest_modelbench.results.fields import jsonable

if TYPE_CHECKING:
    from pytest_modelbench.case import Case
    from pytest_modelbench.datasets.samples import Sample
    from pytest_modelbench.load.reply import Reply


@dataclass(frozen=True, slots=True)
class Source:
    """What is the same in all lines of a file."""

    model: str
    dataset: str
    split: str
    case: str
    run_id: str
    endpoint: str = ""
    variant: str = ""

    @classmethod
    def of(cls, case: Case, run_id: str, endpoint: str = "") -> Source:
        """That of a case; `endpoint` without credentials."""
        dataset, split = dataset_name(case.dataset)
        varied = {name: case.params[name] for name in case.varied}
        variant = ", ".join(
            f"{name}={value if isinstance(value, str) else json.dumps(value)}"
            for name, value in varied.items()
        )
        model = case.candidate.version
        return cls(model, dataset, split, case.id, run_id, endpoint, variant)

    @property
    def file_name(self) -> str:
        return file_name(self.model, self.dataset, self.split, self.case)


def dataset_name(spec: DatasetSpec) -> tuple[str, str]:
    """What people call a dataset, and its split; the split is empty where there are none.

    >>> dataset_name(DatasetSpec(id="hf-audio/esb", config="ami", split="test"))
    ('hf-audio/esb/ami', 'test')
    >>> dataset_name(DatasetSpec(source="jsonl", path="clips.jsonl"))
    ('clips.jsonl', '')
    """
    if spec.source in FILE_SOURCES or spec.source == GENERATED:
        return spec.path or spec.source, ""
    return "/".join(filter(None, (spec.dataset_id, spec.config_name))) or spec.source, spec.split


@dataclass(frozen=True, slots=True)
class Clock:
    """What time of the day it was at a moment of `perf_counter_ns`; as of one look at both."""

    counter_ns: int
    moment: datetime

    @classmethod
    def now(cls) -> Clock:
        return cls(time.perf_counter_ns(), datetime.now(UTC))

    def at(self, counter_ns: int) -> datetime:
        return self.moment + timedelta(microseconds=(counter_ns - self.counter_ns) / 1000)


def line_of(
    reply: Reply,
    sample: Sample,
    content_hash: int,
    audio_seconds: float | None,
    source: Source,
    clock: Clock,
) -> PredictionLine:
    """What came of asking for `sample`; `content_hash` is its id in the fingerprint."""
    answer = None if reply.error else reply.answer
    return PredictionLine(
        audio_filepath=_text(sample.source or f"sample_{sample.id}"),
        duration=audio_seconds,
        time=None if answer is None else _seconds(0, reply.service_ns),
        text=None if sample.reference is None else _text(sample.reference),
        pred_text=None if answer is None else _text(answer.value),
        sample_id=sample_id(content_hash, sample.id),
        row=sample.id,
        model=source.model,
        dataset=source.dataset,
        split=source.split,
        case=source.case,
        variant=source.variant,
        status="error" if answer is None else "ok",
        error=_text(reply.error or "there is no answer") if answer is None else None,
        wall_seconds=_seconds(reply.intended_ns, reply.ended_ns),
        attempts=reply.attempts,
        endpoint=reply.endpoint or source.endpoint,
        run_id=source.run_id,
        sent_at=clock.at(reply.first_sent_ns) if reply.first_sent_ns else None,
        ended_at=clock.at(reply.ended_ns) if reply.ended_ns else None,
        notes={} if answer is None else jsonable(answer.notes),
    )


def _seconds(begin_ns: int, end_ns: int) -> float:
    return round(max(0, end_ns - begin_ns) / 1e9, 9)


def _text(value: Any) -> str:
    """As it is, but for halves of characters, which no file of UTF-8 can hold."""
    return str(value).encode("utf-8", "replace").decode()
