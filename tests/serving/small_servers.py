"""Small real servers for tests, as scripts: each one writes down the processes it consists of."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
from processes import is_running

from pytest_modelbench.serving.spec import Ready, ServeSpec

BEGIN = """
import http.server, os, signal, subprocess, sys, threading, time
from pathlib import Path

HERE = Path(__file__).parent
PORT = int(sys.argv[1])


def note(pid):
    with open(HERE / "started", "a") as file:
        file.write(f"{pid}\\n")


class Answers(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        if self.path == "/die":
            print("out of memory, as if", flush=True)
            os._exit(7)
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


def serve(port=PORT):
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Answers).serve_forever()


note(os.getpid())
"""
SERVE = "serve()\n"


class Servers:
    """Writes such scripts into a directory, and knows the processes they started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started = folder / "started"

    def script(self, what: str) -> str:
        """The path of a server that does `what` with the definitions above."""
        file = self.folder / "server.py"
        text = BEGIN + what
        if not file.exists() or file.read_text() != text:  # another one may be reading it just now
            file.write_text(text)
        return str(file)

    def spec(self, what: str = SERVE, **fields: object) -> ServeSpec:
        given = {
            "command": [sys.executable, self.script(what), "{port}"],
            "ready": Ready(timeout_seconds=60),
            **fields,
        }
        return ServeSpec.model_validate(given)

    @property
    def started(self) -> list[int]:
        return list(map(int, self._started.read_text().split())) if self._started.exists() else []

    @property
    def running(self) -> list[int]:
        """Which of them are there still, and no zombies."""
        return [pid for pid in self.started if is_running(pid)]

    def kill_all(self) -> None:
        for pid in self.running:
            psutil.Process(pid).kill()
