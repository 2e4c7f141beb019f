"""Running suites from Python."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError

OK = 0


class _Observer:
    """Learns where a session wrote its run, and what it could not collect."""

    def __init__(self, name: str | None = None) -> None:
        self.__name__ = name  # by which a session may know what it is for
        self.path: Path | None = None
        self.faults: list[str] = []
        self.status = 0
        """pytest's exit status."""

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.faults.append(report.longreprtext)

    def pytest_modelbench_run_written(self, path: Path) -> None:
        self.path = path


def run_benchmark(
    suite: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
    *,
    registry_path: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    models: Iterable[str] = (),
    devices: Iterable[str] = (),
    verbose: bool = False,
) -> Path:
    """Run suites in a pytest session of their own in this process; the path of the run written.

    Without `suite` it is the quickstart, unless there is a `registry_path`: then, as a registry
    says which models there are and not what to measure, only `dry_run` makes sense, and lists
    them. A case that fails does not raise: its status is in the run. Raises `ModelbenchError`
    with pytest's own words when nothing could be run.
    """
    if suite is None and registry_path is not None:
        return _list_registry(Path(registry_path), output_dir, dry_run=dry_run)
    suites = ["quickstart"] if suite is None else _as_list(suite)
    if not suites:
        raise ModelbenchError("there is no suite to run: the list of suites is empty")
    arguments = [f"--suite={os.fspath(one)}" for one in suites]
    arguments += [f"--suite-model={name}" for name in models]
    arguments += [f"--suite-device={name}" for name in devices]
    if registry_path is not None:
        arguments.append(f"--suite-registry={os.fspath(registry_path)}")
    if dry_run:
        arguments.append("--suite-dry-run")
    if output_dir is not None:
        arguments.append(f"--suite-output-dir={Path(output_dir).absolute()}")
    observer, said = _pytest(arguments, verbose=verbose)
    if observer.path is None:
        raise ModelbenchError("\n".join(observer.faults) or said or "pytest wrote no run")
    return observer.path


def check_suite(file: Path) -> None:
    """Collect a suite as pytest would, conftests included. Raises `ModelbenchError` with faults."""
    from pytest_modelbench.plugin_objects import CHECKER

    arguments = [f"--suite={file}", "--collect-only", "-q"]
    observer, said = _pytest(arguments, verbose=False, observer=_Observer(CHECKER))
    if observer.faults or observer.status != OK:
        raise ModelbenchError("\n".join(observer.faults) or said)


def _as_list(suite: Any) -> list[Any]:
    return [suite] if isinstance(suite, str | os.PathLike) else list(suite)


def _pytest(
    arguments: list[str], *, verbose: bool, observer: _Observer | None = None
) -> tuple[_Observer, str]:
    """Run pytest here; what was observed, and unless `verbose` what it said."""
    import pytest

    observer = observer or _Observer()
    # The caller's own pytest settings are about the caller's tests.
    arguments = ["-c", os.devnull, f"--rootdir={Path.cwd()}", "-p", "no:cacheprovider", *arguments]
    text = io.StringIO()
    with contextlib.ExitStack() as changes:
        changes.enter_context(_without_variable("PYTEST_ADDOPTS"))
        if verbose:
            arguments.append("-v")
        else:
            changes.enter_context(contextlib.redirect_stdout(text))
            changes.enter_context(contextlib.redirect_stderr(text))
        observer.status = int(pytest.main(arguments, plugins=[observer]))
    return observer, text.getvalue().strip()


@contextlib.contextmanager
def _without_variable(name: str) -> Iterator[None]:
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


def _list_registry(
    registry_path: Path, output_dir: str | os.PathLike[str] | None, *, dry_run: bool
) -> Path:
    """A run that lists the models of a registry and measures nothing."""
    import sys

    from pytest_modelbench.recording.assemble import assemble_run
    from pytest_modelbench.recording.manifest import candidate_record
    from pytest_modelbench.recording.provenance import run_metadata, system_info
    from pytest_modelbench.registry import load_registry
    from pytest_modelbench.results.store import runs_folder
    from pytest_modelbench.runs.folder import cannot_be_made, make_run_folder
    from pytest_modelbench.runs.summary import write_summary

    if not dry_run:
        raise ModelbenchError(
            f"{registry_path} says which models there are, not what to measure: give a suite too, "
            "or ask for a dry run, which lists them"
        )
    candidates = load_registry(registry_path).candidates()
    parent = runs_folder() if output_dir is None else Path(output_dir).absolute()
    try:
        folder = make_run_folder(parent)
    except OSError as error:
        raise cannot_be_made(parent, error, "output_dir") from None
    metadata = run_metadata(sys.argv, Path.cwd(), dry_run=True, run_id=folder.run_id)
    run = assemble_run(metadata, system_info(), [], candidates=map(candidate_record, candidates))
    written = run.save(folder.run_file)
    write_summary(run, folder)
    return written
