"""Rows from a dataset on the Hugging Face hub, or from a local directory of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pytest_modelbench.datasets.hub import hub_answers, hub_endpoint
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.errors import ModelbenchError, missing_extra, one_line
from pytest_modelbench.registered import did_you_mean

_STREAMABLE_SPLIT = re.compile(r"(?P<name>\w[\w.\-]*)(?:\[(?P<start>\d*):(?P<stop>\d*)\])?")
_SAVED_DATASET, _SAVED_SPLITS = "state.json", "dataset_dict.json"


def rows(spec: DatasetSpec, base_dir: Path) -> Iterator[dict[str, Any]]:
    """The rows of `spec.dataset_id`, streamed; audio and images stay `{"bytes", "path"}`.

    A directory `base_dir/id` wins over the hub: one written by `save_to_disk`, or one of parquet,
    arrow, JSON, CSV or audio files. A split may be sliced; `test[:100]` streams, and what needs
    the split's length (`test[:10%]`, `test[-5:]`, `train+test`) is downloaded and prepared first.
    Nothing decodes media, so neither torchcodec nor Pillow is needed; no code of a dataset is run.

    Raises `ModelbenchError` naming what there is: a wrong id, configuration or split, a hub that
    does not answer; `Unavailable` without the `datasets` package.
    """
    try:
        import datasets  # noqa: F401
    except ImportError as error:
        raise missing_extra("datasets", "hf") from error
    read = 0
    try:
        for table in _tables(spec, base_dir):
            yield _with_bytes(table.to_pylist()[0], spec.input_column)
            read += 1
    except ModelbenchError:
        raise
    except Exception as error:
        raise ModelbenchError(
            f"dataset {spec.dataset_id!r}, row {read} cannot be read: {one_line(error)}"
        ) from error


def local_directory(spec: DatasetSpec, base_dir: Path) -> Path | None:
    """The directory that the id names, if there is one."""
    directory = base_dir / Path(spec.dataset_id or "").expanduser()
    return directory if spec.dataset_id and directory.is_dir() else None


def _tables(spec: DatasetSpec, base_dir: Path) -> Iterable[Any]:
    """One Arrow table a row.

    In the Arrow format `datasets` neither decodes nor encodes: casting a column to
    `Audio(decode=False)` still imports torchcodec when a streamed folder is encoded.
    """
    if not spec.dataset_id:
        raise ModelbenchError(
            "dataset source 'hf' needs an 'id': a dataset on the hub, or a local directory"
        )
    directory = local_directory(spec, base_dir)
    if directory is None:
        _check_hub_id(spec.dataset_id, base_dir)
        chosen = _load(spec, spec.dataset_id, offline=not hub_answers())
    elif (directory / _SAVED_DATASET).is_file() or (directory / _SAVED_SPLITS).is_file():
        chosen = _saved(spec, directory)
    else:
        chosen = _load(spec, str(directory), offline=False)
    tables: Iterable[Any] = chosen.with_format("arrow")
    return tables


def _check_hub_id(dataset_id: str, base_dir: Path) -> None:
    from datasets import packaged_modules

    if dataset_id.startswith(("/", ".", "~")) or dataset_id.count("/") > 1:
        where = base_dir / Path(dataset_id).expanduser()
        raise ModelbenchError(
            f"dataset {dataset_id!r}: {where} is not a directory"
            + ("; 'id' takes a directory, a single JSON file goes in 'path'" * where.exists())
        )
    # `datasets` would take the word for a format and read whatever lies in the working directory.
    if dataset_id in getattr(packaged_modules, "_PACKAGED_DATASETS_MODULES", ()):
        raise ModelbenchError(
            f"dataset {dataset_id!r} is a file format, not a dataset: give a hub id, a directory, "
            'or "source": "json" with a "path"'
        )


def _load(spec: DatasetSpec, place: str, offline: bool) -> Any:
    """The split of a hub id or directory, streamed where it can be."""
    import datasets

    streamed = _STREAMABLE_SPLIT.fullmatch(spec.split)
    before = datasets.config.HF_HUB_OFFLINE
    # Offline, `datasets` reads what an earlier run cached instead of retrying for minutes.
    datasets.config.HF_HUB_OFFLINE = before or offline
    try:
        if streamed:
            loaded = datasets.load_dataset(place, spec.config_name, streaming=True)
            return _sliced(loaded, streamed, spec)
        return datasets.load_dataset(place, spec.config_name, split=spec.split)
    except ModelbenchError:
        raise
    except Exception as error:
        raise ModelbenchError(_why_not_loaded(spec, error, offline)) from error
    finally:
        datasets.config.HF_HUB_OFFLINE = before


def _why_not_loaded(spec: DatasetSpec, error: Exception, offline: bool) -> str:
    what = f"dataset {spec.dataset_id!r}"
    if offline:
        return (
            f"{what} is neither a local directory nor cached, and the hub at {hub_endpoint()} does "
            "not answer: connect, or download it and give its directory as 'id'"
        )
    what += f", config {spec.config_name!r}" if spec.config_name else ""
    return f"{what}, split {spec.split!r} cannot be loaded: {' '.join(str(error).split())[:600]}"


def _sliced(splits: Any, asked: re.Match[str], spec: DatasetSpec) -> Any:
    name = asked["name"]
    if name not in splits:
        there = sorted(str(split) for split in splits)
        raise ModelbenchError(
            f"dataset {spec.dataset_id!r} has no split {name!r}; it has {', '.join(there)}"
            + did_you_mean(name, there)
        )
    chosen = splits[name]
    start, stop = int(asked["start"] or 0), asked["stop"]
    if start:
        chosen = chosen.skip(start)
    return chosen.take(max(0, int(stop) - start)) if stop else chosen


def _saved(spec: DatasetSpec, directory: Path) -> Any:
    """The split of a directory written by `save_to_disk`, memory-mapped."""
    import datasets

    saved = datasets.load_from_disk(str(directory))
    if isinstance(saved, datasets.Dataset):
        # A dataset saved on its own often has no split name; then it is whatever is asked for.
        saved = {str(saved.split or re.split(r"[\[+]", spec.split)[0]): saved}
    try:
        asked = datasets.ReadInstruction.from_spec(spec.split)
        parts = asked.to_absolute({name: len(rows) for name, rows in saved.items()})
    except (ValueError, AssertionError) as error:
        raise ModelbenchError(
            f"dataset {spec.dataset_id!r} has no split {spec.split!r}; "
            f"it has {', '.join(sorted(saved))} ({one_line(error)})"
        ) from None
    return datasets.concatenate_datasets(
        [saved[part.splitname].select(range(part.from_, part.to)) for part in parts]
    )


def _with_bytes(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    """Fetch media of the input columns that a streamed hub folder only points to."""
    for column in columns:
        value = row.get(column)
        if isinstance(value, dict) and value.keys() == {"bytes", "path"}:
            path = value["path"]
            if value["bytes"] is None and path and "://" in path:
                import fsspec  # type: ignore[import-untyped]

                with fsspec.open(path, "rb") as file:
                    row[column] = {"bytes": file.read(), "path": path}
    return row
