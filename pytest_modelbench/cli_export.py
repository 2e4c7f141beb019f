"""`modelbench export`: runs for other programs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import RUN, add_dir, store_at_option, tell
from pytest_modelbench.errors import ModelbenchError, WrongUsage

if TYPE_CHECKING:
    from pytest_modelbench.export.rows import Row
    from pytest_modelbench.results.run import BenchmarkRun

FORMATS = ("csv", "jsonl", "parquet", "pytest-benchmark", "junit")


def add_export(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser(
        "export", help="runs as CSV, JSON lines, Parquet, pytest-benchmark's JSON, or JUnit XML"
    )
    parser.add_argument("run", metavar="RUN", nargs="+", help=RUN)
    parser.add_argument(
        "--format",
        choices=FORMATS,
        required=True,
        help="csv, jsonl and parquet have a row for each metric of each case; pytest-benchmark is "
        "what `pytest-benchmark compare` and `--benchmark-compare` read",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write to this file, instead of printing it"
    )
    add_dir(parser)
    parser.set_defaults(command=_export)


def _export(options: argparse.Namespace) -> int:
    from pytest_modelbench.paths import file_to_write
    from pytest_modelbench.views.opened import open_run

    file = file_to_write("--output", options.output, Path.cwd())
    if file is None and options.format == "parquet":
        raise WrongUsage("--format parquet is no text: say where to write it with --output")
    if len(options.run) > 1 and options.format == "pytest-benchmark":
        raise WrongUsage(
            f"--format pytest-benchmark has one run a file: export each of the {len(options.run)} "
            "to its own"
        )
    store = store_at_option(options)
    runs = []
    for text in options.run:
        opened = open_run(text, store)
        for note in opened.notes:
            tell(note)
        runs.append(opened.run)
    if options.format == "parquet":
        assert file is not None
        written: Path | None = _write_parquet(runs, file)
    else:
        written = _write(_text(runs, options.format), file)
    if written is not None:
        print(f"written to {written}")
    return 0


def _write(text: str, file: Path | None) -> Path | None:
    """To a file as UTF-8; without one, to the output."""
    from pytest_modelbench.results.store import write_atomically

    if file is None:
        if hasattr(sys.stdout, "reconfigure"):  # a file of it is read as UTF-8 wherever it goes
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        sys.stdout.write(text)
        return None
    return write_atomically(file, text, "the export", "--output")


def _write_parquet(runs: list[BenchmarkRun], file: Path) -> Path:
    """Beside its place first, so that there is never half of it."""
    from pytest_modelbench.export.tables import write_parquet

    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_parquet(_rows(runs), part)
        part.replace(file)
    except OSError as error:
        raise ModelbenchError(
            f"{file}: the export cannot be written ({error.strerror}): give a writable place with "
            "--output"
        ) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return file


def _text(runs: list[BenchmarkRun], kind: str) -> str:
    from pytest_modelbench.export.junit import junit_text
    from pytest_modelbench.export.pytest_benchmark import pytest_benchmark_text
    from pytest_modelbench.export.tables import csv_text, jsonl_text

    if kind == "junit":
        return junit_text(*runs)
    if kind == "pytest-benchmark":
        text, left_out = pytest_benchmark_text(runs[0])
        for case_id, reason in left_out.items():
            tell(f"left out: {case_id}: {reason}")
        return text
    return csv_text(_rows(runs)) if kind == "csv" else jsonl_text(_rows(runs))


def _rows(runs: list[BenchmarkRun]) -> Iterator[Row]:
    from pytest_modelbench.export.rows import rows_of

    for run in runs:
        yield from rows_of(run)
