"""A server is started, waited for and ended, whatever it does meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from processes import comes_true, is_running
from small_servers import SERVE, Servers

from pytest_modelbench.errors import ModelbenchError, Unavailable, as_text, one_line
from pytest_modelbench.serving.guard_client import ServerError
from pytest_modelbench.serving.ports import is_free
from pytest_modelbench.serving.server import EarlyEnd, Server
from pytest_modelbench.serving.spec import Ready, ServeSpec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")


def answer(server: Server, path: str = "/") -> bytes:
    with urllib.request.urlopen(server.base_url + path, timeout=30) as said:
        return bytes(said.read())


def test_a_server_answers_once_it_is_ready_and_is_gone_after_its_end(servers: Servers) -> None:
    with Server.ready(servers.spec(SERVE.replace("serve()", "time.sleep(0.5); serve()"))) as server:
        assert answer(server) == b"ok"
        assert servers.running == [server.pid]
        assert server.end is None
        server.check()
    assert servers.running == []
    assert is_free(server.port)
    assert server.end is not None
    assert server.end.exit_code == -signal.SIGTERM
    assert not server.end.was_killed
    server.stop()  # again: nothing


def test_model_python_and_port_are_filled_in_and_a_string_is_split_as_a_shell_does(
    servers: Servers,
) -> None:
    script = servers.script(
        "Path(HERE, 'words').write_text('|'.join([*sys.argv, os.environ['A']]))\n" + SERVE
    )
    spec = ServeSpec.model_validate(
        {
            "command": f"{{python}} '{script}' {{port}} --model={{model}} '{{\"a\": {{}}}}'",
            "env": {"A": "at {port}"},
        }
    )
    with Server.ready(spec, "/models/my model") as server:
        words = (servers.folder / "words").read_text().split("|")
    assert words == [
        script,
        str(server.port),
        "--model=/models/my model",
        '{"a": {}}',
        f"at {server.port}",
    ]


def test_a_server_that_never_says_it_is_ready_is_ended_and_says_what_it_said_last(
    servers: Servers,
) -> None:
    for seconds in (1, 3, 5, 10, 25):  # the first is too short where Python starts slowly
        ready = {"url": "/health", "timeout_seconds": seconds, "status": 204}
        spec = servers.spec("print('loading 1 %', flush=True)\n" + SERVE, ready=ready)
        with pytest.raises(ServerError) as caught:
            Server.ready(spec)
        text = str(caught.value)
        limit = f"within {seconds} s (serve.ready.timeout_seconds): "
        assert text.startswith(f"serve.command was not ready {limit}")
        assert servers.running == []
        if "/health said status 200" in text:
            break
    assert "/health said status 200" in text
    assert text.endswith("its last words: loading 1 %")


def test_a_server_that_does_not_listen_is_not_ready(servers: Servers) -> None:
    spec = servers.spec("time.sleep(300)\n", ready={"timeout_seconds": 0.5})
    with pytest.raises(ServerError, match="refused; its last words: it printed nothing"):
        Server.ready(spec)
    assert servers.running == []


def test_a_server_that_drips_its_head_is_not_ready_and_does_not_hold_the_wait_up(
    servers: Servers,
) -> None:
    what = """
import socket
with socket.create_server(("127.0.0.1", PORT)) as listening:
    while True:
        one, _ = listening.accept()
        for byte in b"HTTP/1.1 200 OK" * 1000:
            one.send(bytes([byte]))
            time.sleep(0.2)
"""
    before = time.monotonic()
    with pytest.raises(ServerError, match=r"no answer in time|refused"):
        Server.ready(servers.spec(what, ready={"timeout_seconds": 1.0}))
    assert time.monotonic() - before < 60  # dripping would take ten minutes


def test_what_does_not_speak_http_is_not_ready(servers: Servers) -> None:
    what = """
import socket
with socket.create_server(("127.0.0.1", PORT)) as listening:
    while True:
        one, _ = listening.accept()
        one.recv(100)
        one.sendall(b"220 mail\\r\\n")
        one.close()
