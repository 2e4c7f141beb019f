"""A key that a server sends back is taken out, whatever it has made of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote

import pytest

from pytest_modelbench.wire.masking import SHORTEST_PART, without_secrets

KEY = "skr2-secret/ABC+def0123456789"
HEADERS = [f"Bearer {KEY}"]


def in_base64(text: str, before: int = 0, after: int = 0) -> str:
    return base64.b64encode(b"q" * before + text.encode() + b"z" * after).decode()


@pytest.mark.parametrize(
    "made_of_it",
    [
        str,
        str.upper,
        lambda key: quote(key, safe=""),
        lambda key: "".join(f"%{ord(one):02X}" for one in key),
        lambda key: f"{key[:7]}\n{key[7:]}",
        lambda key: " ".join(key),
        lambda key: f"{key[:-4]}...",
        lambda key: f"X{key}",
        *(lambda key, at=at: in_base64(key, at) for at in range(3)),
        *(lambda key, at=at: in_base64(f"Bearer {key}", at, 2) for at in range(3)),
        lambda key: base64.urlsafe_b64encode(f"key {key}".encode()).decode(),
    ],
)
def test_no_part_of_a_key_is_left(made_of_it: Callable[[str], str]) -> None:
    said = made_of_it(KEY)
    shown = without_secrets(f"{said} is not known here", HEADERS)
    assert shown.endswith("*** is not known here")
    assert len(shown) < len("*** is not known here") + SHORTEST_PART


@pytest.mark.parametrize(
    "text", ["the bearer of bad news", "skr2 is no model", "a secret", "", "aGVsbG8gd29ybGQ="]
)
def test_other_words_are_left_alone(text: str) -> None:
    assert without_secrets(text, HEADERS) == text


def test_a_short_key_is_taken_out_as_a_whole() -> None:
    assert without_secrets("abc, or abcd", ["Token abcd"]) == "abc, or ***"


def test_without_keys_nothing_is_changed() -> None:
    assert without_secrets("as it is", []) == without_secrets("as it is", [""]) == "as it is"
