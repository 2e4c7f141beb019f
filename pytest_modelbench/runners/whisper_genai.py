"""Whisper through OpenVINO GenAI: one native pipeline, no torch, no transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.errors import ModelbenchError, missing_extra, one_line
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Prediction, Session
from pytest_modelbench.runners.openvino_devices import ov_config, probed_properties
from pytest_modelbench.runners.whisper_asr import TIMED, WhisperParams
from pytest_modelbench.runners.whisper_facts import WhisperFacts, read_facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEEDED_FILES = ("openvino_encoder_model.xml", "openvino_decoder_model.xml")
TOKENIZER_FILES = ("openvino_tokenizer.xml", "openvino_detokenizer.xml")


class GenaiSession(Session):
    """A `WhisperPipeline` on a device."""

    timed = TIMED

    def __init__(
        self,
        pipeline: Any,
        facts: WhisperFacts,
        options: Mapping[str, Any],
        properties: Mapping[str, Any],
    ) -> None:
        self._pipeline = pipeline
        self._tokenizer = pipeline.get_tokenizer()
        self._facts = facts
        self._options = dict(options)
        self.properties = properties

    def prepare(self, sample: Sample) -> NDArray[np.float32]:
        """The samples, shape `(n,)`. Raises `ModelbenchError` if the model cannot be given them."""
        self._facts.check_speech(sample.input, chunked=False)
        samples: NDArray[np.float32] = sample.input.samples
        return samples

    def predict(self, batch: Sequence[NDArray[np.float32]]) -> Sequence[str]:
        return [self._pipeline.generate(samples, **self._options).texts[0] for samples in batch]

    def finish(self, sample: Sample, answer: str) -> Prediction:
        """The text, and how many tokens of the model's own vocabulary it is made of.

        The pipeline's own count includes the end of the text and other special tokens, which
        backend `optimum` leaves out, and the pipeline does not say which tokens it wrote.
        """
        ids = self._tokenizer.encode(answer, add_special_tokens=False).input_ids
        return Prediction(answer.strip(), tokens=int(ids.get_size()))

    def close(self) -> None:
        self._pipeline = self._tokenizer = None


def load_genai(candidate: Candidate, device: str, params: WhisperParams) -> Session:
    """A session on `device`, which must be present.

    Raises `ModelbenchError` for a model or a parameter that this backend cannot serve.
    """
    directory = ir_directory(candidate)
    facts = read_facts(candidate.version, directory)
    options = _options(facts, params)
    try:
        from openvino_genai import WhisperPipeline
    except ImportError as error:
        raise missing_extra("openvino_genai", "quickstart") from error
    config = ov_config(device, params.model_dump())
    try:
        pipeline = WhisperPipeline(str(directory), device, **config)
    except RuntimeError as error:
        raise ModelbenchError(
            f"model {candidate.version!r} could not be loaded by OpenVINO GenAI on {device}: "
            f"{one_line(error)}"
        ) from error
    # The pipeline keeps its compiled models to itself.
    properties = probed_properties(device, config) | {
        "backend": "genai",
        "openvino_genai_version": version("openvino-genai"),
    }
    return GenaiSession(pipeline, facts, options, properties)


def ir_directory(candidate: Candidate) -> Path:
    """Where its files are. Raises `ModelbenchError` when they are not what GenAI takes."""
    directory = Path(candidate.model_path)
    if not directory.is_dir():
        raise ModelbenchError(
            f"model {candidate.version!r}: backend 'genai' takes a local directory with an "
            f"OpenVINO IR, and {candidate.model_path!r} is none; backend 'optimum' takes hub ids"
        )
    for name in (*NEEDED_FILES, *TOKENIZER_FILES):
        if not (directory / name).is_file():
            raise ModelbenchError(
                f"model {candidate.version!r}: {directory} has no {name}, which backend 'genai' "
                "needs: export with `optimum-cli export openvino`, or use backend 'optimum'"
            )
    return directory


def _options(facts: WhisperFacts, params: WhisperParams) -> dict[str, Any]:
    """What every call is given; an English-only model is told neither language nor task."""
    facts.check_max_new_tokens(params.max_new_tokens)
    code = facts.language_code(params.language)
    options = {
        "language": f"<|{code}|>" if code else None,
        "task": facts.task(params.task),
        "max_new_tokens": params.max_new_tokens,
        "num_beams": 1,
        "do_sample": False,
    }
    return {name: value for name, value in options.items() if value is not None}