"""
    for seconds in (2, 5, 10, 20):
        with pytest.raises(ServerError) as caught:
            Server.ready(servers.spec(what, ready={"timeout_seconds": seconds}))
        if "does not speak HTTP" in str(caught.value):
            break
    assert "does not speak HTTP" in str(caught.value)


def test_a_server_that_dies_at_once_ends_the_wait_and_its_last_words_are_told(
    servers: Servers,
) -> None:
    what = "print('reading weights')\nraise ValueError('no such model: \\x1b[31mtiny\\x1b[0m')\n"
    before = time.monotonic()
    with pytest.raises(EarlyEnd) as caught:
        Server.ready(servers.spec(what, ready={"timeout_seconds": 600}))
    assert time.monotonic() - before < 300
    assert one_line(caught.value).startswith(
        "serve.command ended with exit status 1 before it was ready; its last words: "
    )
    assert one_line(caught.value).endswith("ValueError: no such model: tiny")
    assert "reading weights" in (as_text(caught.value) or "")


def test_keys_of_the_environment_are_not_in_what_is_told(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")
    what = (
        "print('using', os.environ['HF_TOKEN'], 'Authorization: Bearer other.key')\nsys.exit(3)\n"
    )
    with pytest.raises(EarlyEnd) as caught:
        Server.ready(servers.spec(what))
    told = as_text(caught.value) or ""
    assert "using *** Authorization: Bearer ***" in told
    assert "abcdefgh" not in told
    assert "other.key" not in told


def test_a_program_that_is_not_there_is_a_reason_to_skip(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="'no-such-server' is neither on the PATH nor beside"):
        Server(ServeSpec(command="no-such-server --port {port}"))
    with pytest.raises(Unavailable, match="is no program that can be run"):
        Server(ServeSpec(command=[f"{tmp_path}/absent", "{port}"]))
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)
    with pytest.raises(ModelbenchError, match="cannot be started: Exec format error"):
        Server(ServeSpec(command=[f"{tmp_path}/text", "{port}"]))
    with pytest.raises(ModelbenchError, match="cwd 'absent' is no directory"):
        Server(ServeSpec(command=["{python}", "{port}"], cwd="absent"), base_dir=tmp_path)


def test_what_is_installed_beside_this_python_needs_no_path(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    name = Path(sys.executable).name
    with Server.ready(servers.spec(command=[name, servers.script(SERVE), "{port}"])) as server:
        assert answer(server) == b"ok"


def test_a_server_starts_in_its_directory_with_the_sessions_environment(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_SESSION", "yes")
    (servers.folder / "inner").mkdir()
    what = (
        "Path(HERE, 'seen').write_text(f\"{os.getcwd()}|{os.environ['OF_THE_SESSION']}|\"\n"
        "    f\"{os.environ['MINE']}|{os.environ.get('PYTHONPATH')}\")\n"
    )
    # As in a process that measures for a session, which has an import path of its own.
    monkeypatch.setenv("PYTHONPATH", "/of/the/session")
    monkeypatch.setenv("PYTEST_MODELBENCH_GIVEN_PYTHONPATH", "/given")
    spec = servers.spec(what + SERVE, cwd="inner", env={"MINE": "1"})
    with Server.ready(spec, base_dir=servers.folder):
        seen = (servers.folder / "seen").read_text().split("|")
    assert seen == [str(servers.folder / "inner"), "yes", "1", "/given"]


def test_a_server_that_dies_in_the_middle_is_noticed_with_its_last_words(servers: Servers) -> None:
    with Server.ready(servers.spec()) as server:
        with pytest.raises(OSError):
            answer(server, "/die")
        assert comes_true(lambda: server.end)
        with pytest.raises(ServerError, match=r"exit status 7 while it was needed; .* as if"):
            server.check()
    assert server.end is not None
    assert server.end.exit_code == 7


def test_a_server_that_ignores_being_asked_to_end_is_killed(servers: Servers) -> None:
    what = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVE
    with Server.ready(servers.spec(what, stop_timeout_seconds=0.3)) as server:
        pass
    assert servers.running == []
    assert server.end is not None
    assert server.end.exit_code == -signal.SIGKILL
    assert server.end.was_killed


def test_a_server_may_take_its_time_to_end_in_order(servers: Servers) -> None:
    what = """
def end(number, frame):
    time.sleep(0.5)
    Path(HERE, "ended").write_text("in order")
    os._exit(0)

