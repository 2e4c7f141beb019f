from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from vendor_jobs import VENDORS
from vendor_server import KEY, Vendor

from pytest_modelbench.documents.validate import explain
from pytest_modelbench.endpoints.contract import EndpointSession
from pytest_modelbench.endpoints.providers import PROVIDERS
from pytest_modelbench.endpoints.providers.openai import OpenAi
from pytest_modelbench.endpoints.providers.transcriber import Transcriber
from pytest_modelbench.endpoints.transcription_api import TranscriptionApi
from pytest_modelbench.endpoints.transcription_params import TranscriptionParams
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.registry import Candidate

RUNNER = TranscriptionApi()
of_every_vendor = pytest.mark.parametrize("kind", VENDORS, ids=lambda kind: kind.provider)


@pytest.fixture(autouse=True)
def _without_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in VENDORS:
        monkeypatch.delenv(vendor.variable, raising=False)
    for name in ("REVAI_API_KEY", "MODELBENCH_ENDPOINTS", "MODELBENCH_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def problem(model: str, **params: Any) -> str:
    return RUNNER.foresee(Candidate(model, model), params).problem


def loaded(model: str, **params: Any) -> Transcriber:
    session = RUNNER.load(Candidate(model, model), "endpoint", params)
    assert isinstance(session, EndpointSession)
    assert isinstance(session.endpoint, Transcriber)
    return session.endpoint


def faults(**params: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        TranscriptionParams.model_validate(params)
    return [text for _, text in explain(caught.value, TranscriptionParams, params)]


@of_every_vendor
def test_a_key_that_is_not_set_is_told_before_anything_runs_and_skips_the_case(
    kind: type[Vendor],
) -> None:
    model = f"{kind.provider}/{kind.model}"
    if kind.provider == "self_hosted":
        assert problem(model) == ""
        assert loaded(model).secrets == ()
        return
    assert problem(model).startswith(f"{kind.variable} is not set: provider {kind.provider!r}")
    with pytest.raises(Unavailable, match=f"^{kind.variable} is not set"):
        loaded(model)


@of_every_vendor
def test_what_a_key_cannot_be_is_told_before_anything_runs_without_showing_it(
    kind: type[Vendor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kind.variable, f"{KEY}\n")
    text = problem(f"{kind.provider}/{kind.model}")
    assert text.startswith(f"{kind.variable} holds a space, a line break")
    assert KEY not in text


@pytest.mark.parametrize(
    ("provider", "variable", "address"),
    [
        ("openai", "OPENAI_API_KEY", "https://api.openai.com/v1/audio/transcriptions"),
        ("groq", "GROQ_API_KEY", "https://api.groq.com/openai/v1/audio/transcriptions"),
        ("deepgram", "DEEPGRAM_API_KEY", "https://api.deepgram.com/v1/listen"),
        ("elevenlabs", "ELEVENLABS_API_KEY", "https://api.elevenlabs.io/v1/speech-to-text"),
        ("assembly", "ASSEMBLYAI_API_KEY", "https://api.assemblyai.com/v2"),
        ("assemblyai", "ASSEMBLYAI_API_KEY", "https://api.assemblyai.com/v2"),
        ("revai", "REVAI_ACCESS_TOKEN", "https://api.rev.ai/speechtotext/v1"),
        ("revai", "REVAI_API_KEY", "https://api.rev.ai/speechtotext/v1"),
        ("speechmatics", "SPEECHMATICS_API_KEY", "https://asr.api.speechmatics.com/v2"),
        ("Self_Hosted", "MODELBENCH_API_KEY", "http://localhost:8000/v1/audio/transcriptions"),
    ],
)
def test_the_name_before_the_slash_picks_the_vendor_and_its_address(
    provider: str, variable: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, KEY)
    endpoint = loaded(f"{provider}/some/model-1")
    assert (endpoint.address, endpoint.model) == (address, "some/model-1")
    assert endpoint.secrets == (KEY,)
    assert endpoint.properties["model"] == "some/model-1"


def test_a_provider_that_is_not_known_is_told_with_the_nearest() -> None:
    assert problem("elevenlab/scribe_v1").startswith(
        "'elevenlab' is not a transcription provider; did you mean 'elevenlabs'? (known: assembly,"
    )
    with pytest.raises(ModelbenchError, match="is not a transcription provider"):
        loaded("somebody/model")


@pytest.mark.parametrize("model", ["whisper-1", "openai/", "openai/ ", " /m"])
def test_a_model_without_a_provider_is_told_how_it_is_written(model: str) -> None:
    text = problem(model)
    assert text.startswith(f"model {model!r} should be a provider and its model, such as")
    assert "openai" in text


def test_a_directory_is_no_provider() -> None:
    candidate = Candidate("openai/whisper-1", "/models/openai/whisper-1")
    text = RUNNER.foresee(candidate, {}).problem
    assert text.startswith("model 'openai/whisper-1' is /models/openai/whisper-1, which is on this")


def test_the_address_of_the_suite_takes_the_place_of_every_vendors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for vendor in VENDORS:
        monkeypatch.setenv(vendor.variable, KEY)
        endpoint = loaded(f"{vendor.provider}/m", base_url="127.0.0.1:9")
        assert endpoint.address.startswith("http://127.0.0.1:9/")
        several = loaded(f"{vendor.provider}/m", endpoints=["a:1", "https://b/x"])
        assert [one.partition("://")[2][:3] for one in several.addresses] == ["a:1", "b/x"]
    monkeypatch.setenv("MODELBENCH_ENDPOINTS", "ours:1")
    assert loaded("openai/m").address.startswith("https://api.openai.com/")
    assert loaded("self_hosted/m").address.startswith("http://ours:1/")


@pytest.mark.parametrize(
    ("model", "params", "field"),
    [
        ("deepgram/nova-3", {"prompt": "names"}, "prompt"),
        ("deepgram/nova-3", {"temperature": 0.0}, "temperature"),
        ("elevenlabs/scribe_v1", {"prompt": "names"}, "prompt"),
        ("speechmatics/enhanced", {"temperature": 0.5}, "temperature"),
        ("openai/whisper-1", {"use_url": True}, "use_url"),
    ],
)
def test_what_a_vendors_interface_has_not_is_refused(
    model: str, params: dict[str, Any], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for vendor in VENDORS:
        monkeypatch.setenv(vendor.variable, KEY)
    provider = model.partition("/")[0]
    expected = f"params.{field} is not for provider {provider!r}, whose interface has no such thing"
    assert problem(model, **params).startswith(expected)
    assert problem(model) == ""


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("openai/whisper-1", "stream"),
        ("openai/whisper-1", "model"),
        ("deepgram/nova-3", "callback"),
        ("elevenlabs/scribe_v1", "webhook"),
        ("speechmatics/enhanced", "diarization"),
    ],
)
def test_further_fields_may_not_change_what_an_answer_is(
    model: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for vendor in VENDORS:
        monkeypatch.setenv(vendor.variable, KEY)
    assert problem(model, request={field: "x"}).startswith(f"params.request may not hold {field!r}")


def test_a_key_in_an_address_is_refused_before_anything_is_recorded() -> None:
    for address in (f"http://me:{KEY}@host", f"http://host/v1?key={KEY}"):
        for given in ({"base_url": address}, {"endpoints": ["a:1", address]}):
            (told,) = faults(**given)
            assert told.startswith("an address in params.")
            assert KEY not in told


def test_a_key_in_the_suite_is_refused_and_not_shown() -> None:
    for given in ({"api_key": KEY}, {"request": {"api_key": KEY}}):
        told = faults(**given)
        assert any(text.startswith("'api_key' is no parameter: keys are read") for text in told)
        assert not any(KEY in text for text in told)


def test_parameters_that_contradict_each_other_are_told() -> None:
    assert faults(base_url="a:1", endpoints=["b:1"]) == [
        "'base_url' and 'endpoints' exclude each other: give the one or the list"
    ]
    assert faults(language="en", request={"language": "de"}) == [
        "'request' holds 'language', which params has as well: give it once"
    ]
    (wrong,) = faults(base_url="ftp://x")
    assert wrong.startswith("an address in params.base_url begins with ftp://")
    (unknown,) = faults(languages="en")
    assert unknown == "unknown field; did you mean 'language'?"


def test_the_address_of_a_server_that_is_started_may_have_its_port() -> None:
    params = {"base_url": "localhost:{port}/v1", "serve": {"command": "x --port {port}"}}
    assert problem("m", **params) == ""


def test_use_url_asks_for_addresses_instead_of_sound() -> None:
    assert RUNNER.input_kind_of({}) == RUNNER.input_kind == "audio"
    assert RUNNER.input_kind_of({"use_url": True}) == "audio_url"


def test_what_it_takes_to_ask_and_to_upload_is_looked_for_before() -> None:
    modules = [(one.module, one.extra) for one in RUNNER.requirements({})]
    assert modules == [("httptools", "endpoints"), ("urllib3", "endpoints")]


def test_the_normalizer_goes_to_the_error_rates() -> None:
    assert RUNNER.quality == ("wer", "cer")
    assert RUNNER.quality_options({"normalizer": "whisper-english"}) == {
        "normalizer": "whisper-english"
    }


def test_a_provider_of_somebody_else_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(OpenAi):
        name = "mine"
        key_names = ("MINE_KEY",)
        vendor_address = "https://mine.example"

    before = PROVIDERS.added
    PROVIDERS.add("mine", Mine)
    try:
        monkeypatch.setenv("MINE_KEY", KEY)
        assert loaded("mine/m").address == "https://mine.example/v1/audio/transcriptions"
    finally:
        PROVIDERS.forget_added(before)
