"""What is sent of a sample: a file, a form, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FILE_NAME = "sample.wav"
WAVE = "audio/wav"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Upload:
    """A body, wherever it is sent to."""

    body: bytes
    content_type: str


def form(fields: Mapping[str, Any], file_field: str, sound: bytes | None, boundary: str) -> Upload:
    """A multipart form, with the sound as a file if there is any."""
    from urllib3.filepost import encode_multipart_formdata

    parts: list[tuple[str, Any]] = list(pairs(fields))
    if sound is not None:
        parts.append((file_field, (FILE_NAME, sound, WAVE)))
    return Upload(*encode_multipart_formdata(parts, boundary))


def json_body(fields: Mapping[str, Any]) -> Upload:
    """A JSON object."""
    given = {name: value for name, value in fields.items() if value is not None}
    return Upload(json.dumps(given).encode(), JSON)


def pairs(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and texts; a list is its name several times, null is nothing.

    >>> list(pairs({"punctuate": True, "keyterm": ["a", "b"], "language": None}))
    [('punctuate', 'true'), ('keyterm', 'a'), ('keyterm', 'b')]
    """
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                yield name, one if isinstance(one, str) else json.dumps(one)
