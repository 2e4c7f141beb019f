"""Runners get their server by one call, and it ends with their session."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError
from small_servers import SERVE, Servers

from pytest_modelbench.documents.validate import explain
from pytest_modelbench.endpoints.command import Command, CommandParams
from pytest_modelbench.endpoints.contract import Endpoint, EndpointSession
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Runner
from pytest_modelbench.runners.declared import metrics_of_runner
from pytest_modelbench.runners.suited import runner_for
from pytest_modelbench.serving.start_for import as_if_served, with_server

TINY = Candidate("tiny", "/models/tiny")


def serve(servers: Servers, what: str = SERVE) -> dict[str, Any]:
    return {"command": [sys.executable, servers.script(what), "{port}", "{model}"]}


class Seen:
    """A runner's `load`, which remembers what it was given."""

    def __init__(self) -> None:
        self.params: Mapping[str, Any] = {}

    def __call__(self, params: Mapping[str, Any]) -> EndpointSession:
        self.params = params
        return EndpointSession(Endpoint())


def test_the_session_is_told_where_its_server_is_and_ends_it(servers: Servers) -> None:
    load = Seen()
    session = with_server({"serve": serve(servers), "seed": 3}, TINY, load)
    assert session.server is not None
    assert load.params == {"seed": 3, "base_url": f"http://127.0.0.1:{session.server.port}"}
    assert servers.running == [session.server.pid]
    assert session.properties["serve"] == {
        "command": [sys.executable, servers.script(SERVE), "{port}", "{model}"],
        "env": {},
        "ready": "/health",
    }
    session.close()
    assert servers.running == []
    session.close()


def test_a_suite_may_say_itself_where_its_server_answers(servers: Servers) -> None:
    load = Seen()
    params = {"serve": serve(servers), "base_url": "http://localhost:{port}/api/v1"}
    session = with_server(params, TINY, load)
    session.close()
    assert session.server is not None
    assert load.params == {"base_url": f"http://localhost:{session.server.port}/api/v1"}
    assert as_if_served({"serve": {}, "endpoints": ["a:{port}"]}) == {"endpoints": ["a:1"]}


def test_without_a_server_to_start_the_parameters_are_those_of_the_suite() -> None:
    load = Seen()
    assert with_server({"seed": 3, "serve": None}, TINY, load).server is None
    assert load.params == {"seed": 3}


def test_a_session_that_cannot_be_made_leaves_no_server(servers: Servers) -> None:
    def load(params: Mapping[str, Any]) -> EndpointSession:
        assert servers.running
        raise ModelbenchError("no key")

    with pytest.raises(ModelbenchError, match="no key"):
        with_server({"serve": serve(servers)}, TINY, load)
    assert servers.started
    assert not servers.running


def test_what_is_wrong_with_serve_is_told_in_one_sentence() -> None:
    with pytest.raises(ModelbenchError, match=r'^serve\.port: "x" should be a whole number$'):
        with_server({"serve": {"command": "serve {port}", "port": "x"}}, TINY, Seen())


@pytest.mark.parametrize("runner", ["chat_api", "embedding_api", "transcription_api"])
def test_every_runner_of_endpoints_has_its_server_started(servers: Servers, runner: str) -> None:
    params = {"serve": serve(servers)}
    for name, given in ((runner, params), ("command", {"api": runner, **params})):
        asked = runner_for(name, given)
        model = asked.params_model
        assert model is not None
        model.model_validate(given)
        assert not asked.foresee(TINY, given).problem
        session = asked.load(TINY, "endpoint", given)
        try:
            assert isinstance(session, EndpointSession)
            assert session.server is not None
            assert f"127.0.0.1:{session.server.port}/v1/" in session.endpoint.address
            assert session.endpoint.properties["model"] == TINY.model_path
        finally:
            session.close()
    assert not servers.running


def faults(**params: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        CommandParams.model_validate(params)
    return [text for _, text in explain(caught.value, CommandParams, params)]


def test_a_commands_parameters_are_checked_as_those_of_the_runner_that_asks() -> None:
    address = {"base_url": "http://localhost:8000/v1"}
    assert faults(api="chat_api") == [
        "needs 'serve', a server to start, or 'base_url', where one is up"
    ]
    assert faults(api="chat", **address)[0].endswith("; did you mean 'chat_api'?")
    (told,) = faults(api="chat_api", **address, max_tokns=3)
    assert told.startswith("max_tokns: unknown field; did you mean 'max_tokens'?")
    (told,) = faults(api="embedding_api", **address, dimensions=0)
    assert told == "dimensions: 0 should be at least 1"
    CommandParams.model_validate({"api": "completions_api", **address, "max_tokens": 3})
    assert "needs 'api': 'chat'" in faults(api="completions_api", **address, system="x")[0]


def test_a_command_is_scored_as_what_it_serves() -> None:
    def command(api: str) -> Runner:
        return runner_for("command", {"api": api})

    assert command("transcription_api").quality == ("wer", "cer")
    assert command("transcription_api").input_kind_of({"api": "transcription_api"}) == "audio"
    assert "spearman" in metrics_of_runner(command("embedding_api"))
    assert "wer" not in metrics_of_runner(command("chat_api"))
    assert command("chat_api").version != command("embedding_api").version
    assert type(runner_for("command", {"api": "none"})) is Command
