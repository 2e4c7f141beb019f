"""A case of `transcription_api` without a suite: an endpoint at a server on loopback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from vendor_server import KEY, Vendor

from pytest_modelbench.endpoints.providers.transcriber import Transcriber
from pytest_modelbench.endpoints.transcription_api import TranscriptionApi
from pytest_modelbench.registry import Candidate

Transcribers = Callable[..., Transcriber]


@pytest.fixture
def transcriber_at(monkeypatch: pytest.MonkeyPatch) -> Transcribers:
    """What `transcription_api` makes of a vendor's name, with the key set and quick polls."""

    def made(vendor: Vendor, url: str | list[str], **params: Any) -> Transcriber:
        monkeypatch.setenv(vendor.variable, KEY)
        where = {"base_url": url} if isinstance(url, str) else {"endpoints": url}
        name = f"{vendor.provider}/{vendor.model}"
        given = {**where, "language": vendor.language, "poll_seconds": 0.01, **params}
        given |= {"request": vendor.extra} if vendor.extra else {}
        candidate = Candidate(name, name)
        session = TranscriptionApi().load(candidate, "endpoint", given)
        assert isinstance(session.endpoint, Transcriber)
        return session.endpoint

    return made
