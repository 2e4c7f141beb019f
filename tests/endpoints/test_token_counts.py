from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from pytest_modelbench.endpoints.tokens import counter, fetch_tokenizer, tokenizer_problem
from pytest_modelbench.errors import ModelbenchError, Unavailable


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A tokenizer of words, which adds a first token, pads and cuts if it is let."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "[BOS]": 1}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("[BOS] $A", None, [("[BOS]", 1)])
    tokenizer.enable_padding(length=40)
    tokenizer.enable_truncation(3)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_the_tokens_of_a_text_alone_are_counted(words: Path) -> None:
    count = counter(str(words))
    assert count("one two three four five") == 5
    assert count("") == 0


def test_a_tokenizer_is_loaded_once(words: Path) -> None:
    assert counter(str(words)) is counter(str(words))


def test_a_directory_is_its_own_tokenizer_wherever_it_is_named_from(
    words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(words.parent)
    for name in (str(words), f"./{words.name}", words.name):
        assert fetch_tokenizer.__wrapped__(name).resolve() == words.resolve()
        assert tokenizer_problem(name) == ""


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "~/nowhere-at-all"])
def test_a_path_that_is_no_directory_is_told_without_asking_a_hub(name: str) -> None:
    assert "is no directory: name one with a tokenizer.json" in tokenizer_problem(name)
    with pytest.raises(ModelbenchError, match="is no directory"):
        fetch_tokenizer(name)


def test_a_broken_tokenizer_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": None}))
    with pytest.raises(ModelbenchError, match=r"the tokenizer in .* cannot be loaded") as caught:
        counter(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_without_the_library_it_is_told_what_to_install(
    words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(Unavailable, match="tokenizers is not installed: pip install"):
        counter.__wrapped__(str(words))
