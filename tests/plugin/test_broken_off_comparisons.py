"""Comparisons whose session ends in the middle: what was measured stays, and is said as it is."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hurrying import HURRY
from slow_teller import PATIENCE_SECONDS, kill_all, newest, newest_run, until
from test_broken_sides import CONFTEST, EXACT

from pytest_modelbench.cli import main
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.runs.folder import run_folders
from pytest_modelbench.runs.journal import read_journals

pytestmark = pytest.mark.slow
COMMAND = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "s.json")
SLOW = CONFTEST.replace(
    "    def predict(self, batch):\n",
    """    def predict(self, batch):
        with open(f"asked-by-{os.getpid()}.txt", "a") as told:
            told.write(self.params["side"])
        time.sleep(0.005)
""",
).replace("from pathlib import Path\n", "import os, time\nfrom pathlib import Path\n", 1)
NEVER_SURE = {"id": "speed", "metric": "p50_latency_ms", "max_regression": "0.0001%"}
SIDES = {"baseline": {"params": {"side": "b"}}, "candidate": {"params": {"side": "c"}}}


class Session:
    """Of a comparison that takes all the launches it may make."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        (folder / "conftest.py").write_text(SLOW)
        rows = [json.dumps({"text": one, "ref": one.upper()}) for one in "abcdefgh"]
        (folder / "rows.jsonl").write_text("\n".join(rows))
        self.write(launches=100)

    def write(self, launches: int, **compare: Any) -> None:
        suite = {
            "id": "s",
            "dataset": {"source": "jsonl", "path": "rows.jsonl", "reference_column": "ref"},
            "measure": {"min_samples": 5, "min_seconds": 0, "warmup": 2},
            "criteria": [EXACT, NEVER_SURE],
            "benchmarks": [{"id": "b", "runner": "upper", "model": "one"}],
            "compare": {**SIDES, "blocks": 4, "launches": launches, **compare},
        }
        (self.folder / "s.json").write_text(json.dumps(suite))

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        with (self.folder / "out.txt").open("wb") as out:
            process = subprocess.Popen(
                [*COMMAND, *more], cwd=self.folder, stdout=out, stderr=subprocess.STDOUT
            )
        self.started.append(process)
        return process

    def run(self, *more: str) -> str:
        self.start(*more).wait(PATIENCE_SECONDS)
        return self.said

    @property
    def said(self) -> str:
        return (self.folder / "out.txt").read_text()

    @property
    def loaded(self) -> int:
        """How many processes have been asked anything."""
        return len(list(self.folder.glob("asked-by-*.txt")))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path)
    yield made
    for process in made.started:
        if process.poll() is None:
            kill_all(process)


def kept(kind: str, count: int) -> Callable[[], bool]:
    """Whether the newest session has written down so many sides, or launches."""

    def is_so() -> bool:
        events = [one for one in read_journals(newest().journals) if one["event"] == "so_far"]
        texts = [text for one in events for text in one[kind]]
        launches = [made for text in texts for made in json.loads(text).get("launches", [{}])]
        return len(launches) >= count

    return is_so


def begun(kind: str, count: int) -> None:
    until(lambda: any(run_folders(runs_folder())) and kept(kind, count)())


def check_kept(run: BenchmarkRun, launches: int, why: str, status: str = "skipped") -> None:
    assert [(one.status, one.detail) for one in run.cases] == [("ok", "")] * 2
    assert all(one.metrics["exact_match"].value == 1.0 for one in run.cases)
    [comparison] = run.comparisons
    assert (comparison.status, comparison.detail) == (status, why)
    assert len(comparison.launches) >= launches
    made = {one.metric: one for one in comparison.verdicts}
    assert list(made) == ["exact_match", "p50_latency_ms"]
    assert made["exact_match"].outcome == "pass"
    speed = made["p50_latency_ms"]
    words = f"broken off after launch {len(comparison.launches)}"
    assert (speed.outcome, speed.reason) == ("inconclusive", words)
    assert speed.interval is not None


ENDED = "unfinished: the session ended while it was measured"


