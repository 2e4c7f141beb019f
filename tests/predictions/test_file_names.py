"""What files of predictions are called: one for each model, dataset, split and case."""

from __future__ import annotations

from itertools import product

import pytest

from pytest_modelbench.predictions.file_names import Named, file_name, named

ODD = [
    "plain",
    "openai/whisper-1",
    "whisper.jsonl",
    "a.b.c.jsonl.jsonl",
    "../up",
    ".hidden",
    "with space@at+plus%percent",
    "_DATASET_",
    "übung/日本",
    "",
]


@pytest.mark.parametrize("model", ODD)
@pytest.mark.parametrize("dataset", ODD)
def test_a_name_gives_back_what_it_was_made_of(model: str, dataset: str) -> None:
    name = file_name(model, dataset, "test.clean", "s::c")
    assert named(name) == Named(model, dataset, "test.clean")


def test_different_things_never_share_a_name() -> None:
    made = [file_name(*parts) for parts in product(ODD, ODD, ("", "test"), ("one", "two"))]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("text", [*ODD, "x" * 300, "/" * 200])
def test_a_name_is_one_that_any_file_may_have(text: str) -> None:
    name = file_name(text, text, text, text)
    assert "/" not in name
    assert not name.startswith(".")
    assert name.endswith(".jsonl")
    assert len(name.encode()) <= 255


def test_what_is_too_long_for_a_name_is_cut_and_still_told_apart() -> None:
    one, two = (file_name("m" * 400 + end, "d", "s", "c") for end in "ab")
    assert one != two
    assert named(one) is None  # its lines say what they are of


def test_names_of_the_leaderboard_say_model_and_dataset_with_their_dots() -> None:
    found = named("MODEL_deepgram-nova-2.5_DATASET_hf-audio-esb_librispeech_test.clean.jsonl")
    assert found == Named("deepgram-nova-2.5", "hf-audio-esb_librispeech_test.clean", "")
    assert named("MODEL_x.js_DATASET_on.json.jsonl") == Named("x.js", "on.json", "")


def test_another_name_says_nothing() -> None:
    assert named("mine.jsonl") is None
