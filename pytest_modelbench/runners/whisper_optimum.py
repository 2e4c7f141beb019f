"""Whisper through Optimum Intel: OpenVINO models under Transformers' own generation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.errors import ModelbenchError, missing_extra
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Prediction, Session
from pytest_modelbench.runners.openvino_devices import effective_properties, ov_config
from pytest_modelbench.runners.openvino_export import ModelFiles, Task, ensure_ir
from pytest_modelbench.runners.quiet import drop_log_records, quiet_libraries
from pytest_modelbench.runners.whisper_asr import TIMED, WhisperParams
from pytest_modelbench.runners.whisper_facts import WhisperFacts, read_facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Speech = NDArray[np.float32]


TASK: Task = "automatic-speech-recognition-with-past"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What one call answered for one sample."""

    text: str
    ids: list[int]
    """Every token the decoder wrote, special ones and padding included."""


class OptimumSession(Session):
    """A compiled encoder and decoder, and what goes before and after them."""

    timed = TIMED

    def __init__(
        self, model: Any, processor: Any, facts: WhisperFacts, params: WhisperParams
    ) -> None:
        self.batch_size = params.batch_size
        self._model = model
        self._features = processor.feature_extractor
        self._tokenizer = processor.tokenizer
        self._facts = facts
        self._settings = generation_settings(model, facts, params)
        self._chunked = self._make_chunked(params) if params.chunk_length_s else None
        self._not_text = set(self._tokenizer.all_special_ids)
        no_timestamps = getattr(self._settings, "no_timestamps_token_id", None)  # not all have it
        self._last_text_id = no_timestamps or len(self._tokenizer)

    def prepare(self, sample: Sample) -> Speech:
        """The samples, shape `(n,)`. Raises `ModelbenchError` if the model cannot be given them."""
        self._facts.check_speech(sample.input, chunked=self._chunked is not None)
        samples: Speech = sample.input.samples
        return samples

    def predict(self, batch: Sequence[Speech]) -> Sequence[Transcript]:
        """Speech within one window in one call of the model; longer speech one by one."""
        window = int(self._facts.window_seconds * self._facts.sampling_rate_hz)
        short = [samples for samples in batch if len(samples) <= window]
        answers = iter(self._within_window(short)) if short else iter(())
        beyond = self._chunked or self._beyond_window
        return [next(answers) if len(samples) <= window else beyond(samples) for samples in batch]

    def _within_window(self, speeches: list[Speech]) -> list[Transcript]:
        inputs = self._features(
            speeches,
            sampling_rate=self._facts.sampling_rate_hz,
            return_attention_mask=True,
            return_tensors="pt",
        )
        ids = self._model.generate(**inputs, generation_config=self._settings)
        texts = self._tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [Transcript(*pair) for pair in zip(texts, ids.tolist(), strict=True)]

    def _beyond_window(self, speech: Speech) -> Transcript:
        """Whisper's own long-form decoding: each window begins where the last timestamp ended."""
        inputs = self._features(
            [speech],
            sampling_rate=self._facts.sampling_rate_hz,
            truncation=False,
            padding="longest",
            return_attention_mask=True,
            return_tensors="pt",
        )
        settings = deepcopy(self._settings)
        settings.return_timestamps = True
        ids = self._model.generate(**inputs, generation_config=settings)
        text = self._tokenizer.batch_decode(ids, skip_special_tokens=True)[0]
        return Transcript(text, ids[0].tolist())

    def _make_chunked(self, params: WhisperParams) -> Callable[[Speech], Transcript]:
        """Transformers' pipeline: overlapping pieces, `batch_size` of them a call, then merged."""
        pipeline = chunking_pipeline(self._model, self._tokenizer, self._features)

        def transcribe(speech: Speech) -> Transcript:
            answer = pipeline(
                speech,
                chunk_length_s=params.chunk_length_s,
                batch_size=params.batch_size,
                # It warns that cutting speech up can cost accuracy; here the suite asks for it.
                ignore_warning=True,
                generate_kwargs={"generation_config": self._settings},
            )
            return Transcript(answer["text"], answer["ids"])

        return transcribe

    def finish(self, sample: Sample, answer: Transcript) -> Prediction:
        """The text, and how many tokens of text the decoder wrote for it."""
        written = [
            token
            for token in answer.ids
            # Timestamps, if there are any, are numbered after everything else.
            if token not in self._not_text and token <= self._last_text_id
        ]
        return Prediction(answer.text.strip(), tokens=len(written))

    def close(self) -> None:
        self._model = self._chunked = None


