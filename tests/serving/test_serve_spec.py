"""What is wrong with `serve` in a suite is told where it stands, before anything is started."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pytest_modelbench.documents.validate import explain
from pytest_modelbench.serving.spec import ServeSpec

GOOD = {"command": "serve --port {port}"}


def faults(**fields: Any) -> list[str]:
    given = {**GOOD, **fields}
    with pytest.raises(ValidationError) as caught:
        ServeSpec.model_validate(given)
    found = explain(caught.value, ServeSpec, given)
    return [": ".join(filter(None, [".".join(map(str, at)), text])) for at, text in found]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"command": "serve"}, "'command' has no {port}: put it where the server is told its port"),
        ({"command": "serve 'a {port}"}, "'command' cannot be split into words (No closing quot"),
        ({"command": " "}, "'command' should name a program"),
        ({"command": []}, "'command' should name a program"),
        ({"command": ["", "{port}"]}, "'command' should name a program"),
        ({"command": "A=1 serve {port}"}, "'command' sets A as a shell would: put it into 'env'"),
        ({"command": "cd x && serve {port}"}, "'command' has '&&', which only a shell understands"),
        ({"command": "serve {port} > log"}, "'command' has '>', which only a shell understands"),
        (
            {"command": "serve {port} --api-key x"},
            "'command' gives a key by --api-key, where every",
        ),
        ({"command": "serve {port} --hf-token=x"}, "'command' gives a key by --hf-token, where"),
        (
            {"env": {"HF_TOKEN": "x"}},
            "env 'HF_TOKEN' has a key in the suite: set it in the environ",
        ),
        ({"env": {"A": "http://u:p@h"}}, "env 'A' has a name or a password in its URL"),
        ({"env": {"A=B": "x"}}, "env 'A=B' has a character that no variable has"),
        ({"env": {"A": 1}}, "env.A: 1 should be a string"),
        ({"ready": {"url": "health"}}, "ready: url 'health' should be a path such as '/health'"),
        ({"ready": {"url": "http://"}}, "ready: url 'http://' has no host"),
        ({"ready": {"url": "http://h:0/"}}, "ready: url 'http://h:0/' has no host, or a port that"),
        ({"ready": {"url": "http://u:p@h/"}}, "ready: url should have no name or password in it"),
        ({"ready": {"url": "/a b"}}, "ready: url '/a b' should have no spaces"),
        (
            {"ready": {"timeout": 3}},
            "ready.timeout: unknown field; did you mean 'timeout_seconds'?",
        ),
        ({"ready": {"timeout_seconds": 0}}, "ready.timeout_seconds: 0 should be more than 0"),
        ({"port": 70_000}, "port: 70000 should be at most 65535"),
        ({"comand": "x"}, "comand: unknown field; did you mean 'command'?"),
    ],
)
def test_a_fault_is_told(fields: dict[str, Any], told: str) -> None:
    assert any(one.startswith(told) for one in faults(**fields)), faults(**fields)


def test_no_key_is_in_what_is_told() -> None:
    told = faults(
        command="serve {port} --api-key=geheim1",
        env={"API_KEY": "geheim2", "URL": "http://geheim3:geheim4@h"},
        ready={"url": "http://geheim5:geheim6@h/"},
    )
    assert len(told) == 4
    assert "geheim" not in " ".join(told)


@pytest.mark.parametrize(
    "fields",
    [
        {"command": ["sh", "-c", "cd x && exec serve --port {port} > log"]},
        {"command": "serve --json '{\"a\": {}}' --max-num-batched-tokens 5 --port={port}"},
        {"command": "serve", "env": {"PORT": "{port}"}},
        {"command": "serve", "port": 8000},
        {"ready": {"url": "https://localhost:{port}/up?all=1", "status": 503}},
        {"env": {"MAX_TOKENS": "5", "HF_TOKEN": ""}, "stop_timeout_seconds": 0},
    ],
)
def test_what_is_right_is_let_be(fields: dict[str, Any]) -> None:
    ServeSpec.model_validate({**GOOD, **fields})
