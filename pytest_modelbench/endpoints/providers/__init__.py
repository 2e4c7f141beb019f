"""Who transcribes over HTTP: one file for each vendor, found by the name before the slash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.registered import Registered

if TYPE_CHECKING:
    from pytest_modelbench.endpoints.providers.transcriber import Transcriber

PROVIDERS: Registered[type[Transcriber]] = Registered(
    "pytest_modelbench.transcription_providers", "transcription provider"
)
"""Every provider by name: entry points of installed packages, and those added here."""


def provider_and_model(model: str) -> tuple[str, str]:
    """The two names that `elevenlabs/scribe_v1` is made of.

    Raises `ModelbenchError` for a text that is not.
    """
    name, slash, rest = model.partition("/")
    if slash and name.strip() and rest.strip():
        return name.strip().lower(), rest.strip()
    raise ModelbenchError(
        f"model {model!r} should be a provider and its model, such as 'openai/whisper-1' "
        f"(providers: {', '.join(PROVIDERS.names())})"
    )