@pytest.mark.parametrize("parallel", [(), ("-n", "2")])
def test_an_interrupt_leaves_the_sides_and_the_launches_that_were_made(
    session: Session, parallel: tuple[str, ...]
) -> None:
    if parallel:
        pytest.importorskip("xdist")
    process = session.start(*parallel)
    begun("compared", 2)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_SECONDS) == 2
    check_kept(newest_run(), 2, ENDED)
    assert f"compared only so far: {ENDED}" in session.said
    assert "answers that had come" not in session.said
    assert f"--suite-resume={newest().run_id}" in session.said


def test_a_kill_leaves_them_too_and_a_resumed_session_makes_the_launches_alone(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    process = session.start()
    begun("compared", 2)
    kill_all(process)
    killed = newest()
    assert main(["recover", killed.run_id]) == 0
    run = newest_run()
    check_kept(run, 2, ENDED)
    [comparison] = run.comparisons
    said = f"{comparison.id}: compared in {len(comparison.launches)} launches, not to the end"
    assert said in capsys.readouterr().out.splitlines()
    for file in session.folder.glob("asked-by-*.txt"):
        file.unlink()
    session.write(launches=2)
    assert "1 passed" in session.run(f"--suite-resume={killed.run_id}")
    assert session.loaded == 4  # two launches of two sides, none of the sides by itself
    resumed = newest_run()
    taken = [[(one.run_id, one.what) for one in case.taken_over] for case in resumed.cases]
    assert taken == [[(killed.run_id, "case")]] * 2
    [comparison] = resumed.comparisons
    assert (comparison.status, len(comparison.launches)) == ("ok", 2)
    assert "broken off" not in session.said
    # What has changed since is measured again.
    session.write(launches=2, baseline={"params": {"side": "B"}})
    assert "1 passed" in session.run(f"--suite-resume={killed.run_id}")
    assert [bool(case.taken_over) for case in newest_run().cases] == [False, False]


def test_a_side_that_was_measured_by_itself_stays_and_the_other_is_measured(
    session: Session,
) -> None:
    conftest = session.folder / "conftest.py"
    hangs = "        while self.params['side'] == 'c' and not os.path.exists('go'):\n"
    conftest.write_text(
        SLOW.replace("        time.sleep", f"{hangs}            pass\n        time.sleep")
    )
    process = session.start()
    begun("measured", 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_SECONDS) == 2
    run = newest_run()
    assert [(one.status, one.detail) for one in run.cases] == [("ok", ""), ("skipped", ENDED)]
    assert run.comparisons == []
    (session.folder / "go").touch()
    session.write(launches=2)
    assert "1 passed" in session.run("--suite-resume=last")
    assert [bool(case.taken_over) for case in newest_run().cases] == [True, False]
    assert newest_run().comparisons[0].status == "ok"


def test_a_retry_leaves_alone_what_was_broken_off_and_did_not_go_wrong(session: Session) -> None:
    process = session.start()
    begun("compared", 1)
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE_SECONDS)
    assert "1 skipped" in session.run(f"--suite-retry-failed={newest().run_id}")


def test_the_time_of_a_session_ends_a_comparison_with_what_it_has(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 'os.path.exists("stop") and (open("pids", "w").write("asleep"), time.sleep(600))'
    conftest = session.folder / "conftest.py"
    conftest.write_text(SLOW.replace("        time.sleep", f"        {asked}\n        time.sleep"))
    (session.folder / "hurry.py").write_text(HURRY)
    monkeypatch.setenv("HURRY", "1")
    process = session.start("-p", "hurry", "--suite-timeout=600s")
    begun("compared", 1)
    (session.folder / "stop").touch()
    assert process.wait(PATIENCE_SECONDS) == 2
    check_kept(newest_run(), 1, "unfinished: --suite-timeout 600s: the time of the session is over")


def test_a_worker_that_dies_leaves_what_it_had_compared(session: Session) -> None:
    pytest.importorskip("xdist")
    process = session.start("-n", "2", "--max-worker-restart=0")
    begun("compared", 1)
    workers = psutil.Process(process.pid).children()
    # Between two launches no worker has a process of its own.
    [busy] = until(lambda: [one for one in workers if one.children()])
    busy.kill()
    assert process.wait(PATIENCE_SECONDS) == 1
    run = newest_run()
    assert {one.status for one in run.cases} == {"error"}
    assert all(one.metrics["exact_match"].value == 1.0 for one in run.cases)
    [comparison] = run.comparisons
    assert comparison.status == "error"
    assert "crashed" in comparison.detail
    assert comparison.launches
