"""Prompts of a given length, made from a number: for load without a dataset."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from pytest_modelbench.endpoints.tokens import Count

# Short and frequent: of most tokenizers each is one token, with the space before it.
_TEXT = (
    "about act add after again air all also an and animal answer any are as ask at back be been "
    "before big boy build but by call came can change come could country day did do does down "
    "each earth end even every father find first follow for form found from get give go good "
    "great grow had hand has have he head help her here high him his home house how if in is it "
    "just kind know land large learn light like line little live long look low made make man many "
    "may me mean men more most mother move much must my name near need new no not now number of "
    "off old on one only or other our out over own page part people picture place play point put "
    "read right round said same say school see self set she should show side small so some sound "
    "stand still study such take tell than that the their them then there these they thing think "
    "this three through time to too try turn two under up us use very want was water way we well "
    "went were what when where which who why will with work world would write year you your "
)
WORDS = _TEXT.split()


@lru_cache(maxsize=4096)
def made_prompt(seed: int, tokens: int, count: Count | None) -> str:
    """The same text for the same seed; others differ from the first word on.

    With `count` it has as many tokens as it says, or as near below as can be; else so many words.

    >>> made_prompt(1, 5, None) == made_prompt(1, 5, None) != made_prompt(2, 5, None)
    True
    """
    words = Random(seed).choices(WORDS, k=tokens)
    if count is None:
        return " ".join(words)
    fits, too_many = 0, tokens + 1
    while too_many - fits > 1:
        tried = (fits + too_many) // 2
        if count(" ".join(words[:tried])) <= tokens:
            fits = tried
        else:
            too_many = tried
    text = " ".join(words[:fits])
    # What room is left, letters fill.
    for letter in "".join(words[fits:]):
        if count(f"{text} {letter}") > tokens:
            break
        text = f"{text} {letter}"
    return text
