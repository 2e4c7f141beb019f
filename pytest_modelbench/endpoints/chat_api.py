"""The runner `chat_api`: models behind `/v1/chat/completions` or `/v1/completions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pytest_modelbench.endpoints.chat_answers import read_stream, read_whole
from pytest_modelbench.endpoints.chat_params import ChatParams
from pytest_modelbench.endpoints.chat_rows import (
    Turns,
    conversation_of,
    prompt_of,
    texts_of,
)
from pytest_modelbench.endpoints.chat_said import Api, Said
from pytest_modelbench.endpoints.chat_turns import LastTurn
from pytest_modelbench.endpoints.contract import (
    Answer,
    CountedBy,
    EndpointError,
    EndpointRunner,
    EndpointSession,
)
from pytest_modelbench.endpoints.keys import without_keys
from pytest_modelbench.endpoints.openai_endpoint import (
    OpenaiEndpoint,
    foreseen_of,
)
from pytest_modelbench.endpoints.openai_json import token_count
from pytest_modelbench.endpoints.prompts import made_prompt
from pytest_modelbench.endpoints.tokens import (
    TOKENIZER_FILE,
    counter,
    fetch_tokenizer,
    tokenizer_problem,
)
from pytest_modelbench.importable import is_importable
from pytest_modelbench.redaction import masked
from pytest_modelbench.runners.contract import Foreseen, Requirement
from pytest_modelbench.serving.start_for import as_if_served, with_server
from pytest_modelbench.wire.request import Request

if TYPE_CHECKING:
    from pytest_modelbench.datasets.samples import Sample
    from pytest_modelbench.endpoints.contract import Send
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.wire.exchange import Exchange

PATHS: Mapping[Api, str] = {"chat": "/chat/completions", "completions": "/completions"}


class ChatEndpoint(OpenaiEndpoint):
    """A chat model, or one that continues texts."""

    timed = "from the request to the end of its answer; of a conversation in turns, its last one"

    def __init__(self, params: ChatParams, candidate: Candidate, tokenizer: str | None) -> None:
        """`tokenizer` is a directory on this machine."""
        super().__init__(params, candidate, PATHS[params.api])
        self._api: Api = params.api
        self._system = params.system
        self._tokenizer = tokenizer
        self._is_streamed = params.stream
        self._prompt_tokens = params.prompt_tokens
        streamed = {"stream": True, "stream_options": {"include_usage": True}}
        given = {
            params.max_tokens_field: params.max_tokens,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "seed": params.seed,
            "stop": params.stop,
            **(streamed if params.stream else {}),
            **params.request,
        }
        self._fields = {name: value for name, value in given.items() if value is not None}
        self.properties = masked(
            {"api": self._api, "model": self.model, "system": self._system, "request": self._fields}
        )

    def get_ready(self) -> None:
        if self._tokenizer:
            counter(self._tokenizer)

    def prepare(self, sample: Sample) -> Request | Turns:
        given = self._given(sample)
        if self._api == "completions":
            return self._request(prompt=prompt_of(given))
        conversation = conversation_of(given, self._system)
        if isinstance(conversation, Turns):
            return conversation
        return self._request(messages=conversation)

    async def ask(self, prepared: Request | Turns, send: Send) -> Exchange:
        """A request; or one for each turn, with all earlier turns and their answers before it."""
        send = self._to_next(send)
        if isinstance(prepared, Request):
            return await self._sent(prepared, send)
        messages, earlier = list(prepared.before), []
        for turn, text in enumerate(prepared.texts, 1):
            messages.append({"role": "user", "content": text})
            request = self._request(messages=messages)
            asked_ns = perf_counter_ns()
            try:
                exchange = await self._sent(request, send)
                said = self._said(exchange)
            except EndpointError as error:
                raise self.fault(error, f"turn {turn} of {len(prepared.texts)}: ") from None
            messages.append({"role": "assistant", "content": said.text})
            earlier.append(exchange)
        return LastTurn.after(earlier[:-1], asked_ns, exchange)

    def read(self, sample: Sample, exchange: Exchange) -> Answer:
        said = self._said(exchange)
        output, counted_by = self._output_tokens(said)
        answer = Answer(said.text, said.token_ns, None, output, counted_by, said.notes)
        earlier: list[Said] = []
        if isinstance(exchange, LastTurn):
            earlier = [self._said(one) for one in exchange.earlier]
            answer.asked_ns = exchange.asked_ns
            answer.notes = {**said.notes, "turns": self._turns(exchange, [*earlier, said])}
            answer.earlier_tokens = (
                sum(token_count(one.usage, "prompt_tokens") or 0 for one in earlier),
                sum(self._output_tokens(one)[0] or 0 for one in earlier),
            )
        answer.input_tokens = token_count(said.usage, "prompt_tokens")
        if answer.input_tokens is None and self._tokenizer:
            read = [self._texts(sample), *(one.text for one in earlier)]
            answer.input_tokens = counter(self._tokenizer)("\n".join(read))
        return without_keys(answer, self.secrets)

    async def _sent(self, request: Request, send: Send) -> Exchange:
        try:
            return await send(request)
        except EndpointError as error:
            if "stream_options" not in str(error) or "stream_options" not in self._fields:
                raise
            advice = (
                ' - give "request": {"stream_options": null} in params, which leaves it out '
                "(tokens are then counted here)"
            )
            raise self.fault(error, after=advice) from None

    def _request(self, **content: Any) -> Request:
        return self.request({"model": self.model, **content, **self._fields})

    def _said(self, exchange: Exchange) -> Said:
        read = read_stream if self._is_streamed else read_whole
        try:
            return read(exchange, self._api)
        except EndpointError as error:
            raise self.fault(error) from None

    def _output_tokens(self, said: Said) -> tuple[int | None, CountedBy | None]:
        count = token_count(said.usage, "completion_tokens")
        generated = said.generated
        if count or (count == 0 and not generated):  # there are servers that always say 0
            return count, "usage"
        if self._tokenizer:
            return counter(self._tokenizer)(generated), "tokenizer"
        return (len(said.token_ns), "chunks") if self._is_streamed else (None, None)

    def _given(self, sample: Sample) -> Any:
        """The row's input; or the prompt that is made from its number."""
        given, is_number = sample.input, type(sample.input) is int
        if is_number != (self._prompt_tokens is not None):
            raise EndpointError(
                "a dataset of source 'generated' and params.prompt_tokens need each other: the "
                f"row's input is of type {type(given).__name__}"
            )
        if self._prompt_tokens is None:
            return given
        count = counter(self._tokenizer) if self._tokenizer else None
        return made_prompt(given, self._prompt_tokens, count)

    def _texts(self, sample: Sample) -> str:
        """What is sent for a sample, but for what was answered in between."""
        given = self._given(sample)
        if self._api == "completions":
            return prompt_of(given)
        conversation = conversation_of(given, self._system)
        if isinstance(conversation, Turns):
            return "\n".join((texts_of(conversation.before), *conversation.texts))
        return texts_of(conversation)

    def _turns(self, last: LastTurn, said: Sequence[Said]) -> list[dict[str, Any]]:
        """How long each turn took, from when it was sent (the last one of its attempts)."""
        turns = []
        for exchange, one in zip([*last.earlier, last], said, strict=True):
            times = {"service_ms": exchange.ended_ns}
            if one.token_ns:
                times["service_ttft_ms"] = one.token_ns[0]
            turn = {name: (at - exchange.sent_ns) / 1e6 for name, at in times.items()}
            turns.append({**turn, "output_tokens": self._output_tokens(one)[0]})
        return turns


