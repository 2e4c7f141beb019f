"""How texts are brought to a common form before they are compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache

from pytest_modelbench.errors import ModelbenchError, missing_extra
from pytest_modelbench.registered import did_you_mean

NORMALIZERS = ("basic", "whisper-english", "none")
"""`basic`: lower case, no punctuation, no bracketed words, any language; `whisper-english`: also
numbers, contractions and British spellings (the one leaderboards use); `none`: text as it is."""


@lru_cache
def normalizer(name: str) -> Callable[[str], str]:
    """The function called `name`: the normalizers of Whisper (arXiv:2212.04356, appendix C).

    Raises `ModelbenchError` naming what there is; `Unavailable` without `whisper-normalizer`.
    """
    if name not in NORMALIZERS:
        known = list(NORMALIZERS)
        raise ModelbenchError(
            f"normalizer {name!r} is not known{did_you_mean(str(name), known)}; "
            f"there are {', '.join(known)}"
        )
    if name == "none":
        return _unchanged
    try:
        # The package holds an invalid escape sequence: where it is compiled on first import,
        # warnings taken as errors would make that a SyntaxError.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from whisper_normalizer.basic import BasicTextNormalizer
            from whisper_normalizer.english import EnglishTextNormalizer
    except ImportError as error:
        raise missing_extra("whisper_normalizer", "audio") from error
    made: Callable[[str], str] = (
        BasicTextNormalizer() if name == "basic" else EnglishTextNormalizer()
    )
    return made


def _unchanged(text: str) -> str:
    return text
