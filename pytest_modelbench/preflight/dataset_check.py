"""Whether a dataset is there and has the columns that are asked for, by its first rows."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.datasets import DATASET_SOURCES, generated, hugging_face, json_files
from pytest_modelbench.datasets.audio import audio_path
from pytest_modelbench.datasets.load import ROWS_WITHOUT_HOPE, SampleReader
from pytest_modelbench.datasets.spec import FILE_SOURCES, DatasetSpec, InputKind
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.importable import is_importable
from pytest_modelbench.paths import path_from
from pytest_modelbench.preflight.findings import Finding
from pytest_modelbench.preflight.subjects import Memo, Subject
from pytest_modelbench.registered import did_you_mean
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Runner, input_kind_of
from pytest_modelbench.runners.hub_cache import is_cached, is_offline

ROWS_WITH_FILES = 20
"""In some of which the file should be there."""
LONGEST_SECONDS = 0.1
"""Of reading rows in search of a column. Whoever measures will look further."""


def check_dataset(subject: Subject, runner: Runner, memo: Memo) -> Iterator[Finding]:
    """What the case's own process would say of its dataset as soon as it began."""
    case = subject.case
    if not subject.is_here:
        return
    yield from memo.once(
        _key(subject),
        lambda: list(_findings(case.dataset, case.base_dir, input_kind_of(runner, case.params))),
    )


def is_readable(subject: Subject, memo: Memo) -> bool:
    """After that: whether nothing was found to be wrong, and nothing may have to be fetched."""
    found: list[Finding] = memo.once(_key(subject), list)
    spec = subject.case.dataset
    return not found and not (
        spec.source == "hf"
        and hugging_face.local_directory(spec, subject.case.base_dir) is None
        and not is_offline("datasets")
    )


def _key(subject: Subject) -> Hashable:
    case = subject.case
    return ("dataset", _kind(case), case.dataset.model_dump_json(), case.base_dir)


def _kind(case: Case) -> InputKind | None:
    try:
        return input_kind_of(RUNNERS.get(case.runner)(), case.params)
    except Exception:  # of a runner that cannot be made it is told elsewhere
        return None


def _findings(spec: DatasetSpec, base_dir: Path, kind: InputKind) -> Iterator[Finding]:
    try:
        SampleReader(spec, base_dir, kind)
        read = DATASET_SOURCES.get(spec.source)  # which may be a user's own
        if read is hugging_face.rows:
            yield from _of_hub(spec, base_dir)
        elif read in (json_files.rows, generated.rows):
            yield from _of_rows(spec, base_dir, kind)
    except ModelbenchError as error:
        yield Finding(str(error))


def _of_hub(spec: DatasetSpec, base_dir: Path) -> Iterator[Finding]:
    """Its columns are known only to `datasets`, which takes a second to import."""
    if not is_importable("datasets"):
        yield Finding("datasets is not installed", 'pip install "pytest-modelbench[hf]"')
    if hugging_face.local_directory(spec, base_dir) is not None or is_cached(
        str(spec.dataset_id), "datasets"
    ):
        return
    if is_offline("datasets"):
        yield Finding(
            f"dataset {spec.dataset_id!r} is neither a directory nor in the local cache of the "
            "hub, and HF_HUB_OFFLINE or HF_DATASETS_OFFLINE is set",
            "fetch it once without that variable, or give its directory as 'id'",
        )
    else:
        note = f"dataset {spec.dataset_id!r} will be read from the hub"
        yield Finding(note, is_problem=False)


def _of_rows(spec: DatasetSpec, base_dir: Path, kind: InputKind) -> Iterator[Finding]:
    asked = dict.fromkeys(spec.columns, "input_column")
    if spec.reference_column is not None:
        asked.setdefault(spec.reference_column, "reference_column")
    is_audio = kind == "audio"
    rows = _first_rows(spec, base_dir, set(asked), at_least=ROWS_WITH_FILES if is_audio else 1)
    is_file = spec.source in FILE_SOURCES
    where = f"dataset {spec.path!r}" if is_file else f"dataset of source {spec.source!r}"
    if not rows:
        yield Finding(f"{where} is empty", "give one with rows")
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for column, field in asked.items():
        if column not in columns:
            among = "its only row" if len(rows) == 1 else f"its first {len(rows)} rows"
            yield Finding(
                f"{where} has no column {column!r} ({field}) in {among}",
                f"it has {', '.join(columns)}{did_you_mean(column, columns)}",
            )
    if is_audio:
        yield from _of_audio(where, [row.get(spec.columns[0]) for row in rows], spec, base_dir)


def _first_rows(
    spec: DatasetSpec, base_dir: Path, asked: set[str], at_least: int
) -> list[Mapping[str, Any]]:
    """As few as show all columns that are asked for, if any do."""
    seen: list[Mapping[str, Any]] = []
    end = time.monotonic() + LONGEST_SECONDS
    missing = set(asked)
    for row in DATASET_SOURCES.get(spec.source)(spec, base_dir):
        seen.append(row)
        missing -= row.keys()
        is_enough = not missing and len(seen) >= at_least
        if is_enough or len(seen) == ROWS_WITHOUT_HOPE or time.monotonic() > end:
            break
    return seen


def _is_file(path: str, folder: Path) -> bool:
    try:
        return path_from(path, folder).is_file()
    except ModelbenchError:
        return False


def _of_audio(
    where: str, values: list[Any], spec: DatasetSpec, base_dir: Path
) -> Iterator[Finding]:
    """Whether any of the files is there, and what reads them."""
    given = [one for one in values if one is not None]
    is_array = [isinstance(one, dict) and one.get("array") is not None for one in given]
    if given and not all(is_array) and not is_importable("soundfile"):
        yield Finding("soundfile is not installed", 'pip install "pytest-modelbench[audio]"')
    paths = [path for one in given if (path := audio_path(one)) is not None]
    if not paths or len(paths) < len(given):
        return
    folders = dict.fromkeys((json_files.json_path(spec, base_dir).parent, base_dir))
    if not any(_is_file(path, folder) for path in paths for folder in folders):
        yield Finding(
            f"{where}: no audio file of its first {len(paths)} rows is there, such as {paths[0]!r}",
            f"paths are relative to {' or '.join(map(str, folders))}",
        )
