from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from typing import Any

import pytest
from openai_server import DONE, MODEL, chunk, chunks, completion, delta, event

from pytest_modelbench.endpoints import chat_answers
from pytest_modelbench.endpoints.chat_answers import read_stream, read_whole
from pytest_modelbench.endpoints.chat_said import Said
from pytest_modelbench.endpoints.contract import EndpointError
from pytest_modelbench.wire.exchange import Exchange

STREAM = "text/event-stream"
TEXTS = ["Once", " upon", " a", " time"]


def exchange(pieces: Sequence[bytes], content_type: str | None = STREAM) -> Exchange:
    """Piece n came at n."""
    headers = [] if content_type is None else [("content-type", content_type)]
    return Exchange(
        status=200, headers=headers, pieces=list(pieces), piece_ns=array("q", range(len(pieces)))
    )


def streamed(*values: Any) -> Exchange:
    """A stream of these events, with an end."""
    return exchange([*map(event, values), DONE])


def whole(value: Any) -> Exchange:
    return exchange([json.dumps(value).encode()], "application/json")


def fault_of(given: Exchange, *, is_streamed: bool = True) -> str:
    with pytest.raises(EndpointError) as caught:
        (read_stream if is_streamed else read_whole)(given, "chat")
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_chunks_with_text_are_tokens_and_all_others_are_not() -> None:
    pieces = chunks(TEXTS, usage={"prompt_tokens": 3, "completion_tokens": 9})
    said = read_stream(exchange(pieces), "chat")
    assert said.text == "Once upon a time"
    assert list(said.token_ns) == [1, 2, 3, 4]  # 0 has the role, 5 the end, 6 the usage
    assert said.usage == {"prompt_tokens": 3, "completion_tokens": 9}
    assert said.notes == {"finish_reason": "stop", "model": MODEL}


def test_chunks_of_completions_have_their_text_elsewhere() -> None:
    said = read_stream(exchange(chunks(TEXTS, is_chat=False)), "completions")
    assert (said.text, list(said.token_ns)) == ("Once upon a time", [0, 1, 2, 3])
    assert said.usage is None


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_generated_but_not_said(name: str) -> None:
    said = streamed(
        chunk(delta(**{name: "Hmm"})), chunk(delta(**{name: "."})), chunk(delta(content="Yes"))
    )
    found = read_stream(said, "chat")
    assert (found.text, found.generated) == ("Yes", "Hmm.Yes")
    assert list(found.token_ns) == [0, 1, 2]


def test_reasoning_that_is_sent_under_both_names_counts_once() -> None:
    both = {"reasoning": "Hmm", "reasoning_content": "Hmm"}
    found = read_stream(streamed(*[chunk(delta(**both))] * 3), "chat")
    assert found.generated == "HmmHmmHmm"
    assert list(found.token_ns) == [0, 1, 2]


def test_a_refusal_is_what_was_said() -> None:
    found = read_stream(streamed(*(chunk(delta(refusal=text)) for text in ("I ", "won't"))), "chat")
    assert found.text == "I won't"
    assert found.notes["refused"] is True
    assert list(found.token_ns) == [0, 1]


def test_usage_with_every_chunk_is_that_of_the_last() -> None:
    counted = [chunk(delta(content="a"), usage={"completion_tokens": n}) for n in (1, 2, 3)]
    assert read_stream(streamed(*counted), "chat").usage == {"completion_tokens": 3}


def test_what_was_cached_and_what_was_reasoning_is_noted() -> None:
    usage = {
        "completion_tokens_details": {"reasoning_tokens": 5},
        "prompt_tokens_details": {"cached_tokens": 7},
    }
    notes = read_stream(
        streamed(chunk(delta("length", content="a")), chunk(usage=usage)), "chat"
    ).notes
    assert notes["cached_input_tokens"] == 7
    assert notes["reasoning_tokens"] == 5
    assert notes["finish_reason"] == "length"


