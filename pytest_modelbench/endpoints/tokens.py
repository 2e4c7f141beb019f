"""How many tokens a text has, where the server does not say."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError, missing_extra, one_line
from pytest_modelbench.paths import path_from
from pytest_modelbench.runners.quiet import quiet_libraries

TOKENIZER_FILE = "tokenizer.json"
# What a tokenizer may consist of; the weights stay on the hub.
PATTERNS = ["*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja"]
UNNEEDED = ["*.index.json"]
Count = Callable[[str], int]


def tokenizer_problem(source: str | None) -> str:
    """Why `source` cannot be a tokenizer, as far as it can be told without asking anybody."""
    if not source or _folder(source) is not None or not _is_path(source):
        return ""
    return f"tokenizer {source!r} is no directory: name one with a tokenizer.json, or a hub id"


@lru_cache(maxsize=8)
def fetch_tokenizer(source: str) -> Path:
    """The directory of a tokenizer: `source` itself, or a hub id, which is downloaded (once).

    Raises `ModelbenchError` where neither is there, `Unavailable` without what downloads.
    """
    if (folder := _folder(source)) is not None:
        return folder
    if problem := tokenizer_problem(source):
        raise ModelbenchError(problem)
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise missing_extra("huggingface_hub", "openvino") from error
    fetch = partial(snapshot_download, source, allow_patterns=PATTERNS, ignore_patterns=UNNEEDED)
    try:
        return Path(fetch())
    except Exception as error:  # of its own, of its HTTP client, of the system: no common base
        reason = one_line(error, 200)
    try:
        return Path(fetch(local_files_only=True))
    except Exception:
        raise ModelbenchError(
            f"tokenizer {source!r} is neither a directory here nor to be had from the hub: {reason}"
        ) from None


def _folder(source: str) -> Path | None:
    path = path_from(source, Path.cwd())
    return path if path.is_dir() else None


def _is_path(source: str) -> bool:
    """Whether it is written as a path, and so no hub id."""
    return source.startswith((".", "~", "/"))


@lru_cache(maxsize=8)
def counter(folder: str) -> Count:
    """Counts the tokens of a text with the tokenizer in `folder`, special tokens left out.

    Loaded once a process. A server may have generated a text in other tokens than those into which
    it is cut here, so a count of an answer is nearly right, not exactly.

    Raises `Unavailable` where what loads it is not installed, `ModelbenchError` where it is broken.
    """
    file = Path(folder) / TOKENIZER_FILE
    load = _plain if file.is_file() else _transformers
    try:
        encode = load(Path(folder))
    except ModelbenchError:
        raise
    except Exception as error:  # the libraries raise nothing more special
        raise ModelbenchError(
            f"the tokenizer in {folder} cannot be loaded: {one_line(error, 200)}"
        ) from None
    return encode


def _plain(folder: Path) -> Count:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise missing_extra("tokenizers", "openvino") from error
    tokenizer: Any = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _transformers(folder: Path) -> Count:
    try:
        with quiet_libraries():
            from transformers import AutoTokenizer
    except ImportError as error:
        raise missing_extra("transformers", "openvino") from error
    with quiet_libraries():
        tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))