signal.signal(signal.SIGTERM, end)
"""
    with Server.ready(servers.spec(what + SERVE, stop_timeout_seconds=60)) as server:
        pass
    assert (servers.folder / "ended").read_text() == "in order"
    assert server.end is not None
    assert server.end.exit_code == 0


GRANDCHILDREN = """
for session in (False, True):
    note(subprocess.Popen(["sleep", "78"], start_new_session=session).pid)
if os.fork() == 0:  # one that nobody waits for
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        note(os.getpid())
        Path(HERE, "there").write_text("yes")
        time.sleep(78)
    os._exit(0)
while not Path(HERE, "there").exists():
    time.sleep(0.01)
"""


def test_what_a_server_started_ends_with_it_in_whatever_session_it_is(servers: Servers) -> None:
    with Server.ready(servers.spec(GRANDCHILDREN + SERVE)):
        assert len(servers.running) == 4
    assert servers.running == []


def test_what_a_server_started_ends_when_the_server_dies(servers: Servers) -> None:
    with Server.ready(servers.spec(GRANDCHILDREN + SERVE)) as server:
        os.kill(server.pid, signal.SIGKILL)
        assert comes_true(lambda: server.end)
        assert str(server.end) == "was killed by SIGKILL"
        assert servers.running == []


def test_a_server_that_prints_megabytes_answers_and_only_the_end_is_kept(servers: Servers) -> None:
    what = """
def talk():
    for number in range(200_000):
        print(f"line {number} of many that say little more than nothing", flush=False)
    print("the end", flush=True)
    Path(HERE, "told").write_text("all")

threading.Thread(target=talk, daemon=True).start()
"""
    with Server.ready(servers.spec(what + SERVE)) as server:
        assert comes_true((servers.folder / "told").exists)
        assert answer(server) == b"ok"
        assert comes_true(lambda: server.log.endswith("the end"))
        assert len(server.log) <= 1 << 16


def test_a_port_that_somebody_else_has_is_refused_and_their_answer_does_not_count(
    servers: Servers,
) -> None:
    with Server.ready(servers.spec()) as other:
        spec = servers.spec("time.sleep(300)\n", port=other.port)
        with pytest.raises(ModelbenchError, match=f"{other.port}.* already taken by .*{other.pid}"):
            Server.ready(spec)
        assert answer(other) == b"ok"
        command = [sys.executable, servers.script("time.sleep(300)\n"), "{port}"]
        elsewhere = ServeSpec(command=command, ready=Ready(url=f"{other.base_url}/health"))
        with pytest.raises(ModelbenchError, match="already taken"):
            Server.ready(elsewhere)


def test_who_was_there_before_the_server_does_not_make_it_ready(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the port had been taken between looking and starting."""
    monkeypatch.setattr("pytest_modelbench.serving.server.is_free", lambda port: True)
    with Server.ready(servers.spec()) as other:
        # The test may be faster than the clock that tells when processes started.
        monkeypatch.setattr("pytest_modelbench.serving.server._CLOCK_ERROR_SECONDS", -1e6)
        spec = servers.spec("time.sleep(300)\n", port=other.port)
        with pytest.raises(
            ServerError, match=f"does not listen at port .*process {other.pid} does"
        ):
            Server.ready(spec)
        assert servers.running == [other.pid]


def test_a_server_whose_port_was_taken_meanwhile_gets_another_one(servers: Servers) -> None:
    with socket.socket() as taken:
        what = f"""
first = Path(HERE, "first")
if not first.exists():
    first.write_text(str(PORT))
    while not Path(HERE, "taken").exists():
        time.sleep(0.01)
{SERVE}"""
        threading.Thread(target=_take, args=(servers.folder, taken), daemon=True).start()
        with Server.ready(servers.spec(what)) as server:
            assert server.port != int((servers.folder / "first").read_text())
            assert answer(server) == b"ok"


def _take(folder: Path, taken: socket.socket) -> None:
    assert comes_true(lambda: (folder / "first").exists() and (folder / "first").read_text())
    taken.bind(("127.0.0.1", int((folder / "first").read_text())))
    taken.listen()
    (folder / "taken").write_text("yes")


def test_servers_at_the_same_time_have_ports_of_their_own(servers: Servers) -> None:
    running = [Server(servers.spec()) for _ in range(5)]
    try:
        for server in running:
            server.wait_until_ready()
        assert len({server.port for server in running}) == 5
    finally:
        for server in running:
            server.stop()
    assert servers.running == []