@pytest.mark.parametrize(
    "pieces",
    [
        [*map(event, [chunk(delta(content="a"))]), b"data: [DONE]"],
        [*map(event, [chunk(delta(content="a"))]), b"data:[DONE] \r\n\r\n"],
        [*map(event, [chunk(delta(content="a"), usage=None), chunk(delta("stop"))])],
        [event(chunk(delta(content="a"))), DONE, b"data: what is this\n\n"],
        [b": connected\n\n", event(chunk(delta(content="a"))), b"data:\n\n", DONE],
        [b"\xef\xbb\xbf" + event(chunk(delta(content="a"))), DONE],
        [event(chunk(delta(content="a"))).replace(b"data: ", b"id: 1\ndata:   "), DONE],
        [json.dumps(chunk(delta(content="a")), indent=1).replace("{", "data: {", 1)
         .replace("\n", "\ndata: ").encode() + b"\n\n", DONE],
    ],
    ids=["no last blank line", "space after it", "no DONE", "more after DONE", "pings", "mark",
         "spaces", "several lines"],
)  # fmt: skip
def test_a_stream_may_be_written_and_ended_in_several_ways(pieces: list[bytes]) -> None:
    assert read_stream(exchange(pieces), "chat").text == "a"


@pytest.mark.parametrize("content_type", ["text/plain", None, "TEXT/EVENT-STREAM; charset=utf-8"])
def test_a_stream_is_known_by_its_look_where_its_type_is_another(content_type: str | None) -> None:
    assert read_stream(exchange(chunks(TEXTS), content_type), "chat").text == "Once upon a time"


def test_an_empty_answer_is_an_answer() -> None:
    said = read_stream(exchange(chunks([])), "chat")
    assert (said.text, list(said.token_ns)) == ("", [])


@pytest.mark.parametrize(
    ("pieces", "fault"),
    [
        (chunks(TEXTS)[:3], "breaks off after 2 chunks with text"),
        ([], "breaks off after 0 chunks"),
        ([*chunks(TEXTS)[:2], b'data: {"choices": [{"de'], "event 3 of the stream is not whole"),
        ([b"data: {]\n\n", DONE], "event 1 of the stream is not whole JSON"),
        ([b"data: 7\n\n", DONE], "event 1 of the stream is no JSON object: 7"),
        ([b"data: \xff\xfe\n\n", DONE], "event 1 of the stream is not UTF-8 text (byte 0xff at 0"),
        ([b"data: " + b"[" * 100_000 + b"\n\n"], "nested too deeply"),
        ([event({"choices": {}, "a": 1}), event({"choices": {"a": 1}})], "no list of choices"),
        ([event(chunk(7))], "no list of choices"),
        ([event(chunk({"delta": 5}))], "'delta' that is no object: 5"),
        ([event(chunk(delta(content=["a"])))], "'content' that is no text"),
        ([event(chunk(delta(content=5)))], "'content' that is no text: 5"),
        ([event(chunk(delta(reasoning=5)))], "'reasoning' that is no text: 5"),
        ([event(chunk(delta(finish_reason=5)))], "'finish_reason' that is no text: 5"),
        ([event(chunk(delta(content="a"), delta(content="b")))], "several choices"),
        ([event(chunk({**delta(content="a"), "index": 1}))], "several choices"),
    ],
)  # fmt: skip
def test_a_stream_that_makes_no_sense_is_told_in_one_sentence(
    pieces: list[bytes], fault: str
) -> None:
    assert fault in fault_of(exchange(pieces))


@pytest.mark.parametrize(
    "data",
    [
        event({"error": {"message": "out of memory", "type": "server_error"}}),
        event({"error": "out of memory"}),
        event({"object": "error", "message": "out of memory", "code": 500}),
        b"event: error\ndata: out of memory\n\n",
        b'event: error\ndata: {"error": {"message": "out of memory"}}\n\n',
        b'event: error\ndata: {"detail": "out of memory"}\n\n',
    ],
)
def test_an_error_in_the_middle_of_a_stream_is_an_error(data: bytes) -> None:
    fault = fault_of(exchange([*chunks(TEXTS)[:3], data, DONE]))
    assert fault.startswith("the server reports an error: ")
    assert "out of memory" in fault


def test_an_error_that_comes_as_a_success_is_an_error() -> None:
    given = whole({"error": {"message": "no such\nmodel"}})
    assert fault_of(given) == "the server reports an error: no such model"
    assert fault_of(given, is_streamed=False) == "the server reports an error: no such model"


def test_a_server_that_does_not_stream_or_always_does_is_told_of_with_what_to_set() -> None:
    assert '"stream": false' in fault_of(whole(completion({"message": {"content": "a"}})))
    assert '"stream": true' in fault_of(exchange(chunks(TEXTS)), is_streamed=False)
    assert "text/html" in fault_of(exchange([b"<html>"], "text/html"))


def test_a_whole_answer_has_a_text_and_no_times() -> None:
    usage = {"prompt_tokens": 2, "completion_tokens": 3}
    said = read_whole(whole(completion({"message": {"content": "Once"}}, usage=usage)), "chat")
    assert (said.text, list(said.token_ns), said.usage) == ("Once", [], usage)
    assert said.notes == {"finish_reason": "stop", "model": MODEL}
    assert read_whole(whole(completion({"text": "Once"})), "completions").text == "Once"


