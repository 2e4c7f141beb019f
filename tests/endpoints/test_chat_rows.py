from __future__ import annotations

from typing import Any

import pytest

from pytest_modelbench.endpoints.chat_rows import Turns, conversation_of, prompt_of, texts_of
from pytest_modelbench.endpoints.contract import EndpointError

USER = {"role": "user", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be brief"}


def test_a_text_is_what_the_user_says() -> None:
    assert conversation_of("Hello", None) == [USER]
    assert conversation_of("Hello", "Be brief") == [SYSTEM, USER]


def test_messages_are_sent_as_they_are() -> None:
    parts = {"role": "user", "content": [{"type": "text", "text": "Hello"}], "name": "me"}
    given = [parts, {"role": "assistant", "content": "Hi"}, USER]
    assert conversation_of(given, None) == given
    assert conversation_of(given, "Be brief") == [SYSTEM, *given]


def test_texts_are_turns_unless_there_is_one() -> None:
    assert conversation_of(["Hello"], None) == [USER]
    assert conversation_of(["Hello", "And?"], "Be brief") == Turns((SYSTEM,), ("Hello", "And?"))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (5, "the row's input is of type int"),
        (("a", "b"), "the row's input is a pair"),
        (USER, "the row's input is an object"),
        ([], "the row's input is an empty list"),
        (["Hello", " "], "turn 2 of the row is blank"),
        (["Hello", USER], "message 1 of the row is a text"),
        ([USER, {"content": "a"}], "message 2 of the row has no role"),
        ([{"from": "human", "value": "a"}], "message 1 of the row has no role"),
        ([{"role": "human", "content": "a"}], "message 1 of the row has the role 'human'"),
        ([{"role": "tool", "content": "a"}], "message 1 of the row has the role 'tool'"),
        ([{"role": ["user"], "content": "a"}], "message 1 of the row has the role ['user']"),
        ([{"role": "user"}], "message 1 of the row has a content that is absent"),
        ([{"role": "user", "content": []}], "has a content that is an empty list"),
        ([{"role": "user", "content": ["a"]}], "has a content that is a list"),
        ([SYSTEM, USER], "has a system message of its own"),
        ([{"role": "developer", "content": "a"}, USER], "has a system message of its own"),
    ],
)
def test_a_row_that_is_no_conversation_is_told_in_one_sentence(row: Any, fault: str) -> None:
    with pytest.raises(EndpointError) as caught:
        conversation_of(row, "Be brief")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_row_may_have_its_own_system_message_where_the_suite_has_none() -> None:
    assert conversation_of([SYSTEM, USER], None) == [SYSTEM, USER]


def test_a_completion_takes_a_text_alone() -> None:
    assert prompt_of("Once") == "Once"
    with pytest.raises(EndpointError, match='messages need "api": "chat"'):
        prompt_of([USER])


def test_the_texts_of_messages_are_all_that_is_text_in_them() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    parts = {"role": "user", "content": [{"type": "text", "text": "What?"}, image]}
    assert texts_of([SYSTEM, USER, parts]) == "Be brief\nHello\nWhat?"