def generation_settings(model: Any, facts: WhisperFacts, params: WhisperParams) -> Any:
    """The checkpoint's generation configuration, made greedy, with the request written into it."""
    settings = deepcopy(model.generation_config)
    settings.num_beams, settings.do_sample = 1, False
    settings.return_timestamps = False
    settings.language = facts.language_code(params.language)
    settings.task = facts.task(params.task)
    if params.max_new_tokens is not None:
        settings.max_new_tokens = params.max_new_tokens
        drop_log_records("transformers.generation.utils", "Both `max_new_tokens`")
    # What old checkpoints force (language, task, no timestamps) is said above in today's words.
    settings.forced_decoder_ids = model.config.forced_decoder_ids = None
    # `generate` fills gaps from the model's own configuration; with these still there it would
    # suppress the same tokens twice and warn about that.
    model.generation_config.suppress_tokens = None
    model.generation_config.begin_suppress_tokens = None
    return settings


def chunking_pipeline(model: Any, tokenizer: Any, feature_extractor: Any) -> Any:
    """Transformers' speech pipeline, whose answers also carry the `ids` of every piece."""
    from transformers import AutomaticSpeechRecognitionPipeline

    class WithIds(AutomaticSpeechRecognitionPipeline):  # type: ignore[misc]
        def postprocess(self, model_outputs: Any, **options: Any) -> Any:
            pieces = list(model_outputs)
            ids = [token for piece in pieces for token in piece["tokens"].flatten().tolist()]
            return {**super().postprocess(pieces, **options), "ids": ids}

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # the pipeline makes no batches without one
    return WithIds(model=model, tokenizer=tokenizer, feature_extractor=feature_extractor)


def load_optimum(candidate: Candidate, device: str, params: WhisperParams) -> Session:
    """A session on `device`, which must be present; exports the model first where it has no IR.

    Raises `Unavailable` when optimum-intel is absent, `ModelbenchError` for a model or a parameter
    that does not fit.
    """
    files = ensure_ir(candidate, TASK)
    facts = read_facts(candidate.version, files.source)
    facts.check_max_new_tokens(params.max_new_tokens)
    if params.chunk_length_s > facts.window_seconds:
        raise ModelbenchError(
            f"params.chunk_length_s is {params.chunk_length_s:g}, longer than the "
            f"{facts.window_seconds:g} s window of model {candidate.version!r}"
        )
    model, processor = _load_pieces(files, device, params)
    with quiet_libraries():
        started = time.perf_counter()
        model.compile()
        compile_seconds = time.perf_counter() - started
        session = OptimumSession(model, processor, facts, params)
    session.compile_seconds = compile_seconds
    session.properties = effective_properties(model.encoder.request) | {
        "backend": "optimum",
        "optimum_intel_version": version("optimum-intel"),
        "transformers_version": version("transformers"),
        "export_seconds": files.export_seconds,
    }
    return session


def _load_pieces(files: ModelFiles, device: str, params: WhisperParams) -> tuple[Any, Any]:
    try:
        with quiet_libraries():
            from optimum.intel import OVModelForSpeechSeq2Seq
            from transformers import WhisperProcessor
    except ImportError as error:
        raise missing_extra("optimum-intel", "openvino") from error
    with quiet_libraries():
        model = OVModelForSpeechSeq2Seq.from_pretrained(
            files.ir,
            device=device,
            ov_config=ov_config(device, params.model_dump()),
            compile=False,
        )
        return model, WhisperProcessor.from_pretrained(files.source)
