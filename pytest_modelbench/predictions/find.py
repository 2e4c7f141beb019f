"""The files of predictions that a person names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, WrongUsage
from pytest_modelbench.paths import path_from
from pytest_modelbench.predictions.file_names import SUFFIX
from pytest_modelbench.runs.folder import RUN_FILE, RUN_ID, RunFolder
from pytest_modelbench.views.named import named_run
from pytest_modelbench.views.stored import Stored


def prediction_files(names: Iterable[str], store: Path) -> list[Path]:
    """Each file once, in the order given: files, directories of them, and runs.

    Raises `ModelbenchError` for a name that leads to none.
    """
    found: dict[Path, Path] = {}
    for name in names:
        for file in _files(name, store):
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _files(name: str, store: Path) -> list[Path]:
    path = path_from(name, Path.cwd())
    if path.is_dir():
        return _in_directory(path, name)
    if path.exists() and path.name != RUN_FILE:
        return [path]
    if SUFFIX in name:
        raise WrongUsage(f"{name!r}: no such file")
    run = named_run(name, store)
    folder = run.folder if isinstance(run, Stored) else RunFolder(run.parent)
    return _of_run(folder, name)


def _in_directory(path: Path, name: str) -> list[Path]:
    if RUN_ID.fullmatch(path.resolve().name) or RunFolder(path).predictions.is_dir():
        return _of_run(RunFolder(path), name)
    if files := _lines_files(path):
        return files
    raise WrongUsage(f"{name!r} is a directory without any file of predictions (*{SUFFIX})")


def _of_run(folder: RunFolder, name: str) -> list[Path]:
    if files := _lines_files(folder.predictions):
        return files
    raise ModelbenchError(
        f"{name!r}: the run kept no predictions: cases of runner transcription_api do, "
        f"in {folder.predictions}"
    )


def _lines_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob(f"*{SUFFIX}") if file.is_file())
