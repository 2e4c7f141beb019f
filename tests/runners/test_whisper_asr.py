"""Whisper transcribes through either backend, and refuses in words what a model cannot do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import pytest_modelbench
from pytest_modelbench.datasets.samples import Audio, Sample
from pytest_modelbench.documents.validate import explain
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.measure.allocators import compiling_cores
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners import openvino_devices
from pytest_modelbench.runners.contract import Prediction, Session
from pytest_modelbench.runners.whisper_asr import WhisperAsr, WhisperParams

QUICKSTART = Path(pytest_modelbench.__file__).parent / "quickstart"
DIGITS = QUICKSTART / "models" / "digits-fp32"
RATE_HZ = 16_000

Load = Callable[..., Session]


def _noise(seconds: float, rate_hz: int = RATE_HZ) -> Audio:
    noise = np.random.default_rng(1).normal(scale=0.1, size=int(seconds * rate_hz))
    return Audio(noise.astype(np.float32), rate_hz)


@pytest.mark.parametrize(
    "params",
    [
        {"task": "summarize"},
        {"batch_size": 0},
        {"batch_size": "4"},
        {"chunk_length_s": -1},
        {"precision": "int8"},
        {"max_new_tokens": 0},
        {"beams": 5},
    ],
)
def test_params_are_strict(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(params))):
        WhisperParams.model_validate(params)


def test_a_blank_language_counts_as_none() -> None:
    assert WhisperParams.model_validate({"language": " "}).language is None


def test_requirements_and_normalizer_follow_the_params() -> None:
    runner = WhisperAsr()
    assert [need.module for need in runner.requirements({})] == [
        "openvino",
        "optimum.intel.openvino",
    ]
    genai = runner.requirements({"backend": "genai"})
    assert [need.install_line for need in genai] == ['pip install "pytest-modelbench[quickstart]"']
    assert runner.quality_options({}) == {"normalizer": "basic"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, r"'org/model' is none; backend 'optimum' takes hub ids"),
    ],
)
def test_genai_says_what_it_cannot_do(params: dict[str, Any], message: str) -> None:
    pytest.importorskip("openvino")
    with pytest.raises(ModelbenchError, match=message):
        WhisperAsr().load(Candidate("m", "org/model"), "CPU", params | {"backend": "genai"})


@pytest.mark.parametrize("params", [{"batch_size": 2}, {"chunk_length_s": 5.0}])
def test_what_genai_cannot_do_is_a_fault_of_the_suite(params: dict[str, Any]) -> None:
    given = params | {"backend": "genai"}
    with pytest.raises(ValidationError) as caught:
        WhisperParams.model_validate(given)
    ((_, message),) = explain(caught.value, WhisperParams, given)
    assert message.startswith(f"{next(iter(params))!r} is not for backend 'genai': leave it at ")


def test_genai_needs_the_tokenizer_in_the_directory(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    for part in ("encoder", "decoder"):
        (tmp_path / f"openvino_{part}_model.xml").touch()
    with pytest.raises(ModelbenchError, match=r"has no openvino_tokenizer\.xml"):
        WhisperAsr().load(Candidate("m", str(tmp_path)), "CPU", {"backend": "genai"})


def test_an_absent_device_skips() -> None:
    pytest.importorskip("openvino")
    with pytest.raises(Unavailable, match=r"device 'GPU\.7' is not present"):
        WhisperAsr().load(Candidate("m", "/nowhere"), "GPU.7", {})


def _transcribe(session: Session, speeches: list[Audio]) -> list[Prediction]:
    samples = [Sample(str(index), speech) for index, speech in enumerate(speeches)]
    prepared = [session.prepare(sample) for sample in samples]
    answers: list[Any] = []
    for start in range(0, len(prepared), session.batch_size):
        answers += session.predict(prepared[start : start + session.batch_size])
    return [session.finish(*pair) for pair in zip(samples, answers, strict=True)]


@pytest.fixture(scope="module")
def tiny(
    tmp_path_factory: pytest.TempPathFactory, kept_exports: Path, load_kept: Callable[..., Session]
) -> Load:
    """Load a random multilingual Whisper with a window of two seconds, by either backend."""
    pytest.importorskip("optimum.intel.openvino")
    from tiny_whisper import convert_tokenizer, save_tiny_whisper

    from pytest_modelbench.runners.openvino_export import ensure_ir

    source, complete = tmp_path_factory.mktemp("tiny"), tmp_path_factory.mktemp("ir") / "tiny"
    save_tiny_whisper(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(kept_exports))
        exported = ensure_ir(
            Candidate("tiny", str(source)), "automatic-speech-recognition-with-past"
        )
    shutil.copytree(exported.ir, complete)
    convert_tokenizer(source, complete)

    def load(**params: Any) -> Session:
        directory = complete if params.get("backend") == "genai" else source
        asked = {"precision": "f32", "language": "en"} | params
        return load_kept(WhisperAsr(), Candidate("tiny", str(directory)), asked)

    return load


@pytest.mark.slow
def test_the_core_of_optimum_is_where_it_is_looked_for(
    digits: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module named there is a detail of optimum.intel's that a release may change."""
    digits()
    monkeypatch.setattr(openvino_devices, "_compiling", [])
    assert [type(core).__name__ for core in compiling_cores()] == ["Core"]


