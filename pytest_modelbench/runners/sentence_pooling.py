"""From token vectors to text vectors, in numpy: pooling, cutting, normalising, comparing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.int64]

SMALLEST_NORM = 1e-12


def pool(tokens: Floats, mask: Mask, modes: Sequence[str]) -> Floats:
    """Text vectors, shape `(texts, width * len(modes))`; several modes stand side by side.

    `tokens` has shape `(texts, length, width)`, `mask` `(texts, length)` with 1 for a real token.
    """
    import numpy as np

    if len(modes) == 1:
        return POOLING[modes[0]](tokens, mask)
    return np.concatenate([POOLING[mode](tokens, mask) for mode in modes], axis=1)


def _mean(tokens: Floats, mask: Mask) -> Floats:
    return _weighted(tokens, mask.astype(tokens.dtype))


def _mean_sqrt_length(tokens: Floats, mask: Mask) -> Floats:
    """The sum over the root of the length."""
    import numpy as np

    lengths = mask.sum(axis=1, keepdims=True).astype(tokens.dtype)
    vectors: Floats = _mean(tokens, mask) * np.sqrt(lengths)
    return vectors


def _position_weighted(tokens: Floats, mask: Mask) -> Floats:
    """The first real token counts once, the second twice, and so on."""
    return _weighted(tokens, (mask.cumsum(axis=1) * mask).astype(tokens.dtype))


def _weighted(tokens: Floats, weights: Floats) -> Floats:
    import numpy as np

    # A batched product of matrices: several times faster than multiplying and summing.
    sums = (weights[:, None, :] @ tokens)[:, 0, :]
    vectors: Floats = sums / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return vectors


def _max(tokens: Floats, mask: Mask) -> Floats:
    import numpy as np

    vectors: Floats = tokens.max(axis=1, where=mask[:, :, None] > 0, initial=-np.inf)
    return vectors


def _first(tokens: Floats, mask: Mask) -> Floats:
    """The first real token, wherever the padding is."""
    import numpy as np

    vectors: Floats = tokens[np.arange(len(tokens)), mask.argmax(axis=1)]
    return vectors


def _last(tokens: Floats, mask: Mask) -> Floats:
    import numpy as np

    last = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    vectors: Floats = tokens[np.arange(len(tokens)), last]
    return vectors


POOLING: dict[str, Callable[[Floats, Mask], Floats]] = {
    "mean": _mean,
    "cls": _first,
    "max": _max,
    "lasttoken": _last,
    "mean_sqrt_len_tokens": _mean_sqrt_length,
    "weightedmean": _position_weighted,
}
"""By the names of sentence-transformers."""


def normalised(vectors: Floats) -> Floats:
    """Each row over its Euclidean length; a row of zeros stays as it is."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.maximum(lengths, SMALLEST_NORM).astype(vectors.dtype)
    return unit


def cosine(first: Floats, second: Floats) -> float:
    """The cosine similarity of two vectors of shape `(width,)`; 0 if either is all zeros."""
    import numpy as np

    lengths = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    return float(first @ second) / max(lengths, SMALLEST_NORM)
