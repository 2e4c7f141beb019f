"""Texts to the arrays an encoder takes, without Transformers where its tokenizer needs none.

Importing Transformers takes seconds and hundreds of megabytes; `tokenizers`, which does the work
for it, takes milliseconds.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_modelbench.errors import missing_extra
from pytest_modelbench.runners.model_json import number_in, read_object
from pytest_modelbench.runners.quiet import quiet_libraries
from pytest_modelbench.runners.tokenizer_json import NotPlain, PlainTokenizer, read_plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Arrays: TypeAlias = "Mapping[str, NDArray[np.int64]]"

# Tokenizers without a limit of their own carry a number beyond any memory.
NO_LIMIT = 1_000_000


class TextTokenizer:
    """A model's own tokenizer. Not for two threads at once."""

    def __init__(
        self,
        encode: Callable[[list[str]], Arrays],
        max_tokens: int | None,
        properties: Mapping[str, Any],
    ) -> None:
        self.max_tokens = max_tokens
        """Longer texts are cut; None where nothing limits them."""
        self.properties = properties
        """Which library it is, of which version. JSON only."""
        self._encode = encode

    def __call__(self, texts: Sequence[str]) -> Arrays:
        """`input_ids`, `attention_mask` and, of most models, `token_type_ids`, all int64.

        Of shape `(texts, length)`: padded to the longest, with a mask of 0 where it is padding.
        """
        return self._encode(list(texts))


def import_tokenizer(source: Path) -> None:
    """Import what `load_tokenizer` will need, in seconds that are nobody's load time.

    Raises `Unavailable` where that is Transformers and it is not installed.
    """
    try:
        read_plain(source)
    except NotPlain:
        _auto_tokenizer()
    finally:
        _give_memory_back()


def load_tokenizer(source: Path, max_tokens: int | None) -> TextTokenizer:
    """The tokenizer in `source`; without `max_tokens` it is as long as the model's files allow.

    Raises `Unavailable` when it takes Transformers and that is not installed.
    """
    try:
        return _plain(read_plain(source), source, max_tokens)
    except NotPlain as reason:
        return _transformers(source, max_tokens, str(reason))


def _plain(found: PlainTokenizer, source: Path, max_tokens: int | None) -> TextTokenizer:
    import numpy as np

    limit = max_tokens or _limit(source, found.model_max_length)
    tokenizer = found.tokenizer
    tokenizer.enable_padding(
        direction=found.padding_side, pad_id=found.pad_id, pad_token=found.pad_token
    )
    if limit is not None:
        tokenizer.enable_truncation(limit, direction=found.truncation_side)

    def encode(texts: list[str]) -> Arrays:
        encoded = tokenizer.encode_batch(texts)
        ids = np.array([one.ids for one in encoded], dtype=np.int64)
        mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}

    properties = {"tokenizer": "tokenizers", "tokenizers_version": version("tokenizers")}
    return TextTokenizer(encode, limit, properties)


def _transformers(source: Path, max_tokens: int | None, reason: str) -> TextTokenizer:
    import numpy as np

    with quiet_libraries():
        tokenizer = _auto_tokenizer().from_pretrained(source)
    limit = max_tokens or _limit(source, tokenizer.model_max_length)

    def encode(texts: list[str]) -> Arrays:
        given = tokenizer(
            texts,
            padding=True,
            truncation=limit is not None,
            max_length=limit,
            return_tensors="np",
        )
        return {name: array.astype(np.int64, copy=False) for name, array in given.items()}

    properties = {
        "tokenizer": "transformers",
        "tokenizer_reason": reason,
        "transformers_version": version("transformers"),
        "tokenizers_version": version("tokenizers"),
    }
    return TextTokenizer(encode, limit, properties)


def _auto_tokenizer() -> Any:
    try:
        with quiet_libraries():
            from transformers import AutoTokenizer
    except ImportError as error:
        raise missing_extra("transformers", "openvino") from error
    return AutoTokenizer


def _limit(source: Path, tokenizer_limit: int | None) -> int | None:
    """The most tokens the model can take, where its files say."""
    path = source / "config.json"
    limits = [
        tokenizer_limit,
        int(number_in(read_object(path), "max_position_embeddings", path, 0)),
    ]
    # XLNet writes -1 for "no limit".
    known = [limit for limit in limits if limit and 0 < limit < NO_LIMIT]
    return min(known) if known else None


def _give_memory_back() -> None:
    """Else loading finds the memory of a vocabulary free already, and seems to take none."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