@pytest.mark.slow
@pytest.mark.parametrize("params", [{}, {"language": "German", "task": "translate"}])
def test_backends_agree_within_and_beyond_the_window(tiny: Load, params: dict[str, Any]) -> None:
    """The long speech goes by timestamps, window after window."""
    speeches = [_noise(0.5), _noise(1.5), _noise(5)]
    optimum = _transcribe(tiny(**params), speeches)
    genai = _transcribe(tiny(backend="genai", **params), speeches)
    assert [one.value for one in optimum] == [one.value for one in genai]
    assert [one.tokens for one in optimum] == [one.tokens for one in genai]
    assert all(one.value for one in optimum)


@pytest.mark.slow
def test_the_language_and_task_asked_for_change_the_answer(tiny: Load) -> None:
    english = _transcribe(tiny(), [_noise(5)])
    assert _transcribe(tiny(language="de", task="translate"), [_noise(5)]) != english


@pytest.mark.slow
def test_chunks_mix_with_short_speech_in_one_batch(tiny: Load) -> None:
    speeches = [_noise(1), _noise(5), _noise(1.5)]
    chunked = _transcribe(tiny(chunk_length_s=2, batch_size=3), speeches)
    plain = _transcribe(tiny(), speeches)
    assert [chunked[0], chunked[2]] == [plain[0], plain[2]]
    assert (chunked[1].tokens or 0) > (plain[0].tokens or 0)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["optimum", "genai"])
def test_max_new_tokens_is_obeyed_without_a_word(
    tiny: Load, backend: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    session = tiny(backend=backend, max_new_tokens=6)
    capfd.readouterr()
    assert _transcribe(session, [_noise(1)])[0].tokens == 6
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


@pytest.mark.slow
def test_chunks_longer_than_the_window_are_a_fault(tiny: Load) -> None:
    with pytest.raises(ModelbenchError, match=r"chunk_length_s is 3, longer than the 2 s window"):
        tiny(chunk_length_s=3)


def _clips() -> list[tuple[Audio, str]]:
    soundfile = pytest.importorskip("soundfile")
    lines = (QUICKSTART / "clips" / "clips.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    sounds = [soundfile.read(QUICKSTART / "clips" / row["audio"], dtype="float32") for row in rows]
    return [(Audio(*sound), row["text"]) for sound, row in zip(sounds, rows, strict=True)]


@pytest.fixture(scope="module")
def digits() -> Load:
    """Load the quickstart model, an English-only one that knows ten words."""
    pytest.importorskip("optimum.intel.openvino")
    pytest.importorskip("openvino_genai")

    def load(**params: Any) -> Session:
        model = Candidate("digits", str(DIGITS))
        return WhisperAsr().load(model, "CPU", {"precision": "f32"} | params)

    return load


@pytest.mark.slow
@pytest.mark.parametrize(
    "params",
    [{}, {"batch_size": 4}, {"backend": "genai"}, {"language": "en", "task": "transcribe"}],
    ids=["optimum", "batch", "genai", "english"],
)
def test_digits_are_recognised(digits: Load, params: dict[str, Any]) -> None:
    clips = _clips()
    found = _transcribe(digits(**params), [speech for speech, _ in clips])
    exact = [prediction.value == text for prediction, (_, text) in zip(found, clips, strict=True)]
    assert sum(exact) > len(exact) / 2
    # One token a digit.
    assert [one.tokens for one in found] == [len(one.value.split()) for one in found]


@pytest.mark.slow
def test_a_checkpoint_that_does_not_say_where_timestamps_begin_is_measured_as_well(
    digits: Load, tmp_path: Path
) -> None:
    model = shutil.copytree(DIGITS, tmp_path / "model")
    settings = json.loads((model / "generation_config.json").read_text())
    del settings["no_timestamps_token_id"]
    (model / "generation_config.json").write_text(json.dumps(settings))
    asked = {"precision": "f32"}
    session = WhisperAsr().load(Candidate("unnumbered", str(model)), "CPU", asked)
    found = _transcribe(session, [speech for speech, _ in _clips()])
    assert all(one.tokens for one in found)


@pytest.mark.slow
def test_batches_and_backends_give_the_same_texts(digits: Load) -> None:
    speeches = [speech for speech, _ in _clips()]
    alone = _transcribe(digits(), speeches)
    assert _transcribe(digits(batch_size=4), speeches) == alone
    assert _transcribe(digits(backend="genai"), speeches) == alone


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["optimum", "genai"])
def test_effective_precision_is_recorded(digits: Load, backend: str) -> None:
    properties = digits(backend=backend).properties
    assert properties["inference_precision"] == "f32"
    assert properties["backend"] == backend
    json.dumps(properties, allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["optimum", "genai"])
def test_english_only_digits_refuse_other_languages(digits: Load, backend: str) -> None:
    with pytest.raises(ModelbenchError, match=r"params\.language is 'de', but model 'digits' is"):
        digits(backend=backend, language="de")


@pytest.mark.slow
def test_long_digits_need_chunks(digits: Load) -> None:
    clips = _clips()[:4]
    gap = np.zeros(RATE_HZ // 2, dtype=np.float32)
    joined = np.concatenate([part for speech, _ in clips for part in (speech.samples, gap)])
    long = Audio(joined, RATE_HZ)
    with pytest.raises(ModelbenchError, match="longer than the 6 s window of model 'digits'"):
        _transcribe(digits(), [long])
    assert _transcribe(digits(chunk_length_s=6), [long])[0].value