class ChatApi(EndpointRunner):
    """Models that answer by the chat or the completions API, streamed or whole."""

    name = "chat_api"
    input_kind = "any"
    params_model = ChatParams

    def requirements(self, params: Mapping[str, Any]) -> Sequence[Requirement]:
        needed = super().requirements(params)
        if not params.get("tokenizer"):
            return needed
        without = "leave params.tokenizer out, and the server or the chunks say how many tokens"
        return [*needed, Requirement("tokenizers", extra="openvino", alternative=without)]

    def foresee(self, candidate: Candidate, params: Mapping[str, Any]) -> Foreseen:
        checked = ChatParams.model_validate(as_if_served(params))
        if problem := tokenizer_problem(checked.tokenizer):
            return Foreseen(problem=problem)
        return foreseen_of(checked, PATHS[checked.api])

    def fetch(self, candidate: Candidate, params: Mapping[str, Any]) -> None:
        _tokenizer(ChatParams.model_validate(dict(params)), candidate)

    def load(self, candidate: Candidate, device: str, params: Mapping[str, Any]) -> EndpointSession:
        return with_server(params, candidate, lambda given: _session(candidate, given))


def _session(candidate: Candidate, params: Mapping[str, Any]) -> EndpointSession:
    checked = ChatParams.model_validate(dict(params))
    return EndpointSession(ChatEndpoint(checked, candidate, _tokenizer(checked, candidate)))


def _tokenizer(params: ChatParams, candidate: Candidate) -> str | None:
    """The directory of the tokenizer, which was loaded once: a broken one is told before anything
    is asked.
    """
    if params.tokenizer:
        folder = str(fetch_tokenizer(params.tokenizer))
    elif candidate.is_local and (Path(candidate.model_path) / TOKENIZER_FILE).is_file():
        folder = candidate.model_path
        if not is_importable("tokenizers"):
            return None
    else:
        return None
    counter(folder)
    return folder
