"""docs/store.md: each command typed as written, in a store as it is told of there."""

from __future__ import annotations

import doctest
import random
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_runs import begun_run, kept_run, made_case, milliseconds

from pytest_modelbench.cli import main
from pytest_modelbench.results.judgement import BoundCheck
from pytest_modelbench.results.metric import measured, skipped
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.store import runs_folder

PAGE = Path(__file__).parent.parent / "docs" / "store.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
SESSIONS = 14
SLOWER_FROM = 12
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def commands() -> Iterator[Any]:
    """Each command of the page and what it prints; `...` stands for anything."""
    for block in CONSOLE.findall(PAGE.read_text(encoding="utf-8")):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            yield pytest.param(command, output, id=command)


def speech(name: str, latency: float, **fields: Any) -> CaseResult:
    metrics = {
        "p50_latency_ms": milliseconds(latency),
        "wer": measured(0.118, samples=200, interval=[0.101, 0.137], confidence=0.95),
        "peak_ram_mb": measured(412.0 if name == "tiny" else 655.0, "MB"),
        "peak_vram_mb": skipped("device 'CPU' has no memory of its own", "MB"),
    }
    return made_case(f"asr[{name}-CPU]", metrics, suite="speech", **fields)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fourteen nights of a suite; since the last but one it is slower; then a session is killed."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    draw = random.Random(7)
    for night in range(SESSIONS):
        level = 1.25 if night >= SLOWER_FROM else 1.0
        tiny, base = (speech(name, of * level * draw.lognormvariate(0, 0.004))
                      for name, of in (("tiny", 84.0), ("base", 163.0)))  # fmt: skip
        if night >= SLOWER_FROM:
            base = base.model_copy(update={"bounds": [too_slow(base)]})
        kept_run(
            runs_folder(),
            night,
            [tiny, base],
            **about(night),
            git_branch="main",
            git_sha=f"{draw.getrandbits(160):040x}",
            git_dirty=False,
            exit_status=int(night >= SLOWER_FROM),
        )
    tiny, base = speech("tiny", 84.0), speech("base", 163.0)
    code = {"git_branch": "dev", "git_sha": "c0ffee" * 6 + "abcd", "git_dirty": True}
    begun_run(runs_folder(), SESSIONS, [tiny], 2, [base], **about(SESSIONS), **code)


def about(night: int) -> dict[str, Any]:
    """One session a night."""
    return {
        "run_id": f"benchmark_202603{night + 1:02}_021500_{night + 0x9C1:012x}",
        "timestamp": f"2026-03-{night + 1:02}T02:15:00+00:00",
        "command_line": "pytest --suite=speech",
    }


def too_slow(case: CaseResult) -> BoundCheck:
    value = case.metrics["p50_latency_ms"].value
    return BoundCheck(
        criterion="fast", what="p50_latency_ms", value=value, interval=None, unit="ms", min=None,
        max=180.0, outcome="failed", message=f"p50_latency_ms {value:.0f} ms is above 180 ms",
    )  # fmt: skip


@pytest.mark.parametrize(("command", "output"), list(commands()))
def test_what_is_typed_prints_what_is_shown(
    command: str, output: str, store: None, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *words = shlex.split(command)
    assert program == "modelbench"
    main(words)
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert doctest.OutputChecker().check_output(output, said, FLAGS), said


def test_the_page_has_commands() -> None:
    assert len(list(commands())) > 8
