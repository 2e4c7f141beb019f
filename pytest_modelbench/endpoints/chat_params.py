"""`params` of `chat_api`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pytest_modelbench.endpoints.chat_said import Api
from pytest_modelbench.endpoints.openai_endpoint import OpenaiParams
from pytest_modelbench.strict import OptionalText

Share = Annotated[float, Field(gt=0, le=1)]
Temperature = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class ChatParams(OpenaiParams):
    """`params` of `chat_api`."""

    api: Api = "chat"
    """`chat` asks `/chat/completions`, `completions` asks `/completions`."""
    stream: bool = True
    """Whether the answer comes in chunks as it is made; without it nothing is known of its tokens'
    times."""
    max_tokens: Count | None = None
    """The most tokens that may be generated; without it as the server thinks right."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the server calls it."""
    temperature: Temperature | None = None
    top_p: Share | None = None
    seed: int | None = None
    """Of the server's sampling."""
    stop: str | list[str] | None = None
    """Where the answer ends."""
    system: OptionalText = None
    """A system message that is put before every row's."""
    tokenizer: OptionalText = None
    """A directory or a hub id, to count tokens with where the server does not; without it that of
    the model, where the model is a directory on this machine."""
    prompt_tokens: Count | None = None
    """With a dataset of source `generated`: how many tokens each prompt is made of; without a
    tokenizer, how many words."""

    OWN_FIELDS: ClassVar[Mapping[str, str]] = {
        **OpenaiParams.OWN_FIELDS,
        "messages": "they are the dataset's",
        "prompt": "it is the dataset's",
        "stream": "give params.stream",
        "tools": "texts are measured here, not calls of tools",
        "functions": "texts are measured here, not calls of functions",
    }

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super().conflicts(given)
        if given.get("api") == "completions":
            for name in ("system", "max_tokens_field"):
                if given.get(name) not in (None, "", "max_tokens"):
                    yield f"{name!r} needs 'api': 'chat'"
        request = given.get("request")
        several = request.get("n") if isinstance(request, Mapping) else None
        if several not in (None, 1):
            yield f"'request' has 'n': {several!r}, and one answer is measured: leave it out"
