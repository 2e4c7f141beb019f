"""The `modelbench` command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_modelbench import BenchmarkRun

EchoSuite = Callable[..., Path]


def modelbench(
    *arguments: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_modelbench.cli", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_run_is_pytest_with_that_suite(pytester: pytest.Pytester, echo_suite: EchoSuite) -> None:
    echo_suite()
    done = modelbench("run", "echo.json", "--output=run.json", folder=pytester.path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "modelbench: echo (2 cases)" in done.stdout
    assert len(BenchmarkRun.load(pytester.path / "run.json").cases) == 2


def test_run_takes_the_older_tools_flags_and_variables(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    done = modelbench(
        "run",
        "--dry-run",
        folder=pytester.path,
        MODEL_BENCH_SUITE="echo.json",
        MODEL_BENCH_OUTPUT="out.json",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert BenchmarkRun.load(pytester.path / "out.json").metadata.dry_run
    done = modelbench(
        "run", "--suite=echo.json", "--output-dir=runs", "--verbose", "--model=one",
        folder=pytester.path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = (pytester.path / "runs").glob("benchmark_*/run.json")
    assert [case.model for case in BenchmarkRun.load(file).cases] == ["one"]


def test_a_broken_bound_is_the_exit_status(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite(criteria=[{"metric": "exact_match", "goal": "max", "min": 0.95}])
    assert modelbench("run", "echo.json", folder=pytester.path).returncode == 1


def test_a_registry_alone_can_be_listed(tmp_path: Path) -> None:
    entries = [
        {"version": "v1", "model_path": ".", "base_model": "b"},
        {"version": "v2", "model_path": "gone", "quantization": "int8"},
    ]
    (tmp_path / "registry.json").write_text(json.dumps(entries))
    done = modelbench("run", "--registry=registry.json", "--dry-run", folder=tmp_path)
    assert done.returncode == 0
    assert "v2  quantized" in done.stdout
    done = modelbench("run", "--registry=registry.json", folder=tmp_path)
    assert done.returncode == 1
    assert "not what to measure" in done.stderr


def test_validate_tells_the_kinds_apart_and_names_every_fault(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    folder = pytester.path
    modelbench("run", "echo.json", "--output=run.json", folder=folder)
    (folder / "registry.json").write_text('[{"version": "v1", "model_path": "."}]')
    done = modelbench("validate", "echo.json", "registry.json", "run.json", folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "echo.json: a valid suite",
        "registry.json: a valid registry",
        "run.json: a valid run",
    ]
    (folder / "bad.json").write_text('{"benchmarks": [{"runner": "ecko"}]}')
    (folder / "bad_registry.json").write_text('[{"version": "v1"}]')
    done = modelbench("validate", "bad.json", "bad_registry.json", "gone.json", folder=folder)
    assert done.returncode == 1
    assert "'ecko' is not a runner; did you mean 'echo'?" in done.stderr
    assert "bad_registry.json:1: [0].model_path: is missing" in done.stderr
    assert "gone.json: no such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_validate_looks_at_candidates_that_wait_for_a_baseline(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    wrong = {"model": "./nosuch", "revision": "main"}
    file = echo_suite(compare={"candidates": {"a": wrong, "b": {"python": "no/python"}}})
    done = modelbench("validate", file.name, folder=pytester.path)
    assert done.returncode == 1
    assert "3 mistakes in this suite" in done.stderr
    for field, fault in {
        "a.model": "'./nosuch': there is no such file",
        "a.revision": f"'main': {pytester.path} is in no git repository",
        "b.python": "'no/python': there is no such interpreter",
    }.items():
        assert f"compare: {field}: {fault}" in done.stderr
    listed = pytester.runpytest_subprocess(file.name, "--suite-dry-run", "-p", "no:cacheprovider")
    assert listed.ret == pytest.ExitCode.OK  # measured as if `compare` were not there


@pytest.mark.parametrize("kind", ["suite", "run", "registry"])
def test_schema_prints_the_published_schema(tmp_path: Path, kind: str) -> None:
    from pytest_modelbench.schemas import committed_file

    done = modelbench("schema", kind, folder=tmp_path)
    assert done.stdout == committed_file(kind).read_text()


def test_runners_are_listed_with_what_they_need(tmp_path: Path) -> None:
    for arguments in (["runners"], ["run", "--list-runners"]):
        done = modelbench(*arguments, folder=tmp_path)
        assert done.returncode == 0
        assert "whisper_asr: " in done.stdout
        assert 'pip install "pytest-modelbench[openvino]"' in done.stdout


def test_devices_are_listed_by_runner(tmp_path: Path) -> None:
    done = modelbench("devices", folder=tmp_path)
    assert done.returncode == 0
    assert "\nembedding_text: " in done.stdout
    assert "\ntranscription_api: endpoint\n" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["dance"], ["schema", "song"], ["validate"]])
def test_wrong_usage_is_status_2(tmp_path: Path, arguments: list[str]) -> None:
    done = modelbench(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert "usage: modelbench" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="a pipe whose reader is gone")
def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path) -> None:
    theirs, ours = os.pipe()
    os.close(theirs)
    command = [sys.executable, "-m", "pytest_modelbench.cli", "schema", "run"]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=ours, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(ours)
    assert (done.returncode, done.stderr) == (0, "")
