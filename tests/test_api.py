"""Suites from Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_modelbench import BenchmarkRun, ModelbenchError, run_benchmark

EchoSuite = Callable[..., Path]


def test_a_dry_run_of_the_quickstart_needs_no_argument() -> None:
    """The programmatic example of the registry autobench, with its imports renamed."""
    run = BenchmarkRun.load(run_benchmark(dry_run=True))
    assert run.metadata.run_id.startswith("benchmark_")
    assert [candidate.version for candidate in run.candidates] == ["digits-fp32", "digits-int8"]
    for candidate in run.candidates:
        assert candidate.latency_ms.status == "skipped"
        assert candidate.file_size_mb
        assert candidate.model_type in ("base", "quantized")


def test_a_suite_is_measured_and_its_run_written_where_it_is_told(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    file = echo_suite()
    path = run_benchmark(file, output_dir=pytester.path / "runs", models=["one"])
    assert path.parent.parent == pytester.path / "runs"
    run = BenchmarkRun.load(path)
    assert [(case.model, case.status) for case in run.cases] == [("one", "ok")]
    assert BenchmarkRun.load(run.save(pytester.path / "again.json")).to_dict() == run.to_dict()


def test_faults_of_a_suite_are_raised_in_our_own_words(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    file = echo_suite(benchmarks=[{"runner": "ecko", "model": "one"}])
    with pytest.raises(ModelbenchError, match="'ecko' is not a runner; did you mean 'echo'"):
        run_benchmark(file)
    with pytest.raises(ModelbenchError, match="no suite of that name"):
        run_benchmark("nothing-of-that-name")


def test_a_registry_says_nothing_of_what_to_measure(tmp_path: Path) -> None:
    registry = tmp_path / "registry.json"
    registry.write_text('[{"version": "v1", "model_path": "."}]')
    with pytest.raises(ModelbenchError, match="not what to measure"):
        run_benchmark(registry_path=registry)
    run = BenchmarkRun.load(run_benchmark(registry_path=registry, dry_run=True))
    assert run.candidates[0].latency_ms.status == "skipped"


def test_a_script_without_a_main_guard_runs_once(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    """Process libraries that import the script again in every child would run it again."""
    echo_suite()
    (pytester.path / "script.py").write_text(
        "from pytest_modelbench import run_benchmark\nprint(run_benchmark('echo.json'))\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=pytester.path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert len(json.loads(Path(line).read_text())["cases"]) == 2
