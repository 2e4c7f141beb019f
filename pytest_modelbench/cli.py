"""The `modelbench` command: a thin layer over the same code that the plugin uses."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_modelbench.cli_calibrate import add_calibrate
from pytest_modelbench.cli_compare import add_compare
from pytest_modelbench.cli_export import add_export
from pytest_modelbench.cli_history import add_history
from pytest_modelbench.cli_prune import add_prune
from pytest_modelbench.cli_recover import add_recover
from pytest_modelbench.cli_report import add_report
from pytest_modelbench.cli_runs import add_runs
from pytest_modelbench.cli_score import add_score
from pytest_modelbench.cli_show import add_show
from pytest_modelbench.cli_watch import add_watch
from pytest_modelbench.errors import ModelbenchError, Unavailable, WrongUsage

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for faults or failures, 2 for wrong usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name in another alphabet is no reason to end
        sys.stdout.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    status = OK
    try:
        status = int(options.command(options))
        sys.stdout.flush()
        return status
    except ModelbenchError as error:
        print(error, file=sys.stderr)
        return USAGE if isinstance(error, WrongUsage) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _write_no_more()
        return status
    except OSError as error:  # a disk that is full, a directory of another user's
        print(f"{error.filename or 'modelbench'}: {error.strerror or error}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:
            _write_no_more()
        return FAILED


def _write_no_more() -> None:
    """What is left of the output would fail again at the end, and be the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="modelbench", description="Benchmark machine-learning models."
    )
    parser.add_argument("--version", action=_Version, help="show the version and stop")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run suites, as `pytest --suite` does")
    _add_run_options(run)
    run.set_defaults(command=_run)
    for add in (add_runs, add_show, add_watch, add_history, add_compare, add_report, add_export,
                add_score, add_recover, add_prune, add_calibrate):  # fmt: skip
        add(commands)
    validate = commands.add_parser("validate", help="check suite, registry and run files")
    validate.add_argument("file", nargs="+", type=Path, help="a JSON file")
    validate.add_argument("--kind", choices=("suite", "run", "registry"), help="do not guess it")
    validate.set_defaults(command=_validate)
    schema = commands.add_parser("schema", help="print a published JSON Schema")
    schema.add_argument("kind", choices=("suite", "run", "registry"), help="of which document")
    schema.set_defaults(command=_schema)
    runners = commands.add_parser("runners", help="list runners, their metrics and what they need")
    runners.set_defaults(command=_list_runners)
    devices = commands.add_parser("devices", help="list the devices present, by runner")
    devices.set_defaults(command=_list_devices)
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for: that takes longer than all the parsing."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(nargs=0, **fields)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(version("pytest-modelbench"))
        parser.exit()


def _add_run_options(run: argparse.ArgumentParser) -> None:
    run.add_argument("name", nargs="*", metavar="SUITE", help="suite files or names")
    run.add_argument("--suite", action="append", default=[], help="the same, as an option")
    run.add_argument("--registry", metavar="FILE", help="the registry of models")
    run.add_argument(
        "--model", action="append", default=[], metavar="NAME", help="only models of this name"
    )
    run.add_argument(
        "--device", action="append", default=[], metavar="DEVICE", help="instead of the suite's"
    )
    run.add_argument("--output", metavar="FILE", help="write the run to this file")
    run.add_argument("--output-dir", metavar="DIR", help="keep the run in its own directory in DIR")
    run.add_argument("--dry-run", action="store_true", help="list every case; measure nothing")
    run.add_argument("--quick", action="store_true", help="a mere trial: 5 samples, few calls")
    run.add_argument("--preflight", action="store_true", help="only look whether all is there")
    run.add_argument("--strict", action="store_true", help="an unjudged bound fails")
    run.add_argument("-n", "--workers", metavar="N", help="parallel workers (pytest-xdist)")
    run.add_argument("-v", "--verbose", action="store_true", help="a line for each case")
    run.add_argument("--list-runners", action="store_true", help="list runners and stop")