def test_a_whole_answer_may_have_no_content() -> None:
    said = read_whole(whole(completion({"message": {"content": None, "refusal": "No."}})), "chat")
    assert said.text == "No."


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "the answer is not whole JSON"),
        (b'{"choices": [', "the answer is not whole JSON"),
        (b"[]", "the answer is no JSON object"),
        (b"{}", "the answer has no choice"),
        (b'{"choices": []}', "the answer has no choice"),
        (b'{"choices": [{}]}', "the answer has no message"),
        (b'{"choices": [{"message": []}]}', "the answer has no message"),
        (b'{"choices": [{"message": {"content": 5}}]}', "'content' that is no text: 5"),
        (b'{"choices": [{"message": {}}, {}]}', "several choices"),
        (b'{"model": 5, "choices": [{"message": {}}]}', "'model' that is no text"),
        (b"\xff", "the answer is not UTF-8 text"),
        (b"<html>" + b"x" * 10_000, "the answer is not whole JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "the answer is not usable JSON"),
    ],
)
def test_a_whole_answer_that_makes_no_sense_is_told_in_one_sentence(
    body: bytes, fault: str
) -> None:
    said = fault_of(exchange([body], "application/json"), is_streamed=False)
    assert fault in said
    assert len(said) < 450


TRICKY = [
    "a", "a", "b", '"', "\\", "\\u0041", "é", "日本", " ", "\n", "\t", "", "content", "pytest",
    '"content": "', "a", "\u2028", "\x7f", "😀", "x" * 5000, "a",
]  # fmt: skip


def as_said(said: Said) -> Any:
    return said.text, said.generated, list(said.token_ns), said.usage, said.notes


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("field", ["content", "reasoning", "refusal"])
def test_chunks_read_by_pattern_say_what_they_say_when_parsed(
    is_ascii: bool,
    separators: tuple[str, str],
    field: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usages = [None, {"completion_tokens": 5}, {"completion_tokens": 6}]
    made = []
    for number, text in enumerate(TRICKY * 2):
        said = chunk(delta(**{field: text}), usage=usages[0 if number % 5 else number % 3])
        made.append(said | ({"x": {"content": "a"}} if number % 7 == 6 else {}))
    pieces = [
        b"data: " + json.dumps(one, ensure_ascii=is_ascii, separators=separators).encode() + b"\n\n"
        for one in [*made, chunk(delta("stop"))]
    ]
    quick = as_said(read_stream(exchange(pieces), "chat"))
    monkeypatch.setattr(chat_answers.ChunkPattern, "take", lambda *_: False)
    assert quick == as_said(read_stream(exchange(pieces), "chat"))
    assert quick[1] == "".join(TRICKY * 2)
    assert list(quick[2]) == [at for at, text in enumerate(TRICKY * 2) if text]


def test_most_chunks_of_a_stream_are_read_by_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    parse = chat_answers.take_chunk
    monkeypatch.setattr(
        chat_answers, "take_chunk", lambda data, *more: parsed.append(data) or parse(data, *more)
    )
    said = read_stream(exchange(chunks([f" word{n}" for n in range(200)])), "chat")
    assert len(said.texts) == 200
    assert len(parsed) < 10


def test_a_text_that_stands_in_a_chunk_twice_is_read_where_it_is_said() -> None:
    said = [chunk(delta(content=text)) | {"token": "same"} for text in ("same", "other", "third")]
    found = read_stream(streamed(*said), "chat")
    assert found.texts == ["same", "other", "third"]
    echoed = [chunk(delta(content="same")) | {"token": text} for text in ("same", "other", "third")]
    assert read_stream(streamed(*echoed), "chat").texts == ["same"] * 3


def test_usage_between_chunks_that_are_alike_is_that_of_the_last() -> None:
    used = [chunk(delta(content="a"), usage={"completion_tokens": n}) for n in (1, 2, 3, 1, 3)]
    assert read_stream(streamed(*used), "chat").usage == {"completion_tokens": 3}


def test_text_that_is_no_json_is_not_read_by_pattern_either() -> None:
    good = event(chunk(delta(content="abc")))
    for bad in (b"a\x01b", b"a\xffb", b'a"b'):
        pieces = [good, good, good.replace(b"abc", bad), DONE]
        assert "event 3 of the stream is not" in fault_of(exchange(pieces))
