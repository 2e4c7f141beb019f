"""The runner `transcription_api`: speech to text by whoever answers over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_modelbench.datasets.spec import InputKind
from pytest_modelbench.endpoints.contract import EndpointRunner, EndpointSession
from pytest_modelbench.endpoints.providers import PROVIDERS, provider_and_model
from pytest_modelbench.endpoints.transcription_params import TranscriptionParams
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Foreseen, Requirement
from pytest_modelbench.serving.start_for import as_if_served, with_server

if TYPE_CHECKING:
    from pytest_modelbench.endpoints.providers.transcriber import Transcriber


_OWN = "self_hosted/"


class TranscriptionApi(EndpointRunner):
    """`provider/model`: a vendor's API, or a server of one's own that is asked as OpenAI is."""

    name = "transcription_api"
    input_kind = "audio"
    quality = ("wer", "cer")
    params_model = TranscriptionParams

    def input_kind_of(self, params: Mapping[str, Any]) -> InputKind:
        return "audio_url" if _checked(params).use_url else "audio"

    def requirements(self, params: Mapping[str, Any]) -> Sequence[Requirement]:
        return (*super().requirements(params), Requirement("urllib3", extra="endpoints"))

    def keeps_predictions(self, params: Mapping[str, Any]) -> bool:
        return True

    def quality_options(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"normalizer": _checked(params).normalizer}

    def foresee(self, candidate: Candidate, params: Mapping[str, Any]) -> Foreseen:
        try:
            transcriber_of(_served(candidate, params), as_if_served(params))
        except ModelbenchError as error:
            return Foreseen(problem=str(error))
        return Foreseen()

    def load(self, candidate: Candidate, device: str, params: Mapping[str, Any]) -> EndpointSession:
        """What asks the provider. Nothing is sent, but to see whether a server is ready.

        Raises `Unavailable` for an absent key, `ModelbenchError` for a provider, an address or a
        parameter that does not fit.
        """
        served = _served(candidate, params)
        own = replace(candidate, model_path=candidate.model_path.removeprefix(_OWN))
        return with_server(
            params, own, lambda given: EndpointSession(transcriber_of(served, given))
        )


def transcriber_of(candidate: Candidate, params: Mapping[str, Any]) -> Transcriber:
    """The endpoint of `provider/model`; raises as `TranscriptionApi.load` does."""
    if candidate.is_local:
        raise ModelbenchError(
            f"model {candidate.version!r} is {candidate.model_path}, which is on this machine: "
            "write provider/model, such as 'openai/whisper-1'"
        )
    provider, model = provider_and_model(candidate.model_path)
    return PROVIDERS.get(provider)(model, _checked(params))


def _served(candidate: Candidate, params: Mapping[str, Any]) -> Candidate:
    """A server that is started is of no vendor, whatever its model is called."""
    if params.get("serve") is None or candidate.model_path.startswith(_OWN):
        return candidate
    return replace(candidate, model_path=_OWN + candidate.model_path)


def _checked(params: Mapping[str, Any]) -> TranscriptionParams:
    return TranscriptionParams.model_validate(dict(params))
