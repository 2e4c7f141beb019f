"""The runner `command`: a server that the suite starts, or an address that is up, by its API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from pydantic import ConfigDict, ValidationError

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.documents.validate import explain
from pytest_modelbench.endpoints.contract import EndpointRunner
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.serving.spec import ServeSpec
from pytest_modelbench.serving.start_for import ADDRESSES

if TYPE_CHECKING:
    from pytest_modelbench.datasets.spec import InputKind
    from pytest_modelbench.endpoints.contract import EndpointSession
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.runners.contract import Foreseen, Requirement

Api = Literal["chat_api", "completions_api", "embedding_api", "transcription_api"]


class CommandParams(StrictModel):
    """`params` of `command`; all others are those of the runner that `api` names."""

    model_config = ConfigDict(extra="allow")

    api: Api
    """How it is asked: by which of the other runners. `completions_api` is `chat_api` without chat.
    """
    serve: ServeSpec | None = None
    """The server to start; without it `base_url` says where one is up."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if given.get("serve") is None and not any(given.get(name) for name in ADDRESSES):
            yield "needs 'serve', a server to start, or 'base_url', where one is up"
        if given.get("api") not in get_args(Api):
            return
        model = _asker(given).params_model
        others = {name: value for name, value in _params(given).items() if name != "serve"}
        try:
            if model is not None:
                model.model_validate(others)
        except ValidationError as error:
            for at, text in explain(error, model, others) if model is not None else ():
                yield ": ".join([".".join(map(str, at)), text] if at else [text])


class Command(EndpointRunner):
    """A model behind an OpenAI-compatible API, and the server that has it."""

    name = "command"
    params_model = CommandParams

    def suited_to(self, params: Mapping[str, Any]) -> EndpointRunner:
        """With the metrics of the runner that asks; itself where `params` name none."""
        if params.get("api") not in get_args(Api):
            return self
        asker = _asker(params)
        same = ("input_kind", "metrics", "quality", "default_concurrency")
        known = {name: getattr(asker, name) for name in same}
        known["version"] = f"{self.version}+{asker.name}-{asker.version}"
        suited: EndpointRunner = type("SuitedCommand", (Command,), known)()
        return suited

    def input_kind_of(self, params: Mapping[str, Any]) -> InputKind:
        return _asker(params).input_kind_of(_params(params))

    def requirements(self, params: Mapping[str, Any]) -> Sequence[Requirement]:
        if params.get("api") is None:  # of no case: what all of them need
            return super().requirements(params)
        return _asker(params).requirements(_params(params))

    def quality_options(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return _asker(params).quality_options(_params(params))

    def keeps_predictions(self, params: Mapping[str, Any]) -> bool:
        return _asker(params).keeps_predictions(_params(params))

    def foresee(self, candidate: Candidate, params: Mapping[str, Any]) -> Foreseen:
        return _asker(params).foresee(candidate, _params(params))

    def fetch(self, candidate: Candidate, params: Mapping[str, Any]) -> None:
        _asker(params).fetch(candidate, _params(params))

    def load(self, candidate: Candidate, device: str, params: Mapping[str, Any]) -> EndpointSession:
        return _asker(params).load(candidate, device, _params(params))


def _asker(params: Mapping[str, Any]) -> EndpointRunner:
    """Raises `ModelbenchError` for what names none."""
    api = params.get("api")
    if api not in get_args(Api):
        raise ModelbenchError(f"params.api {api!r} should be one of {', '.join(get_args(Api))}")
    name = "chat_api" if api == "completions_api" else str(api)
    return cast(EndpointRunner, RUNNERS.get(name)())


def _params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the runner that asks."""
    others = {name: value for name, value in params.items() if name != "api"}
    return {**others, "api": "completions"} if params.get("api") == "completions_api" else others
