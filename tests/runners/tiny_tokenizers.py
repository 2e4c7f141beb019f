"""Small tokenizers of the usual families, as their directories have them, made in milliseconds."""

from __future__ import annotations

import json
import string
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

SENTENCES = [
    "the quick brown fox jumps over the lazy dog and then runs home",
    "a plane is taking off, and someone plays an instrument",
    "naïve café Übermaß 日本 русский 123 4567",
]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
# A map of characters with nothing in it: the size of a trie, and its empty units.
EMPTY_CHARSMAP = struct.pack("<I", 4096) + bytes(4096)


def added(*names: str, **flags: bool) -> list[Any]:
    from tokenizers import AddedToken

    return [AddedToken(name, special=True, normalized=False, **flags) for name in names]


def word_piece(special: list[str] = BERT, lowercase: bool = True) -> Any:
    """As Bert's; the special tokens are padding, unknown, first, last and mask."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = sorted({*string.printable.strip(), *"".join(SENTENCES).replace(" ", "")})
    words = sorted({word for line in SENTENCES for word in line.split()})
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *words]
    vocabulary = {piece: at for at, piece in enumerate(dict.fromkeys(pieces))}
    _, unknown, first, last, _ = special
    made = Tokenizer(models.WordPiece(vocabulary, unk_token=unknown))
    made.normalizer = normalizers.BertNormalizer(True, True, None, lowercase)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(
        (last, vocabulary[last]), (first, vocabulary[first])
    )
    made.add_special_tokens(added(*special))
    return made


def byte_pairs() -> Any:
    """As Roberta's."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=400,
            show_progress=False,
            special_tokens=[*added(*ROBERTA[:4]), *added("<mask>", lstrip=True)],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), True, False)
    return made


def sentence_piece(unknown: int = 3) -> Any:
    """As XLM-Roberta's; `unknown` is the id of what has no piece."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = sorted({"▁", *string.printable.strip(), *"".join(SENTENCES).replace(" ", "")})
    words = sorted({f"▁{word}" for line in SENTENCES for word in line.split()})
    pieces = [(piece, -8.0 + len(piece) / 9) for piece in [*letters, *words]]
    special = [(name, 0.0) for name in ROBERTA]
    made = Tokenizer(models.Unigram([*special[:4], *pieces, special[4]], unknown))
    made.normalizer = normalizers.Precompiled(EMPTY_CHARSMAP)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=None, special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    made.add_special_tokens([*added(*ROBERTA[:4]), *added("<mask>", lstrip=True)])
    return made


MPNET = ["<pad>", "[UNK]", "<s>", "</s>", "<mask>"]
FAMILIES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "BertTokenizer": (word_piece, {"do_lower_case": True}),
    "BertTokenizerFast": (lambda: word_piece(lowercase=False), {"do_lower_case": False}),
    "DistilBertTokenizer": (word_piece, {"pad_token": "[PAD]"}),
    "MPNetTokenizer": (lambda: word_piece(MPNET), {}),
    "RobertaTokenizer": (byte_pairs, {}),
    "XLMRobertaTokenizer": (sentence_piece, {}),
    "PreTrainedTokenizerFast": (byte_pairs, {"pad_token": "<pad>", "padding_side": "left"}),
    "TokenizersBackend": (sentence_piece, {"pad_token": "<pad>", "truncation_side": "left"}),
}
MODEL_TYPES = {
    "BertTokenizer": "bert",
    "BertTokenizerFast": "bert",
    "DistilBertTokenizer": "distilbert",
    "MPNetTokenizer": "mpnet",
    "RobertaTokenizer": "roberta",
    "XLMRobertaTokenizer": "xlm-roberta",
    "PreTrainedTokenizerFast": "modernbert",
    "TokenizersBackend": "bert",
}


def save(directory: Path, name: str, made: Any = None, **more: Any) -> Path:
    """A tokenizer of class `name`; `more` goes into its `tokenizer_config.json`."""
    make, config = FAMILIES[name]
    (made or make()).save(str(directory / "tokenizer.json"))
    config = {"tokenizer_class": name, "model_max_length": 40, **config, **more}
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    (directory / "config.json").write_text(
        json.dumps({"model_type": MODEL_TYPES[name], "transformers_version": "4.40.0"})
    )
    return directory
