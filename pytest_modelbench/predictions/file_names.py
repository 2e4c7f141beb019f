"""What files of predictions are called, and what their names say."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple
from urllib.parse import quote, unquote

SUFFIX = ".jsonl"
_BETWEEN = "@"
"""Between the parts; in a part it is escaped, as is all that a file name could not hold."""
_CUT = "+"
_LONGEST_NAME = 240
"""Bytes; file systems have room for 255."""
_LEADERBOARD = re.compile(r"MODEL_(?P<model>.+?)_DATASET_(?P<dataset>.+)", re.DOTALL)


class Named(NamedTuple):
    """What a name says. Lines that say it themselves are right where they differ."""

    model: str
    dataset: str
    split: str


def file_name(model: str, dataset: str, split: str, case: str) -> str:
    """One for each model, dataset, split and case, in any alphabet.

    >>> file_name("elevenlabs/scribe_v1", "esb:ami", "test.clean", "s::ami[scribe-endpoint]")
    'elevenlabs%2Fscribe_v1@esb%3Aami@test.clean@c9c52c48d87f.jsonl'
    """
    digest = hashlib.blake2b(case.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    stem = _BETWEEN.join([*map(_escaped, (model, dataset, split)), digest])
    if stem.startswith("."):  # would be hidden
        stem = f"%2E{stem[1:]}"
    if len(stem) + len(SUFFIX) > _LONGEST_NAME:
        whole = hashlib.blake2b(stem.encode(), digest_size=12).hexdigest()
        stem = f"{stem[: _LONGEST_NAME - len(SUFFIX) - len(whole) - 1]}{_CUT}{whole}"
    return f"{stem}{SUFFIX}"


def named(name: str) -> Named | None:
    """What a name says: one that `file_name` made whole, or one of the speech leaderboard.

    >>> named("MODEL_openai-whisper-1_DATASET_hf-audio-esb_ami_test.jsonl")
    Named(model='openai-whisper-1', dataset='hf-audio-esb_ami_test', split='')
    """
    stem = name.removesuffix(SUFFIX)
    if match := _LEADERBOARD.fullmatch(stem):
        return Named(match["model"], match["dataset"], "")
    parts = stem.split(_BETWEEN)
    if len(parts) != 4 or _CUT in stem:
        return None
    return Named(*(unquote(part, errors="surrogatepass") for part in parts[:3]))


def _escaped(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
