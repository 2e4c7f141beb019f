"""Runners of endpoints call `with_server` in `load`, and `serve` works:

    def load(self, candidate, device, params):
        return with_server(params, candidate, lambda params: self._load(candidate, params))

With `serve` in `params` the server is started and waited for, and `_load` gets the other
parameters, with `base_url` where the server listens unless the suite says one itself (in which
`{port}` is replaced). The session it gives has the server as `session.server`, and ends it in
`close`. Without `serve` nothing happens but `_load(params)`. A runner's `params_model` needs the
field `serve: ServeSpec | None = None`. What `_load` raises ends the server, too.

Relative paths are relative to the current directory, which is that of the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.redaction import masked

if TYPE_CHECKING:
    from pytest_modelbench.endpoints.contract import EndpointSession
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.serving.spec import ServeSpec

ADDRESSES = ("base_url", "endpoints")
"""The parameters in which a suite may say itself where its server is."""
Load = Callable[[Mapping[str, Any]], "EndpointSession"]


def with_server(
    params: Mapping[str, Any],
    candidate: Candidate,
    load: Load,
    base_dir: Path | None = None,
) -> EndpointSession:
    """What `load` makes of `params`, with the server it needs. Raises what starting one raises."""
    spec = _spec_of(params)
    if spec is None:
        return load({name: value for name, value in params.items() if name != "serve"})
    from pytest_modelbench.serving.environment import recorded
    from pytest_modelbench.serving.server import Server

    server = Server.ready(spec, candidate.model_path, base_dir)
    try:
        session = load(_addressed(params, server.port, candidate.model_path))
    except BaseException:
        server.stop()
        raise
    session.server = server
    session.properties = {**session.properties, "serve": masked(recorded(spec))}
    return session


def as_if_served(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that `load` would get, with a port that is none: for `Runner.foresee`."""
    if params.get("serve") is None:
        return dict(params)
    return _addressed(params, 1, "model")


def _addressed(params: Mapping[str, Any], port: int, model: str) -> dict[str, Any]:
    """Without `serve`, and with where its server is."""
    from pytest_modelbench.serving.environment import filled_in

    others = {name: value for name, value in params.items() if name != "serve"}
    given = [name for name in ADDRESSES if others.get(name)]
    for name in given:
        value = others[name]
        if isinstance(value, str):
            others[name] = filled_in(value, port, model)
        elif isinstance(value, list):
            others[name] = [filled_in(str(one), port, model) for one in value]
    return others if given else {**others, "base_url": f"http://127.0.0.1:{port}"}


def _spec_of(params: Mapping[str, Any]) -> ServeSpec | None:
    given = params.get("serve")
    if given is None:
        return None
    from pydantic import ValidationError

    from pytest_modelbench.documents.validate import explain
    from pytest_modelbench.serving.spec import ServeSpec

    if isinstance(given, ServeSpec):
        return given
    try:
        return ServeSpec.model_validate(given)
    except ValidationError as error:
        faults = explain(error, ServeSpec, given)
        texts = (f"{'.'.join(map(str, ('serve', *at)))}: {text}" for at, text in faults)
        raise ModelbenchError("; ".join(texts)) from None
