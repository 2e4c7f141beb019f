"""Where the Markdown of a session goes: a file, a step's summary, the command's output."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import scipy.special  # noqa: F401 - pytester unloads what a test imports, and numpy loads but once

from pytest_modelbench import BenchmarkRun
from pytest_modelbench.cli import main as modelbench
from pytest_modelbench.report.markdown import MOST_SUMMARY_BYTES, markdown_of

EchoSuite = Callable[..., Path]
INLINE = ("--suite-engine=inline", "--suite-output=run.json")
FIRST = "**2 cases measured**"


@pytest.fixture
def summary(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that GitHub would name."""
    file = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    return file


def markdown_of_run(pytester: pytest.Pytester) -> str:
    return markdown_of(BenchmarkRun.load(pytester.path / "run.json"))


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_option_writes_what_the_run_says(
    pytester: pytest.Pytester, echo_suite: EchoSuite, workers: tuple[str, ...]
) -> None:
    echo_suite()
    (pytester.path / "run.md").write_text("of an earlier session")
    arguments = ("echo.json", *INLINE, *workers, "--suite-markdown=run.md")
    result = pytester.runpytest(*arguments)
    assert result.ret == 0
    text = (pytester.path / "run.md").read_text(encoding="utf-8")
    assert text.splitlines()[0] == FIRST
    assert text == markdown_of_run(pytester)
    result.stdout.fnmatch_lines(["run written to *run.json", "Markdown written to *run.md"])


def test_the_option_alone_makes_a_run_of_ordinary_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(modelbench): modelbench.measure(str, [1])")
    assert pytester.runpytest("--suite-markdown=new/run.md").ret == 0
    assert (pytester.path / "new" / "run.md").read_text().startswith("**1 case measured**\n")


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_summary_of_a_step_gets_it_once_behind_what_is_there(
    pytester: pytest.Pytester, echo_suite: EchoSuite, summary: Path, workers: tuple[str, ...]
) -> None:
    echo_suite()
    summary.write_text("# Before")
    assert pytester.runpytest("echo.json", *INLINE, *workers).ret == 0
    assert summary.read_text(encoding="utf-8") == "# Before\n\n" + markdown_of_run(pytester)


def test_an_ini_option_keeps_it_from_the_summary(
    pytester: pytest.Pytester, echo_suite: EchoSuite, summary: Path
) -> None:
    echo_suite()
    pytester.makeini("[pytest]\nmodelbench_step_summary = false\n")
    assert pytester.runpytest("echo.json", *INLINE).ret == 0
    assert not summary.exists()


def test_a_wrong_word_for_the_ini_option_is_said(
    pytester: pytest.Pytester, echo_suite: EchoSuite, summary: Path
) -> None:
    echo_suite()
    pytester.makeini("[pytest]\nmodelbench_step_summary = maybe\n")
    result = pytester.runpytest("echo.json", *INLINE)
    assert result.ret == 0
    assert not summary.exists()
    result.stdout.fnmatch_lines(["*(ini option modelbench_step_summary should be true*'maybe'*)"])


def test_a_session_without_a_run_adds_nothing_to_the_summary(
    pytester: pytest.Pytester, echo_suite: EchoSuite, summary: Path
) -> None:
    echo_suite()
    pytester.makepyfile("def test_it(): pass")
    assert pytester.runpytest().ret == 0
    assert pytester.runpytest("echo.json", "--collect-only", "-q").ret == 0
    assert not summary.exists()


@pytest.mark.parametrize("place", ["folder", "missing/summary.md", "pipe"])
def test_a_summary_that_cannot_be_written_is_a_line_and_no_failure(
    pytester: pytest.Pytester,
    echo_suite: EchoSuite,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    echo_suite()
    (pytester.path / "folder").mkdir()
    os.mkfifo(pytester.path / "pipe")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / place))
    result = pytester.runpytest("echo.json", *INLINE)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"GITHUB_STEP_SUMMARY=*{place}: not written (*)"])


def test_a_summary_stays_within_what_github_takes_from_a_step(
    pytester: pytest.Pytester, echo_suite: EchoSuite, summary: Path
) -> None:
    echo_suite()
    summary.write_text("x" * (MOST_SUMMARY_BYTES - 200))
    assert pytester.runpytest("echo.json", *INLINE).ret == 0
    text = summary.read_text()
    assert len(text) <= MOST_SUMMARY_BYTES
    assert f"x\n\n{FIRST}\n" in text
    summary.write_text("x" * MOST_SUMMARY_BYTES)
    result = pytester.runpytest("echo.json", *INLINE)
    assert result.ret == 0
    assert len(summary.read_text()) == MOST_SUMMARY_BYTES
    result.stdout.fnmatch_lines(["GITHUB_STEP_SUMMARY=*what the step has written so far*no room*"])


def test_a_file_that_cannot_be_written_fails_the_session(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    (pytester.path / "blocked").write_text("a file")
    result = pytester.runpytest(
        "echo.json", *INLINE, "--suite-markdown=blocked/run.md"
    )  # fmt: skip
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert (pytester.path / "run.json").exists()
    result.stdout.fnmatch_lines(
        ["*run.md: the Markdown cannot be written (*): give a writable place with --suite-markdown"]
    )


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        (".", "--suite-markdown '.' is a directory: name a file in it"),
        ("run.json", "--suite-markdown and --suite-output are both 'run.json': name two files"),
    ],
)
def test_a_file_that_never_could_be_written_is_refused_before_anything_is_measured(
    pytester: pytest.Pytester, echo_suite: EchoSuite, file: str, fault: str
) -> None:
    echo_suite()
    result = pytester.runpytest("echo.json", *INLINE, f"--suite-markdown={file}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {fault}"])
    assert not (pytester.path / "run.json").exists()


def test_the_command_makes_it_of_a_run_file(
    pytester: pytest.Pytester, echo_suite: EchoSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    echo_suite()
    pytester.runpytest("echo.json", *INLINE)
    file = pytester.path / "run.json"
    capsys.readouterr()
    assert modelbench(["report", str(file)]) == 0
    assert capsys.readouterr().out == markdown_of_run(pytester)
    assert modelbench(["report", str(file), f"--output={pytester.path / 'new' / 'a.md'}"]) == 0
    assert (pytester.path / "new" / "a.md").read_text("utf-8") == markdown_of_run(pytester)
    file.write_text(file.read_text()[:-20])
    assert modelbench(["report", str(file)]) == 1
    assert modelbench(["report", str(pytester.path / "gone.json")]) == 2
    assert modelbench(["report", str(file), f"--output={pytester.path}"]) == 1
    errors = capsys.readouterr().err.splitlines()
    paths = [line.removeprefix("--output ").lstrip("'") for line in errors]
    assert all(one.startswith(str(pytester.path)) for one in paths)
