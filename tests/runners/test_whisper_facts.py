"""What a checkpoint's JSON files say decides what it may be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.datasets.samples import Audio
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.whisper_facts import WhisperFacts, read_facts
from pytest_modelbench.runners.whisper_languages import CODES

CONFIG = {"model_type": "whisper", "vocab_size": 51_864}


def _facts(**changes: Any) -> WhisperFacts:
    known: dict[str, Any] = {
        "name": "m",
        "multilingual": True,
        "languages": frozenset({"en", "de"}),
        "has_timestamps": True,
        "sampling_rate_hz": 16_000,
        "window_seconds": 2.0,
        "max_target_positions": 48,
    }
    return WhisperFacts(**known | changes)


def _silence(seconds: float, rate_hz: int = 16_000) -> Audio:
    return Audio(np.zeros(int(seconds * rate_hz), dtype=np.float32), rate_hz)


@pytest.mark.parametrize("language", [None, "en", "English", "<|en|>"])
def test_an_english_only_model_takes_english_silently(language: str | None) -> None:
    facts = _facts(multilingual=False)
    assert facts.language_code(language) is None
    assert facts.task("transcribe") is None


def test_an_english_only_model_refuses_the_rest() -> None:
    facts = _facts(multilingual=False)
    with pytest.raises(ModelbenchError, match=r"params\.language is 'de', but model 'm' is Engl"):
        facts.language_code("de")
    with pytest.raises(ModelbenchError, match=r"params\.task is 'translate', but model 'm' is"):
        facts.task("translate")


@pytest.mark.parametrize("language", ["de", "German", " <|de|> "])
def test_a_multilingual_model_takes_codes_and_names(language: str) -> None:
    assert _facts().language_code(language) == "de"
    assert _facts().task("translate") == "translate"


@pytest.mark.slow
def test_languages_have_the_names_that_transformers_gives_them() -> None:
    module = pytest.importorskip("transformers.models.whisper.tokenization_whisper")
    assert CODES == module.TO_LANGUAGE_CODE


def test_a_language_the_model_lacks_is_a_fault() -> None:
    with pytest.raises(ModelbenchError, match=r"'fr', which model 'm' does not have; it has de, e"):
        _facts().language_code("fr")


def test_more_tokens_than_positions_is_a_fault() -> None:
    _facts().check_max_new_tokens(44)
    with pytest.raises(ModelbenchError, match=r"params\.max_new_tokens is 45, .* room for 44"):
        _facts().check_max_new_tokens(45)


def test_speech_at_another_rate_is_a_fault() -> None:
    with pytest.raises(ModelbenchError, match=r"8000 Hz.* set dataset\.sampling_rate to 16000"):
        _facts().check_speech(_silence(1, 8_000), chunked=False)


def test_speech_beyond_the_window_needs_timestamps_or_chunks() -> None:
    long = _silence(3)
    _facts().check_speech(long, chunked=False)
    _facts(has_timestamps=False).check_speech(long, chunked=True)
    with pytest.raises(
        ModelbenchError, match=r"3\.0 s, longer than the 2 s window .* params.chunk"
    ):
        _facts(has_timestamps=False).check_speech(long, chunked=False)


def _write(directory: Path, **files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (directory / f"{name}.json").write_text(json.dumps(content))
    return directory


@pytest.mark.parametrize(
    ("vocabulary", "generation", "multilingual"),
    [
        (51_864, {"is_multilingual": False}, False),
        (51_865, {"is_multilingual": True, "lang_to_id": {"<|en|>": 1}}, True),
        (51_864, {}, False),
        (51_865, {}, True),
        (60, {"lang_to_id": {"<|en|>": 1}}, True),
    ],
)
def test_multilingual_is_read_or_told_by_the_vocabulary(
    tmp_path: Path, vocabulary: int, generation: dict[str, Any], multilingual: bool
) -> None:
    config = CONFIG | {"vocab_size": vocabulary}
    source = _write(tmp_path, config=config, generation_config=generation)
    assert read_facts("m", source).multilingual is multilingual


@pytest.mark.parametrize("file", ["preprocessor_config", "processor_config"])
def test_the_window_is_read_from_either_file(tmp_path: Path, file: str) -> None:
    features = {"chunk_length": 6, "sampling_rate": 8_000}
    content = {"feature_extractor": features} if file == "processor_config" else features
    facts = read_facts("m", _write(tmp_path, config=CONFIG, **{file: content}))
    assert (facts.window_seconds, facts.sampling_rate_hz) == (6.0, 8_000)


def test_another_kind_of_model_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelbenchError, match=r"model_type 'bert', not 'whisper'"):
        read_facts("m", _write(tmp_path, config={"model_type": "bert"}))
