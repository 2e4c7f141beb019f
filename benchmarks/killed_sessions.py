"""Whether sessions that are killed at random moments lose anything.

The quickstart suite (real models, 2 cases of 24 clips) is measured once undisturbed. Then its
sessions are killed: after a random time a process drawn by lot (the session itself, a parallel
worker, the fork server, the one that measures), or half of the time all of them at once, is killed
by SIGKILL; the next session resumes. After some kills a session is let through, and what it gives
is held against the undisturbed run: every case, every sample exactly once and in order, every
answer, and the word error rate must be equal. Every other journey is one of two parallel workers.
So that there is something to resume within a case of two seconds, answers are kept every 0.1 s of
calls and not every 5 s.

    python benchmarks/killed_sessions.py --rounds 50

Target: of so many kills none loses anything.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from common import Report, arguments, need, usual_environment

CONFTEST = """
from pytest_modelbench.execution import asking

asking.BLOCK_SECONDS = 0.1


def pytest_modelbench_register(modelbench):
    pass  # so that this file is imported where models are measured, too
"""
MOST_KILLS_A_JOURNEY = 6
SESSION_SECONDS = 120


def main() -> None:
    options = arguments(__doc__, rounds=10).parse_args()
    need("pytest_modelbench", "openvino_genai", "psutil")
    report = Report("Killed sessions", ("journey", "workers", "kills", "taken over", "equal"))
    draw = random.Random(1)
    kills = lost = journeys = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "conftest.py").write_text(CONFTEST)
        start = time.monotonic()
        expected = figures(let_through(work, []))
        usual_seconds = time.monotonic() - start
        while kills < options.rounds:
            journeys += 1
            more = ["-n", "2"] if journeys % 2 == 0 else []
            count = min(draw.randint(1, MOST_KILLS_A_JOURNEY), options.rounds - kills)
            for number in range(count):
                resumed = ["--suite-resume=last"] if number else []
                kill_one(work, [*more, *resumed], draw, usual_seconds)
            run = let_through(work, [*more, "--suite-resume=last"])
            is_equal = figures(run) == expected
            kills, lost = kills + count, lost + (not is_equal)
            report.row(
                str(journeys),
                "2" if more else "1",
                str(count),
                taken_over(run),
                "yes" if is_equal else "NO",
            )
    report.notes.append(f"{kills} kills in {journeys} journeys, {lost} of which lost something")
    report.figures = {"kills": kills, "journeys": journeys, "lost": lost}
    report.finish(options.json)
    sys.exit(bool(lost))


def started(work: Path, more: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", "-q", "--suite=quickstart", "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [*command, *more],
        cwd=work,
        env={**usual_environment(), "XDG_STATE_HOME": str(work / "state")},
        stdin=subprocess.DEVNULL,
        stdout=(work / "out.txt").open("wb"),
        stderr=subprocess.STDOUT,
    )


def let_through(work: Path, more: list[str]) -> Any:
    """The run of a session that nobody disturbs."""
    process = started(work, more)
    code = process.wait(SESSION_SECONDS)
    if code:
        raise SystemExit(f"a session that was let through ended with {code}: {said(work)}")
    newest = max(runs_of(work), key=lambda one: one.name)
    return json.loads((newest / "run.json").read_text())


def runs_of(work: Path) -> list[Path]:
    return list((work / "state" / "pytest-modelbench" / "runs").iterdir())


def said(work: Path) -> str:
    return (work / "out.txt").read_text(errors="replace")[-2000:]


def kill_one(work: Path, more: list[str], draw: random.Random, usual_seconds: float) -> None:
    """Start a session and kill one of its processes, or all; it has ended when this returns."""
    import psutil

    process = started(work, more)
    with suppress(subprocess.TimeoutExpired):
        process.wait(draw.uniform(0.1, usual_seconds))
    with suppress(psutil.Error):
        whole = psutil.Process(process.pid)
        family = [whole, *whole.children(recursive=True)]
        victims = family if draw.random() < 0.5 else [draw.choice(family)]
        for victim in victims:
            with suppress(psutil.Error):
                victim.send_signal(signal.SIGKILL)
    process.wait(SESSION_SECONDS)
    while any(is_alive(one) for one in runs_of(work)):  # workers that have yet to notice
        time.sleep(0.05)


def is_alive(run: Path) -> bool:
    from pytest_modelbench.runs.folder import RunFolder

    return RunFolder(run).is_running()


def figures(run: Any) -> list[Any]:
    """What must be equal, whatever happened on the way."""
    return [
        [
            case["id"],
            case["status"],
            case["fingerprint"],
            case["samples"] and case["samples"]["ids"],
            case["samples"] and case["samples"]["outputs"],
            case["dataset"].get("used_rows"),
            case["metrics"]["wer"]["value"],
        ]
        for case in run["cases"]
    ]


def taken_over(run: Any) -> str:
    """Cases, and samples of others, that were not measured again."""
    marks = [mark for case in run["cases"] for mark in case["taken_over"]]
    cases = sum(mark["what"] == "case" for mark in marks)
    samples = sum(mark["samples"] or 0 for mark in marks)
    return f"{cases} cases, {samples} samples"


if __name__ == "__main__":
    os.environ.pop("PYTEST_ADDOPTS", None)
    main()
