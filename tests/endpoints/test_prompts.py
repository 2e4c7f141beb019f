from __future__ import annotations

import pytest

from pytest_modelbench.endpoints.prompts import WORDS, made_prompt


def test_without_a_tokenizer_a_prompt_has_so_many_words() -> None:
    for words in (1, 2, 500):
        assert len(made_prompt(7, words, None).split()) == words


@pytest.mark.parametrize("tokens", [1, 2, 3, 17, 400])
@pytest.mark.parametrize(
    "count",
    [len, lambda text: len(text.split()), lambda text: -(-len(text) // 3)],
    ids=["letters", "words", "threes"],
)
def test_with_a_tokenizer_a_prompt_has_so_many_tokens_or_as_near_below_as_can_be(
    tokens: int, count: object
) -> None:
    assert callable(count)
    for seed in range(20):
        made = made_prompt(seed, tokens, count)
        assert tokens - 2 < count(made) <= tokens


def test_prompts_differ_from_the_beginning_so_that_no_cache_answers_for_them() -> None:
    beginnings = {" ".join(made_prompt(seed, 50, None).split()[:4]) for seed in range(1000)}
    assert len(beginnings) == 1000


def test_words_are_there_once() -> None:
    assert len(set(WORDS)) == len(WORDS)