def _run(options: argparse.Namespace) -> int:
    if options.list_runners:
        return _list_runners(options)
    suites = [*options.name, *options.suite] or _from_environment("MODEL_BENCH_SUITE")
    output = options.output
    if output is None:
        output = next(iter(_from_environment("MODEL_BENCH_OUTPUT")), None)
    if not suites and options.registry:
        return _list_registry(options)
    arguments = [f"--suite={name}" for name in suites or ["quickstart"]]
    arguments += [f"--suite-model={name}" for name in options.model]
    arguments += [f"--suite-device={name}" for name in options.device]
    arguments += [] if options.registry is None else [f"--suite-registry={options.registry}"]
    arguments += [] if output is None else [f"--suite-output={output}"]
    if options.output_dir is not None:
        arguments += [f"--suite-output-dir={options.output_dir}"]
    arguments += ["--suite-dry-run"] if options.dry_run else []
    arguments += ["--suite-quick"] if options.quick else []
    arguments += ["--suite-preflight"] if options.preflight else []
    arguments += ["--suite-strict"] if options.strict else []
    arguments += ["-n", options.workers] if options.workers else []
    arguments += ["-v"] if options.verbose else []
    import pytest

    return int(pytest.main(arguments))


def _list_registry(options: argparse.Namespace) -> int:
    from pytest_modelbench.api import run_benchmark
    from pytest_modelbench.results.run import BenchmarkRun

    path = run_benchmark(
        registry_path=options.registry, output_dir=options.output_dir, dry_run=options.dry_run
    )
    for candidate in BenchmarkRun.load(path).candidates:
        size = "" if candidate.file_size_mb is None else f"  {candidate.file_size_mb:.1f} MB"
        print(f"{candidate.version}  {candidate.model_type}{size}")
    print(f"run written to {path}")
    return OK


def _from_environment(name: str) -> list[str]:
    value = os.environ.get(name, "").strip()
    return [value] if value else []


def _validate(options: argparse.Namespace) -> int:
    faults = 0
    for file in options.file:
        try:
            kind = _validate_one(file, options.kind)
        except ModelbenchError as error:
            faults += 1
            print(error, file=sys.stderr)
        else:
            print(f"{file}: a valid {kind}")
    return FAILED if faults else OK


def _validate_one(file: Path, kind: str | None) -> str:
    from pytest_modelbench.documents.read import read_document

    kind = kind or _guess_kind(read_document(file).value)
    if kind == "suite":
        from pytest_modelbench.api import check_suite

        check_suite(file.absolute())
    elif kind == "registry":
        from pytest_modelbench.registry import load_registry

        load_registry(file.absolute())
    else:
        from pytest_modelbench.results.run import BenchmarkRun

        BenchmarkRun.load(file)
    return kind


def _guess_kind(value: object) -> str:
    if isinstance(value, list):
        return "registry"
    if isinstance(value, dict) and ("schema_version" in value or "system_info" in value):
        return "run"
    return "suite"


def _schema(options: argparse.Namespace) -> int:
    from pytest_modelbench.schemas import schema_text

    print(schema_text(options.kind), end="")
    return OK


def _list_runners(options: argparse.Namespace) -> int:
    from pytest_modelbench.catalogue import LOAD_METRICS
    from pytest_modelbench.runners import RUNNERS
    from pytest_modelbench.runners.declared import metrics_of_runner

    for name in RUNNERS.names():
        try:
            runner = RUNNERS.get(name)()
        except ModelbenchError as error:
            print(f"{name}: {error}")
            continue
        summary = (type(runner).__doc__ or "").strip().partition("\n")[0]
        print(f"{name}: {summary}")
        metrics = metrics_of_runner(runner)
        asks = set(LOAD_METRICS) <= metrics
        own = [*sorted(metrics.difference(LOAD_METRICS if asks else ()))]
        own += [f"{len(LOAD_METRICS)} of its requests, such as p99_ttft_ms"] if asks else []
        print(f"  input: {runner.input_kind}; metrics of its own: {', '.join(own) or 'none'}")
        if lines := sorted({need.install_line for need in runner.requirements({})}):
            print(f"  needs: {'; '.join(lines)}")
    return OK


def _list_devices(options: argparse.Namespace) -> int:
    from pytest_modelbench.runners import RUNNERS

    for name in RUNNERS.names():
        try:
            print(f"{name}: {', '.join(RUNNERS.get(name)().devices())}")
        except Unavailable as reason:
            print(f"{name}: unknown: {reason}")
        except ModelbenchError as error:
            print(f"{name}: {error}")
    return OK


if __name__ == "__main__":
    sys.exit(main())
