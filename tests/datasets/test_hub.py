"""Whether the hub answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pytest_modelbench.datasets.hub import hub_answers, hub_endpoint


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[str]:
    class NotFound(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), NotFound) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def test_any_answer_will_do(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """Even one of 404, at the address that HF_ENDPOINT names."""
    monkeypatch.setenv("HF_ENDPOINT", server + "/")
    assert hub_endpoint() == server
    assert hub_answers()


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"])
def test_offline_mode_is_no_answer(monkeypatch: pytest.MonkeyPatch, server: str, name: str) -> None:
    """The hub is not even asked."""
    monkeypatch.setenv("HF_ENDPOINT", server)
    monkeypatch.setenv(name, "1")
    assert not hub_answers()


def test_silence_is_told_within_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that accepts and says nothing, as where packets are dropped."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert not hub_answers(patience_seconds=0.2)
        assert time.monotonic() - began < 30


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "no address", "http://nowhere.invalid"])
def test_an_address_where_nothing_is_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    """A refused connection, an address that is none, a name that does not resolve."""
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert not hub_answers()
