"""The runner `embedding_text`: texts to vectors with an encoder on OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.registry import Candidate
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.runners.contract import (
    Foreseen,
    Prediction,
    Requirement,
    Runner,
    Session,
)
from pytest_modelbench.runners.hub_models import local_directory
from pytest_modelbench.runners.openvino_devices import (
    Precision,
    check_device,
    effective_properties,
    ov_config,
    present_devices,
)
from pytest_modelbench.runners.openvino_export import ModelFiles, ensure_ir
from pytest_modelbench.runners.openvino_requests import Mode
from pytest_modelbench.runners.sentence_config import SentenceConfig, read_sentence_config
from pytest_modelbench.runners.sentence_pooling import cosine, normalised, pool
from pytest_modelbench.runners.text_encoder import TextEncoder, load_encoder
from pytest_modelbench.runners.text_tokenizer import import_tokenizer
from pytest_modelbench.runners.vector_metrics import VECTOR_METRICS, vector_metrics

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_modelbench.measure.in_flight import Done


class EmbeddingParams(StrictModel):
    """`params` of `embedding_text`."""

    backend: Literal["openvino"] = "openvino"
    target_dim: Annotated[int, Field(ge=0)] = 0
    """Vectors keep their first so many dimensions and are normalised (Matryoshka); 0 keeps all."""
    max_chars: Annotated[int, Field(ge=0)] = 0
    """Texts are cut to so many characters before they are given to the model; 0 keeps all."""
    batch_size: Annotated[int, Field(ge=1)] = 1
    """How many samples one call is given; a pair is one sample."""
    precision: Precision | None = None
    """What to compute in; without it the device decides (bf16 on a CPU with AMX)."""
    normalize: bool | None = None
    """Whether vectors get length 1; without it as the model's own configuration says."""
    pooling: Literal["mean", "cls", "max", "lasttoken"] | None = None
    """Without it as the model's own configuration says, or `mean`."""
    mode: Mode = "latency"
    """One call after the other, or as many at once as the device does best with."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """What one call answered for one sample: one vector per text, shape `(texts, width)`."""

    vectors: NDArray[np.float32]
    tokens: int


class EmbeddingSession(Session):
    """An encoder on a device, with its pooling."""

    timed = "text to vector: tokenisation, model, pooling, normalisation (a pair is two texts)"

    def __init__(
        self, encoder: TextEncoder, config: SentenceConfig, params: EmbeddingParams
    ) -> None:
        self.batch_size = params.batch_size
        self.max_in_flight = len(encoder.requests)
        self.compile_seconds = encoder.compile_seconds
        if params.mode == "throughput":
            self.timed += "; calls are tokenised one after the other, and run at the same time"
        self._encoder = encoder
        self._config = config
        self._max_chars = params.max_chars or None
        self._pooling = [params.pooling] if params.pooling else config.pooling
        self._target_dim = params.target_dim or None
        asked = config.normalize or bool(params.target_dim)
        self._normalize = asked if params.normalize is None else params.normalize
        self._dimensions: dict[str, int] = {}
        self.properties = effective_properties(encoder.compiled) | {
            "backend": "openvino",
            "mode": params.mode,
            "requests": self.max_in_flight,
            "pooling": self._pooling,
            "normalize": self._normalize,
            "max_tokens": encoder.tokenizer.max_tokens,
            **encoder.tokenizer.properties,
        }

    def prepare(self, sample: Sample) -> tuple[str, ...]:
        """The sample's one or two texts, cut to `max_chars`, with the model's prompt before them.

        Raises `ModelbenchError` for anything else.
        """
        given = sample.input
        texts = (given,) if isinstance(given, str) else given
        if not isinstance(texts, tuple | list) or not all(isinstance(text, str) for text in texts):
            raise ModelbenchError(
                f"the sample is a {type(given).__name__}, not a text or a pair of texts"
            )
        cut = (text[: self._max_chars] for text in texts)
        if self._config.lower_case:
            cut = (text.lower() for text in cut)
        return tuple(self._config.prompt + text for text in cut)

    def predict(self, batch: Sequence[tuple[str, ...]]) -> Sequence[Embedded]:
        """All texts of the batch in one call of the model."""
        return self._embedded(batch, *self._encoder.encode(_texts(batch)))

    def start(self, batch: Sequence[tuple[str, ...]], done: Done) -> None:
        """The same, answered by `wait`."""
        self._encoder.start(
            _texts(batch), lambda tokens, mask: self._embedded(batch, tokens, mask), done
        )

    def wait(self) -> bool:
        return self._encoder.requests.wait()

    def _embedded(
        self,
        batch: Sequence[tuple[str, ...]],
        tokens: NDArray[np.float32],
        mask: NDArray[np.int64],
    ) -> Sequence[Embedded]:
        vectors = pool(tokens, mask, self._pooling)[:, : self._target_dim]
        if self._normalize:
            vectors = normalised(vectors)
        read = mask.sum(axis=1)
        answers, start = [], 0
        for texts in batch:
            rows = slice(start, start := start + len(texts))
            answers.append(Embedded(vectors[rows], int(read[rows].sum())))
        return answers

    def finish(self, sample: Sample, answer: Embedded) -> Prediction:
        """A pair's cosine similarity, or a text's vector (numpy, shape `(width,)`)."""
        vectors = answer.vectors
        self._dimensions[sample.id] = vectors.shape[1]
        value = cosine(vectors[0], vectors[1]) if len(vectors) == 2 else vectors[0]
        return Prediction(value, tokens=answer.tokens)

    def summarize(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction | None]
    ) -> Mapping[str, Metric]:
        """How many dimensions the vectors have, over the samples that did not fail."""
        return vector_metrics(samples, predictions, self._dimensions)

    def close(self) -> None:
        encoder = vars(self).pop("_encoder", None)
        if encoder is not None:
            encoder.requests.close()


class EmbeddingText(Runner):
    """Sentence-transformers models and plain encoders, from a local directory or a hub id."""

    name = "embedding_text"
    version = "2"  # texts are tokenised without Transformers' share of the call
    input_kind = "text"
    metrics = VECTOR_METRICS
    quality = ("spearman", "pearson")
    params_model = EmbeddingParams

    def requirements(self, params: Mapping[str, Any]) -> Sequence[Requirement]:
        return (
            Requirement("openvino", extra="openvino"),
            Requirement("tokenizers", extra="openvino"),
        )

    def devices(self) -> Sequence[str]:
        return present_devices()

    def check_device(self, device: str) -> None:
        check_device(device)

    def foresee(self, candidate: Candidate, params: Mapping[str, Any]) -> Foreseen:
        from pytest_modelbench.runners.foreseen import foreseen_export, problem_of

        path = Path(candidate.model_path)
        if not path.is_dir():
            return foreseen_export(candidate, "feature-extraction")
        found = problem_of(lambda: read_sentence_config(candidate.version, path))
        if found.problem:
            return found
        config = read_sentence_config(candidate.version, path)
        encoder = replace(candidate, model_path=str(config.transformer))
        return foreseen_export(encoder, "feature-extraction")

    def fetch(self, candidate: Candidate, params: Mapping[str, Any]) -> None:
        """Get an IR and import what its tokenizer needs: Optimum Intel and Transformers if need be.

        Raises `Unavailable` when they are needed and absent.
        """
        _, files = _files(candidate)
        import_tokenizer(files.source)

    def load(self, candidate: Candidate, device: str, params: Mapping[str, Any]) -> Session:
        """Load, exporting the model first where it has no IR.

        Raises `Unavailable` for an absent device or package, `ModelbenchError` for a model whose
        modules this runner does not have.
        """
        checked = EmbeddingParams.model_validate(dict(params))
        name = check_device(device)
        config, files = _files(candidate)
        encoder = load_encoder(
            files.ir,
            files.source,
            name,
            ov_config(name, checked.model_dump()),
            config.max_tokens,
            checked.mode,
        )
        session = EmbeddingSession(encoder, config, checked)
        session.properties = {**session.properties, "export_seconds": files.export_seconds}
        return session


def _texts(batch: Sequence[tuple[str, ...]]) -> list[str]:
    return [text for texts in batch for text in texts]


def _files(candidate: Candidate) -> tuple[SentenceConfig, ModelFiles]:
    config = read_sentence_config(candidate.version, local_directory(candidate))
    encoder = replace(candidate, model_path=str(config.transformer))
    return config, ensure_ir(encoder, "feature-extraction")
