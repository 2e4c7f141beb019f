"""Sessions that start the server they measure: it is there for them, and never after them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from processes import comes_true, is_running

Runs = Callable[[], list]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")

SERVER = """
import http.server, json, os, subprocess, sys, time
from pathlib import Path

HERE = Path(__file__).parent


def note(pid):
    with open(HERE / "started", "a") as file:
        file.write(f"{pid}\\n")


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"{}", "application/json")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (HERE / "asked").touch()
        text = asked["messages"][-1]["content"]
        if text == sys.argv[2]:
            print("no more memory", flush=True)
            os._exit(7)
        time.sleep(float(sys.argv[3]))
        parts = [{"choices": [{"index": 0, "delta": {"content": one}}]} for one in text.upper()]
        usage = {"prompt_tokens": 1, "completion_tokens": len(text)}
        parts.append({"choices": [], "usage": usage})
        body = "".join(f"data: {json.dumps(one)}\\n\\n" for one in parts) + "data: [DONE]\\n\\n"
        self.answer(body.encode(), "text/event-stream")

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


note(os.getpid())
note(subprocess.Popen(["sleep", "300"], start_new_session=True).pid)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""
ROWS = [{"text": "a", "ref": "A"}, {"text": "b", "ref": "B"}, {"text": "c", "ref": "X"}]


class Served:
    """A suite whose server notes the processes it consists of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "server.py").write_text(SERVER)
        (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))

    def write(self, dies_at: str = "nothing", seconds: float = 0.0, **fields: Any) -> Path:
        command = [sys.executable, str(self.folder / "server.py"), "{port}", dies_at, str(seconds)]
        suite = {
            "id": "served",
            "dataset": {"source": "jsonl", "path": "data.jsonl", "reference_column": "ref"},
            "benchmarks": [
                {
                    "id": "chat",
                    "runner": "command",
                    "models": ["one"],
                    "params": {"api": "chat_api", "serve": {"command": command}},
                    "quality": ["exact_match"],
                    "load": {"concurrency": 1, "retries": 0},
                    **fields,
                }
            ],
        }
        file = self.folder / "served.json"
        file.write_text(json.dumps(suite))
        return file

    @property
    def started(self) -> list[int]:
        file = self.folder / "started"
        return list(map(int, file.read_text().split())) if file.exists() else []

    @property
    def running(self) -> list[int]:
        return [pid for pid in self.started if is_running(pid)]


@pytest.fixture
def served(pytester: pytest.Pytester) -> Iterator[Served]:
    made = Served(pytester.path)
    yield made
    for pid in made.running:
        psutil.Process(pid).kill()


@pytest.mark.parametrize("engine", ["isolated", "inline"])
def test_a_suite_starts_its_server_measures_it_and_ends_it(
    served: Served, pytester: pytest.Pytester, runs: Runs, engine: str
) -> None:
    served.write()
    result = pytester.runpytest_subprocess("--suite=served.json", f"--suite-engine={engine}")
    result.assert_outcomes(passed=1)
    (run,) = runs()
    (case,) = run.cases
    assert (case.status, case.runner) == ("ok", "command")
    assert case.metrics["exact_match"].value == pytest.approx(2 / 3)
    assert case.metrics["success_count"].value == 3
    assert case.metrics["model_load_seconds"].value > 0
    assert case.metrics["peak_ram_mb"].value > 5
    assert case.metrics["peak_ram_mb"].metadata["scope"] == "the server's process and 1 it started"
    assert case.properties["serve"]["command"][2] == "{port}"
    assert len(served.started) == 2
    assert not served.running


def test_cases_that_share_parameters_share_a_server_and_others_do_not(
    served: Served, pytester: pytest.Pytester, runs: Runs
) -> None:
    served.write(matrix={"temperature": [0, 1]})
    pytester.runpytest("--suite=served.json").assert_outcomes(passed=2)
    assert len(served.started) == 4
    assert not served.running
    (run,) = runs()
    assert len({case.fingerprint for case in run.cases}) == 2


@pytest.mark.slow
def test_the_port_that_happened_to_be_free_is_not_in_the_fingerprint(
    served: Served, pytester: pytest.Pytester, runs: Runs
) -> None:
    served.write()
    for _ in range(2):
        pytester.runpytest("--suite=served.json").assert_outcomes(passed=1)
    first, second = runs()
    assert first.cases[0].fingerprint == second.cases[0].fingerprint


def test_a_server_that_does_not_start_is_an_error_with_its_last_words(
    served: Served, pytester: pytest.Pytester, runs: Runs
) -> None:
    (served.folder / "server.py").write_text("raise SystemExit('no such model')")
    served.write()
    result = pytester.runpytest("--suite=served.json")
    assert result.ret == 1
    (run,) = runs()
    assert run.cases[0].status == "error"
    assert run.cases[0].detail == (
        "serve.command ended with exit status 1 before it was ready; its last words: no such model"
    )


def test_a_server_that_dies_while_it_is_asked_is_an_error_that_says_so(
    served: Served, pytester: pytest.Pytester, runs: Runs
) -> None:
    served.write(dies_at="b")
    pytester.runpytest("--suite=served.json")
    (run,) = runs()
    assert run.cases[0].status == "error"
    assert "serve.command ended with exit status 7 while it was needed" in run.cases[0].detail
    assert run.cases[0].detail.endswith("no more memory")
    assert not served.running


def test_a_program_that_is_not_installed_skips_the_case(
    served: Served, pytester: pytest.Pytester, runs: Runs
) -> None:
    served.write(params={"api": "chat_api", "serve": {"command": "no-such-server {port}"}})
    pytester.runpytest("--suite=served.json")
    (run,) = runs()
    assert run.cases[0].status == "skipped"
    assert "'no-such-server' is neither on the PATH" in run.cases[0].detail


def test_a_key_in_the_suite_is_refused_before_anything_is_started(
    served: Served, pytester: pytest.Pytester
) -> None:
    command = [sys.executable, str(served.folder / "server.py"), "{port}", "--api-key", "geheim"]
    served.write(params={"api": "chat_api", "serve": {"command": command}})
    result = pytester.runpytest("--suite=served.json")
    result.stdout.fnmatch_lines(["*'command' gives a key by --api-key, where everybody sees it*"])
    assert "geheim" not in result.stdout.str()
    assert not served.started


@pytest.mark.parametrize("engine", ["isolated", "inline"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_session_that_is_ended_leaves_no_server(
    served: Served, engine: str, number: signal.Signals
) -> None:
    served.write(seconds=300)
    command = [sys.executable, "-m", "pytest", "-q", "--suite=served.json"]
    session = subprocess.Popen(
        [*command, f"--suite-engine={engine}"],
        cwd=served.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert comes_true((served.folder / "asked").exists)
        assert len(served.running) == 2
        session.send_signal(number)
        assert session.wait(300) != 0
        assert comes_true(lambda: not served.running)
    finally:
        if session.poll() is None:
            os.killpg(session.pid, signal.SIGKILL)
            session.wait()
