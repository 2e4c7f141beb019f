"""The runner `embedding_api`: vectors of texts from `/v1/embeddings`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pytest_modelbench.endpoints.contract import (
    Answer,
    EndpointError,
    EndpointRunner,
    EndpointSession,
)
from pytest_modelbench.endpoints.keys import without_keys
from pytest_modelbench.endpoints.openai_endpoint import (
    OpenaiEndpoint,
    OpenaiParams,
    foreseen_of,
)
from pytest_modelbench.endpoints.openai_json import (
    NotUnderstoodError,
    json_object,
    optional_text,
    quoted,
    token_count,
)
from pytest_modelbench.redaction import masked
from pytest_modelbench.runners.contract import Foreseen, Prediction
from pytest_modelbench.runners.sentence_pooling import cosine
from pytest_modelbench.runners.vector_metrics import VECTOR_METRICS, vector_metrics
from pytest_modelbench.serving.start_for import as_if_served, with_server

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_modelbench.datasets.samples import Sample
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.results.metric import Metric
    from pytest_modelbench.wire.exchange import Exchange
    from pytest_modelbench.wire.request import Request

    Vector = NDArray[np.float32]

PATH = "/embeddings"


class EmbeddingApiParams(OpenaiParams):
    """`params` of `embedding_api`."""

    dimensions: Annotated[int, Field(ge=1)] | None = None
    """How many numbers a vector has; without it as many as the model's own."""
    encoding_format: Literal["float", "base64"] = "float"
    """How vectors travel: as numbers in JSON, or as the bytes of 32-bit floats, which are a quarter
    of the size and are read faster."""

    OWN_FIELDS: ClassVar[Mapping[str, str]] = {
        **OpenaiParams.OWN_FIELDS,
        "input": "it is the dataset's",
    }


class EmbeddingEndpoint(OpenaiEndpoint):
    """A model that gives vectors of texts. One request a sample: a pair is one with two texts."""

    def __init__(self, params: EmbeddingApiParams, candidate: Candidate) -> None:
        super().__init__(params, candidate, PATH)
        given = {
            "dimensions": params.dimensions,
            "encoding_format": params.encoding_format,
            **params.request,
        }
        self._fields = {name: value for name, value in given.items() if value is not None}
        self.properties = masked({"model": self.model, "request": self._fields})

    def get_ready(self) -> None:
        import numpy  # noqa: F401 - so that it is there

    def prepare(self, sample: Sample) -> Request:
        given = sample.input
        texts = list(given) if isinstance(given, list | tuple) else given
        return self.request({"model": self.model, "input": texts, **self._fields})

    def read(self, sample: Sample, exchange: Exchange) -> Answer:
        """A pair's cosine similarity, or a text's vector (numpy, shape `(width,)`)."""
        try:
            return self._answer(exchange, is_pair=isinstance(sample.input, tuple))
        except (NotUnderstoodError, EndpointError) as error:
            is_part = isinstance(error, NotUnderstoodError)
            raise self.fault(error, "the answer " if is_part else "") from None

    def _answer(self, exchange: Exchange, *, is_pair: bool) -> Answer:
        found = json_object(exchange.body)
        vectors = _vectors(found, 2 if is_pair else 1)
        model = optional_text(found, "model")
        value = cosine(vectors[0], vectors[1]) if is_pair else vectors[0]
        notes = {"dimensions": len(vectors[0]), **({"model": model} if model else {})}
        read = token_count(found.get("usage"), "prompt_tokens")
        answer = Answer(value, input_tokens=read, notes=notes)
        return without_keys(answer, self.secrets)


class EmbeddingApiSession(EndpointSession):
    """An endpoint that gives vectors, and how long they were."""

    def __init__(self, endpoint: EmbeddingEndpoint) -> None:
        super().__init__(endpoint)
        self._dimensions: dict[str, int] = {}

    def note(self, sample: Sample, answer: Answer) -> None:
        self._dimensions[sample.id] = answer.notes["dimensions"]

    def summarize(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction | None]
    ) -> Mapping[str, Metric]:
        """How many dimensions the vectors have, over the samples that did not fail."""
        return vector_metrics(samples, predictions, self._dimensions)


class EmbeddingApi(EndpointRunner):
    """Models that answer by the embeddings API."""

    name = "embedding_api"
    input_kind = "text"
    metrics = VECTOR_METRICS
    quality = ("spearman", "pearson")
    params_model = EmbeddingApiParams

    def foresee(self, candidate: Candidate, params: Mapping[str, Any]) -> Foreseen:
        return foreseen_of(EmbeddingApiParams.model_validate(as_if_served(params)), PATH)

    def load(self, candidate: Candidate, device: str, params: Mapping[str, Any]) -> EndpointSession:
        return with_server(params, candidate, lambda given: _session(candidate, given))


def _session(candidate: Candidate, params: Mapping[str, Any]) -> EndpointSession:
    checked = EmbeddingApiParams.model_validate(dict(params))
    return EmbeddingApiSession(EmbeddingEndpoint(checked, candidate))


def _vectors(found: Mapping[str, Any], count: int) -> list[Vector]:
    """The vectors in the order of the texts. Raises `NotUnderstoodError`."""
    data = found.get("data")
    if not isinstance(data, list) or len(data) != count:
        has = f"{len(data)} vectors" if isinstance(data, list) else "no list of vectors"
        raise NotUnderstoodError(f"has {has}, where {count} text{'s' * (count > 1)} were sent")
    vectors: dict[int, Vector] = {}
    for place, one in enumerate(data):
        if not isinstance(one, dict):
            raise NotUnderstoodError(f"has a vector that is no object: {quoted(repr(one))}")
        index = one.get("index")
        if index is not None and type(index) is not int:
            raise NotUnderstoodError(f"has a vector whose index is {quoted(repr(index))}")
        vectors[place if index is None else index] = _vector(one.get("embedding"))
    if set(vectors) != set(range(count)):
        raise NotUnderstoodError("has vectors that are not numbered from 0, one after the other")
    if len({len(vector) for vector in vectors.values()}) > 1:
        raise NotUnderstoodError("has vectors of different lengths")
    return [vectors[place] for place in range(count)]


def _vector(given: Any) -> Vector:
    """As numbers, or as base64 of 32-bit floats in little-endian order."""
    import numpy as np

    try:
        if isinstance(given, str):
            vector = np.frombuffer(base64.b64decode(given, validate=True), "<f4")
        else:
            with np.errstate(over="ignore"):  # what is too large is told below
                vector = np.array(given, dtype=np.float32)
    except (ValueError, TypeError, binascii.Error):
        raise NotUnderstoodError(
            f"has a vector that is none: {quoted(repr(given)[:400])}"
        ) from None
    if vector.ndim != 1 or not vector.size:
        raise NotUnderstoodError(f"has a vector that is none: {quoted(repr(given)[:400])}")
    if not np.isfinite(vector).all():
        raise NotUnderstoodError("has a vector with numbers that are not finite")
    return vector