MEASURING = """
import os, sys, time
from pathlib import Path
from pytest_modelbench.serving.server import Server
from pytest_modelbench.serving.spec import ServeSpec

command = [sys.executable, sys.argv[1], "{port}"]
with Server.ready(ServeSpec(command=command, stop_timeout_seconds=0.5)):
    if os.fork() == 0:  # a worker of its own, which has all of its descriptors
        time.sleep(20)
        os._exit(0)
    Path(sys.argv[1]).with_name("ready").write_text("yes")
    time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_with_the_process_that_measures_however_that_ends(
    servers: Servers, number: signal.Signals
) -> None:
    script = servers.script(GRANDCHILDREN + SERVE)
    measuring = subprocess.Popen(
        [sys.executable, "-c", MEASURING, script], stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        assert comes_true((servers.folder / "ready").exists)
        assert len(servers.running) == 4
        guards = psutil.Process(measuring.pid).children()
        measuring.send_signal(number)
        measuring.wait(300)
        assert comes_true(lambda: not servers.running)
        assert comes_true(lambda: not [one for one in guards if "guard" in _command(one)])
    finally:
        os.killpg(measuring.pid, signal.SIGKILL)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_wait_that_is_interrupted_leaves_nothing(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_modelbench.serving.server.status_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Server.ready(servers.spec())
    assert servers.running == []


def test_a_guard_that_is_killed_takes_its_server_along_and_is_reported(servers: Servers) -> None:
    with Server.ready(servers.spec()) as server:
        guard = psutil.Process(server.pid).parent()
        assert guard is not None
        guard.kill()
        assert comes_true(lambda: not is_running(server.pid))
        with pytest.raises(ServerError, match="guards the server has ended"):
            server.check()


def test_a_forked_process_does_not_end_the_server(servers: Servers) -> None:
    with Server.ready(servers.spec()) as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        os.waitpid(child, 0)
        assert answer(server) == b"ok"


def test_memory_is_that_of_the_server_and_of_what_it_started(servers: Servers) -> None:
    what = """
def use(megabytes):
    held = bytearray(megabytes << 20)
    held[::4096] = b"x" * len(held[::4096])

class Answers(Answers):
    def do_POST(self):
        use(60)
        self.do_GET()

code = "import sys; held = b'x' * (50 << 20); print('there', flush=True); input()"
ends = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
started = subprocess.Popen([sys.executable, "-c", code], **ends)
started.stdout.readline()
use(200)
"""
    with Server.ready(servers.spec(what + SERVE)) as server:
        server.memory.begin_window()
        request = urllib.request.Request(server.base_url, method="POST")
        with urllib.request.urlopen(request, timeout=30):
            server.memory.end_window()
        found = {name: one.value for name, one in server.memory.metrics().items() if one.value}
        scope = server.memory.metrics()["peak_ram_mb"].metadata["scope"]
    assert set(found) == {
        "peak_ram_mb",
        "load_peak_ram_mb",
        "steady_peak_ram_mb",
        "steady_ram_increase_mb",
    }
    assert 260 < found["load_peak_ram_mb"] < 330
    assert found["peak_ram_mb"] == found["load_peak_ram_mb"]
    assert 110 < found["steady_peak_ram_mb"] < 180
    assert 55 < found["steady_ram_increase_mb"] < 75
    assert scope == "the server's process and 1 it started"


def test_the_peak_of_an_earlier_case_is_none_of_the_next_one_s(servers: Servers) -> None:
    what = """
class Answers(Answers):
    def do_POST(self):
        held = bytearray(300 << 20)
        held[::4096] = b"x" * len(held[::4096])
        del held  # before it answers: the next window may begin as soon as the answer is read
        self.do_GET()
"""
    with Server.ready(servers.spec(what + SERVE)) as server:
        for method in ("POST", "GET"):
            server.memory.begin_window()
            request = urllib.request.Request(server.base_url, method=method)
            with urllib.request.urlopen(request, timeout=30):
                server.memory.end_window()
            found = server.memory.metrics(is_reused=method == "GET")
            peak = found["peak_ram_mb"].value
            assert peak is not None
            assert (peak > 300) == (method == "POST")
            assert found["load_peak_ram_mb"].metadata.get("reused", False) == (method == "GET")
