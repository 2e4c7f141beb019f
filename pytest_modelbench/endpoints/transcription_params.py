"""`params` of `transcription_api`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.endpoints.addresses import wrong_addresses
from pytest_modelbench.endpoints.keys import keys_in_parameters
from pytest_modelbench.serving.spec import ServeSpec
from pytest_modelbench.strict import OptionalText, Text


class TranscriptionParams(StrictModel):
    """`params` of `transcription_api`."""

    base_url: OptionalText = None
    """Another address than the vendor's: a URL or `host:port`; the path is added if it lacks."""
    endpoints: Annotated[list[Text], Field(min_length=1)] | None = None
    """Several addresses, asked in turn; otherwise as `base_url`."""
    serve: ServeSpec | None = None
    """A server to start first, to be asked as OpenAI is; where it listens, without an address."""
    language: OptionalText = None
    """A code such as `en`; without it the vendor detects it or takes its own default."""
    prompt: OptionalText = None
    """What the model is told beforehand, such as names it would misspell."""
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    """0 for the likeliest text; without it the vendor's default."""
    request: dict[str, Any] = {}
    """Further fields of the request, as the vendor documents them."""
    use_url: bool = False
    """Send the address that a row has in its input column, instead of its sound."""
    poll_seconds: Annotated[float, Field(ge=0.01, le=60)] = 0.25
    """Of vendors with jobs: how long after sending a job it is first asked after. The waits grow to
    twenty times that, which is how exactly the end of a job is known."""
    job_seconds: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    """Of vendors with jobs: a job that takes longer is an error."""
    delete_jobs: bool = False
    """Of vendors with jobs: delete each one, and its sound, once its transcript is here."""
    normalizer: Literal["basic", "whisper-english", "none"] = "basic"
    """What both texts go through before they are compared."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from wrong_addresses(given)
        yield from keys_in_parameters(given)
        request = given.get("request")
        if isinstance(request, Mapping):
            yield from keys_in_parameters(request)
            for name in ("language", "prompt", "temperature"):
                if name in request and given.get(name) is not None:
                    yield f"'request' holds {name!r}, which params has as well: give it once"
