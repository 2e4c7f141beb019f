"""The usable samples of a dataset, and an account of the rows that are not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pytest_modelbench.datasets import DATASET_SOURCES
from pytest_modelbench.datasets.audio import audio_path, audio_source, audio_url, decode_audio
from pytest_modelbench.datasets.hugging_face import local_directory
from pytest_modelbench.datasets.json_files import json_path
from pytest_modelbench.datasets.samples import AudioAddress, Sample, UnusableRow
from pytest_modelbench.datasets.spec import DatasetSpec, InputKind
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.paths import path_from
from pytest_modelbench.registered import did_you_mean

USUAL_REFERENCES = ("text", "sentence", "transcript", "transcription", "normalized_text")
"""`hf`: where the reference is looked for when the suite names no column that is there."""
ROWS_WITHOUT_HOPE = 1000
"""Give up when so many rows from the start held no usable one."""
DURATION_COLUMNS = ("duration", "duration_seconds", "audio_length_s")
"""`audio_url`: where a row may say how many seconds its sound lasts."""
_NAMED_UNUSABLE = 20
_AUDIO_KINDS = ("audio", "audio_url")


class _UnusableError(Exception):
    """Why one row cannot be a sample."""


class SampleReader:
    """Gives the first `spec.max_samples` usable rows, one by one; others do not count.

    A row is unusable when an input is absent, null, blank or of the wrong type for `input_kind`
    ("text" takes strings, "audio" what `decode_audio` decodes, "audio_url" an http or https
    address, "any" takes all), or when a reference column is in use and its value is absent, null,
    NaN or blank: a blank reference counts as none. Two input columns give pairs. A sample's id is
    its row number from 0.

    Raises `ModelbenchError` when no row has a column that was asked for, when there is no usable
    row at all or none among the first 1,000; and what the source raises.
    """

    def __init__(self, spec: DatasetSpec, base_dir: Path, input_kind: InputKind) -> None:
        if input_kind in _AUDIO_KINDS and len(spec.columns) != 1:
            raise ModelbenchError(
                f"input_column {spec.columns} has two columns; an audio model takes one"
            )
        self.unusable: list[UnusableRow] = []
        """At most the first 20 of the unusable rows."""
        self.unusable_count = 0
        self.reference_column = spec.reference_column
        """The column of the references; None when there are none."""
        self._spec = spec
        self._base_dir = base_dir
        self._input_kind = input_kind
        self._read_input = _input_reader(spec, base_dir, input_kind)
        self._columns: dict[str, None] = {}

    def __iter__(self) -> Iterator[Sample]:
        rows = DATASET_SOURCES.get(self._spec.source)(self._spec, self._base_dir)
        with ExitStack() as leaving:
            if close := getattr(rows, "close", None):
                leaving.callback(close)
            yield from self._usable(rows)

    def _usable(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
        seen = found = 0
        for number, row in enumerate(rows):
            seen = number + 1
            if row.keys() != self._columns.keys():
                self._columns |= dict.fromkeys(row)
            if number == 0 and self._spec.source == "hf":
                # Columns of a hub dataset are the same in every row: say at once what is wrong.
                self.reference_column = _hub_reference_column(self._spec, row, self._input_kind)
                self._check_columns()
            try:
                sample = Sample(
                    str(number), self._read_input(row), self._reference(row), self._source(row)
                )
            except _UnusableError as reason:
                self._pass_over(number, str(reason))
                if not found and seen == ROWS_WITHOUT_HOPE:
                    self._check_columns()
                    raise self._nothing_usable(f"among its first {seen:,} rows") from None
                continue
            yield sample
            found += 1
            if found == self._spec.max_samples:
                return
        if not seen:
            raise ModelbenchError(f"{_named(self._spec)} is empty: it has no rows")
        if not found:
            self._check_columns()
            raise self._nothing_usable(f"in its {seen:,} rows")

    def _pass_over(self, row: int, reason: str) -> None:
        self.unusable_count += 1
        if len(self.unusable) < _NAMED_UNUSABLE:
            self.unusable.append(UnusableRow(row, reason))

    def _reference(self, row: Mapping[str, Any]) -> Any:
        if self.reference_column is None:
            return None
        value = _present(row, self.reference_column, "reference")
        if isinstance(value, float) and math.isnan(value):
            raise _UnusableError(f"the reference {self.reference_column!r} is NaN")
        return value

    def _source(self, row: Mapping[str, Any]) -> str | None:
        is_audio = self._input_kind in _AUDIO_KINDS
        return audio_source(row[self._spec.columns[0]]) if is_audio else None

    def _check_columns(self) -> None:
        asked = [("input_column", column) for column in self._spec.columns]
        if self.reference_column is not None:
            asked.append(("reference_column", self.reference_column))
        for field, column in asked:
            if column not in self._columns:
                known = list(self._columns)
                raise ModelbenchError(
                    f"{_named(self._spec)} has no column {column!r} ({field}); "
                    f"it has {', '.join(known) or 'none'}{did_you_mean(column, known)}"
                )

    def _nothing_usable(self, where: str) -> ModelbenchError:
        first = self.unusable[0]
        return ModelbenchError(
            f"{_named(self._spec)} has no usable row {where}; row {first.row}: {first.reason}"
        )


def _hub_reference_column(
    spec: DatasetSpec, row: Mapping[str, Any], input_kind: InputKind
) -> str | None:
    """The column asked for if it is there, else the first of the usual transcripts.

    Beside texts such a column is no reference: a text is not what their vectors are scored against.
    """
    if spec.reference_column in row or input_kind == "text":
        return spec.reference_column
    usual = (name for name in USUAL_REFERENCES if name in row and name not in spec.columns)
    return next(usual, spec.reference_column)


def _input_reader(
    spec: DatasetSpec, base_dir: Path, input_kind: InputKind
) -> Callable[[Mapping[str, Any]], Any]:
    """How a row becomes an input. It raises `_UnusableError`."""
    folders = _audio_folders(spec, base_dir) if input_kind == "audio" else []
    columns = spec.columns

    def read_one(row: Mapping[str, Any], column: str) -> Any:
        value = _present(row, column, "input")
        if input_kind == "audio":
            return _audio(value, spec.sampling_rate, folders)
        if input_kind == "audio_url":
            return _audio_address(value, column, row)
        if input_kind == "text" and not isinstance(value, str):
            raise _UnusableError(
                f"the input {column!r} is of type {type(value).__name__}, not text"
            )
        return value

    if len(columns) == 1:
        return lambda row: read_one(row, columns[0])
    return lambda row: tuple(read_one(row, column) for column in columns)


def _present(row: Mapping[str, Any], column: str, role: str) -> Any:
    if column not in row:
        raise _UnusableError(f"the {role} {column!r} is absent")
    value = row[column]
    if value is None:
        raise _UnusableError(f"the {role} {column!r} is null")
    if isinstance(value, str) and not value.strip():
        raise _UnusableError(f"the {role} {column!r} is blank")
    return value


def _audio(value: Any, sampling_rate_hz: int, folders: list[Path]) -> Any:
    path = audio_path(value)
    folder = folders[0]
    try:
        if path is not None:
            holding = (each for each in folders if path_from(path, each).is_file())
            folder = next(holding, folder)
        return decode_audio(value, sampling_rate_hz, folder)
    except Unavailable:
        raise
    except ModelbenchError as error:
        raise _UnusableError(str(error)) from error


def _audio_address(value: Any, column: str, row: Mapping[str, Any]) -> AudioAddress:
    url = audio_url(value)
    if url is None:
        raise _UnusableError(f"the input {column!r} is no http or https address")
    lengths = (row.get(name) for name in DURATION_COLUMNS)
    seconds = next((one for one in lengths if isinstance(one, int | float)), None)
    return AudioAddress(url, float(seconds) if seconds and 0 < seconds < math.inf else None)


def _audio_folders(spec: DatasetSpec, base_dir: Path) -> list[Path]:
    """Where relative audio paths are looked for: beside the data, then beside the suite."""
    if spec.source == "hf":
        beside = local_directory(spec, base_dir)
    else:
        beside = json_path(spec, base_dir).parent if spec.path else None
    return [beside, base_dir] if beside else [base_dir]


def _named(spec: DatasetSpec) -> str:
    if spec.source == "hf":
        return f"dataset {spec.dataset_id!r}, split {spec.split!r},"
    return f"dataset {spec.path!r}" if spec.path else f"dataset of source {spec.source!r}"
