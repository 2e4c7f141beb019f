"""What a Whisper checkpoint says of itself in its JSON files, and what follows for a request."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.model_json import number_in, read_object
from pytest_modelbench.runners.whisper_languages import CODES

if TYPE_CHECKING:
    from pytest_modelbench.datasets.samples import Audio

# Checkpoints without a generation configuration: OpenAI's multilingual vocabulary has one more.
MULTILINGUAL_VOCABULARY = 51_865
ENGLISH = {"en", "english"}
# What the decoder is given before it writes: start, language, task and "no timestamps".
PROMPT_TOKENS = {True: 4, False: 2}


@dataclass(frozen=True, slots=True)
class WhisperFacts:
    """A checkpoint's limits and languages."""

    name: str
    """The candidate, for messages."""
    multilingual: bool
    languages: frozenset[str]
    """Codes such as `en`; empty when the checkpoint does not list them."""
    has_timestamps: bool
    """Whether it can write timestamps, which decoding beyond one window goes by."""
    sampling_rate_hz: int
    window_seconds: float
    max_target_positions: int

    def language_code(self, language: str | None) -> str | None:
        """The code to ask the model for; None lets it detect, or is all an English model takes.

        Raises `ModelbenchError` for a language the model does not have.
        """
        if language is None:
            return None
        plain = language.strip().lower().removeprefix("<|").removesuffix("|>")
        if not self.multilingual:
            if plain not in ENGLISH:
                raise ModelbenchError(
                    f"params.language is {language!r}, but model {self.name!r} is English-only: "
                    "leave it out or write 'en'"
                )
            return None
        code = CODES.get(plain, plain)
        if self.languages and code not in self.languages:
            known = ", ".join(sorted(self.languages))
            raise ModelbenchError(
                f"params.language is {language!r}, which model {self.name!r} does not have; "
                f"it has {known}"
            )
        return code

    def task(self, task: str) -> str | None:
        """The task to ask the model for; None where it knows only one.

        Raises `ModelbenchError` when an English-only model is to translate.
        """
        if self.multilingual:
            return task
        if task != "transcribe":
            raise ModelbenchError(
                f"params.task is {task!r}, but model {self.name!r} is English-only: "
                "it can only 'transcribe'"
            )
        return None

    def check_max_new_tokens(self, max_new_tokens: int | None) -> None:
        """Raises `ModelbenchError` when the decoder has not that many positions."""
        room = self.max_target_positions - PROMPT_TOKENS[self.multilingual]
        if max_new_tokens is not None and max_new_tokens > room:
            raise ModelbenchError(
                f"params.max_new_tokens is {max_new_tokens}, but model {self.name!r} has room for "
                f"{room} after its prompt"
            )

    def check_speech(self, audio: Audio, chunked: bool) -> None:
        """Raises `ModelbenchError` for speech that the model cannot be given."""
        if audio.sampling_rate_hz != self.sampling_rate_hz:
            raise ModelbenchError(
                f"the sample is at {audio.sampling_rate_hz} Hz, but model {self.name!r} hears "
                f"{self.sampling_rate_hz} Hz: set dataset.sampling_rate to {self.sampling_rate_hz}"
            )
        if audio.duration_seconds > self.window_seconds and not (chunked or self.has_timestamps):
            raise ModelbenchError(
                f"the sample lasts {audio.duration_seconds:.1f} s, longer than the "
                f"{self.window_seconds:g} s window of model {self.name!r}, which writes no "
                "timestamps to go on by: set params.chunk_length_s (backend 'optimum')"
            )


def read_facts(name: str, directory: Path) -> WhisperFacts:
    """The facts of the checkpoint in `directory`. Raises `ModelbenchError` if it is no Whisper."""
    file = directory / "config.json"
    config = read_object(file)
    if config.get("model_type") != "whisper":
        raise ModelbenchError(
            f"model {name!r} in {directory} has model_type {config.get('model_type')!r}, "
            "not 'whisper', in its config.json"
        )
    generated = directory / "generation_config.json"
    generation = read_object(generated)
    heard = directory / "preprocessor_config.json"
    features = read_object(heard)
    if not features:  # newer versions of transformers nest it in the processor's file
        heard = directory / "processor_config.json"
        nested = read_object(heard).get("feature_extractor")
        features = nested if isinstance(nested, dict) else {}
    languages = generation.get("lang_to_id") or {}
    vocabulary = int(number_in(config, "vocab_size", file, None))
    guess = bool(languages) or vocabulary >= MULTILINGUAL_VOCABULARY
    no_timestamps = number_in(generation, "no_timestamps_token_id", generated, math.inf)
    return WhisperFacts(
        name=name,
        multilingual=bool(generation.get("is_multilingual", guess)),
        languages=frozenset(token.strip("<|>") for token in languages),
        # Their tokens follow the one that switches them off.
        has_timestamps=vocabulary > no_timestamps + 1,
        sampling_rate_hz=int(number_in(features, "sampling_rate", heard, 16_000)),
        window_seconds=float(number_in(features, "chunk_length", heard, 30)),
        max_target_positions=int(number_in(config, "max_target_positions", file, 448)),
    )
