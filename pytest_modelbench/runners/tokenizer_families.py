"""What the tokenizer classes of Transformers make of their configuration.

Each was compared with Transformers 4.57 and 5.5: the class's own defaults, and the pieces it builds
around the vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SPECIAL_TOKENS = (
    *("bos_token", "eos_token", "unk_token", "sep_token"),
    *("pad_token", "cls_token", "mask_token"),
)
# A private-use character, in no vocabulary.
UNKNOWN = "\U0010fffd"

_Config = Mapping[str, Any]
_Named = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """Tokenizer classes that build the same pieces."""

    difference: Callable[[Any, _Config, _Named], str]
    """In `tokenizer.json`, from what the class builds: the name of the piece, or nothing."""
    special_tokens: Mapping[str, str] = field(default_factory=dict)
    """The class's own, where the configuration has none."""
    is_rebuilt: bool = True
    """Whether the class numbers the added tokens again."""


def _word_piece(tokenizer: Any, config: _Config, named: _Named) -> str:
    from tokenizers import normalizers, pre_tokenizers

    model = tokenizer.model
    switches = [
        config.get("tokenize_chinese_chars", True),
        config.get("strip_accents"),
        config.get("do_lower_case", True),
    ]
    if not all(isinstance(switch, bool) or switch is None for switch in switches):
        return "normalizer"
    if None in (switches[0], switches[2]):
        return "normalizer"
    normalizer = normalizers.BertNormalizer(True, *switches)
    if type(model).__name__ != "WordPiece":
        return "model"
    settings = (model.unk_token, model.continuing_subword_prefix, model.max_input_chars_per_word)
    if settings != (named.get("unk_token"), "##", 100):
        return "model"
    return (
        _other("normalizer", tokenizer.normalizer, normalizer)
        or _other("pre_tokenizer", tokenizer.pre_tokenizer, pre_tokenizers.BertPreTokenizer())
        or _other_frame(tokenizer, named.get("cls_token"), named.get("sep_token"))
    )


def _byte_pairs(tokenizer: Any, config: _Config, named: _Named) -> str:
    from tokenizers import pre_tokenizers

    model = tokenizer.model
    if type(model).__name__ != "BPE":
        return "model"
    if model.dropout or model.unk_token is not None or model.fuse_unk or model.byte_fallback:
        return "model"
    if model.ignore_merges or model.continuing_subword_prefix or model.end_of_word_suffix:
        return "model"
    prefix = config.get("add_prefix_space", False)
    expected = [pre_tokenizers.ByteLevel(bool(prefix), trim) for trim in (True, False)]
    if _state(tokenizer.pre_tokenizer) not in map(_state, expected):  # offsets are not asked for
        return "pre_tokenizer"
    return _other("normalizer", tokenizer.normalizer, None) or _other_frame(
        tokenizer, named.get("cls_token"), named.get("sep_token")
    )


def _sentence_piece(tokenizer: Any, config: _Config, named: _Named) -> str:
    from tokenizers import pre_tokenizers

    model = tokenizer.model
    # The settings of a Unigram model cannot be asked for; what it does can be seen.
    if type(model).__name__ != "Unigram" or [one.id for one in model.tokenize(UNKNOWN)] != [3]:
        return "model"
    if type(tokenizer.normalizer).__name__ not in ("Precompiled", "NoneType"):
        return "normalizer"
    scheme = "always" if config.get("add_prefix_space", True) else "never"
    metaspace = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    expected = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    return _other("pre_tokenizer", tokenizer.pre_tokenizer, expected) or _other_frame(
        tokenizer, named.get("bos_token"), named.get("eos_token")
    )


def _as_it_is(tokenizer: Any, config: _Config, named: _Named) -> str:
    # The one piece that Transformers 4 changes in any class.
    here = _state(tokenizer.pre_tokenizer).get("add_prefix_space")
    return "pre_tokenizer" if here not in (None, config.get("add_prefix_space", False)) else ""


def _other(name: str, piece: Any, expected: Any) -> str:
    return "" if _state(piece) == _state(expected) else name


def _state(piece: Any) -> dict[str, Any]:
    """A piece as `tokenizer.json` has it, in today's form whichever it was read from."""
    found: dict[str, Any] = {} if piece is None else json.loads(piece.__getstate__())
    return found


def _other_frame(tokenizer: Any, first: str | None, last: str | None) -> str:
    """A text must stand between `first` and `last`, and nothing else be added."""
    if first is None or last is None:
        return "post_processor"
    for text in ("", "a"):
        bare = tokenizer.encode(text, add_special_tokens=False).tokens
        if tokenizer.encode(text).tokens != [first, *bare, last]:
            return "post_processor"
    return ""


_BERT = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_ROBERTA = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "cls_token": "<s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}
_AS_IT_IS = Family(_as_it_is, is_rebuilt=False)
_BY_CLASS = {
    "BertTokenizer": Family(_word_piece, _BERT),
    "DistilBertTokenizer": Family(_word_piece, _BERT),
    "MPNetTokenizer": Family(_word_piece, {**_ROBERTA, "unk_token": "[UNK]"}),
    "RobertaTokenizer": Family(_byte_pairs, _ROBERTA),
    "XLMRobertaTokenizer": Family(_sentence_piece, _ROBERTA),
}
FAMILIES: Mapping[str, Family] = {
    **_BY_CLASS,
    **{f"{name}Fast": family for name, family in _BY_CLASS.items()},
    "PreTrainedTokenizerFast": _AS_IT_IS,
    "TokenizersBackend": _AS_IT_IS,
}
"""By `tokenizer_class`."""
