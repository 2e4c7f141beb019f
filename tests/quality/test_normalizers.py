"""Normalizers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.quality.normalizers import NORMALIZERS, normalizer

pytest.importorskip("whisper_normalizer")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("basic", "Hello, [noise] (um) WORLD!", "hello world"),
        ("basic", "Größe: zwei", "größe zwei"),
        (
            "whisper-english",
            "Mr. Smith's colour isn't twenty-one",
            "mister smith is color is not 21",
        ),
        ("whisper-english", "I paid five dollars", "i paid $5"),
        ("none", " As  It, Is ", " As  It, Is "),
    ],
)
def test_texts_are_normalised_as_whisper_does(name: str, text: str, expected: str) -> None:
    """White space at the ends aside, except where nothing is done."""
    result = normalizer(name)(text)
    assert (result if name == "none" else " ".join(result.split())) == expected


def test_all_that_are_named_can_be_had() -> None:
    """And are made once."""
    for name in NORMALIZERS:
        assert normalizer(name) is normalizer(name)


def test_an_unknown_name_lists_the_known() -> None:
    """With the likely one."""
    with pytest.raises(
        ModelbenchError,
        match=r"'whisper_english' is not known; did you mean 'whisper-english'\?; there are basic,",
    ):
        normalizer("whisper_english")


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that installs it."""
    normalizer.cache_clear()
    monkeypatch.setitem(sys.modules, "whisper_normalizer.basic", None)
    with pytest.raises(Unavailable, match=r"whisper_normalizer is not installed: .*\[audio\]"):
        normalizer("basic")


def test_the_package_imports_where_warnings_are_errors_and_nothing_is_compiled(
    tmp_path: object,
) -> None:
    """Its invalid escape would be a SyntaxError; nor does it bring torch."""
    code = (
        "import sys; from pytest_modelbench.quality.normalizers import normalizer; "
        "print(normalizer('basic')('A.'), 'torch' in sys.modules)"
    )
    command = [sys.executable, "-W", "error", "-B", "-X", f"pycache_prefix={tmp_path}", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.split() == ["a", "False"], result.stderr
