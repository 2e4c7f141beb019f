"""A right suite and registry, and ways to alter them."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Place = tuple[Any, Any]
"""A list or object, and the index or key of something in it."""

SUITE: dict[str, Any] = {
    "id": "whole",
    "description": "everything a suite may say",
    "registry": "registry.json",
    "dataset": {
        "source": "json",
        "path": "rows.json",
        "input_column": ["text", "text"],
        "reference_column": "score",
        "max_samples": 5,
        "sampling_rate": 16000,
    },
    "devices": ["CPU"],
    "measure": {"warmup": 1, "min_samples": 3, "max_seconds": 2.5},
    "marks": ["nightly"],
    "env": ["HOME"],
    "criteria": [
        {"id": "fast", "metric": "p95_latency_ms", "goal": "min", "weight": 0.5, "max": 900},
        {"id": "good", "expression": "spearman / (1 + latency_ms)", "goal": "target", "target": 1},
        {"metric": "tokens_per_sec", "goal": "max", "runners": ["embedding_text"]},
    ],
    "benchmarks": [
        {
            "id": "first",
            "runner": "embedding_text",
            "models": ["one", {"quantization": "int8"}],
            "params": {"max_chars": 100, "pooling": "mean"},
            "matrix": {"batch_size": [1, 2]},
        },
        {"id": "second", "runner": "whisper_asr", "model": "one", "device": "GPU", "quality": []},
    ],
}
REGISTRY: list[dict[str, Any]] = [
    {
        "version": version,
        "base_model": "org/base",
        "distilled_from": None,
        "quantization": quantization,
        "model_path": f"models/{version}",
        "timestamp": "2026-01-01T00:00:00+00:00",
        "metrics": {"latency_ms": 5},
        "active": True,
        "last_good": False,
        "commit_hash": None,
    }
    for version, quantization in (("one", None), ("two", "int8"))
]


def _places(value: Any) -> Iterator[Place]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in list(pairs):
        yield value, key
        if isinstance(one, dict | list):
            yield from _places(one)


def _keys(document: Any) -> list[Place]:
    return [(holder, key) for holder, key in _places(document) if isinstance(holder, dict)]


# Where keys and types are free: what earlier tools recorded, and what a matrix varies.
FREE = ("metrics", "matrix", "params")


def _fixed(document: Any) -> list[Place]:
    free = [id(value[key]) for value, key in _keys(document) if key in FREE]
    return [(holder, key) for holder, key in _keys(document) if id(holder) not in free]


def _text(document: Any, source: random.Random) -> str:
    return json.dumps(document, indent=source.choice([None, 1, 2]))


def unknown_key(document: Any, source: random.Random) -> str:
    holder, key = source.choice(_fixed(document))
    holder[key + source.choice(["x", "_", "s2"])] = source.choice([1, "x", None])
    return _text(document, source)


def renamed_key(document: Any, source: random.Random) -> str:
    holder, key = source.choice(_fixed(document))
    holder[key.upper() + "1"] = holder.pop(key)
    return _text(document, source)


def wrong_type(document: Any, source: random.Random) -> str:
    holder, key = source.choice(_fixed(document))
    is_text = isinstance(holder[key], str | None) or key == "input_column"
    holder[key] = source.choice([7.5, [[]], {"a": {}}]) if is_text else "7"
    return _text(document, source)


OUT_OF_RANGE = {
    "max_samples": [0, -1, 2.5, 10**400],
    "sampling_rate": [0, -16000, 10**9],
    "warmup": [-1, 10**9],
    "min_samples": [0, 10**8],
    "max_seconds": [0, -1, 1e300],
    "weight": [0, -0.5, 1e300],
    "goal": ["", "least", "minimum"],
    "max_chars": [-1, 1.5],
    "pooling": ["", "median"],
    "batch_size": [[], [0], [1, 1]],
    "benchmarks": [[]],
    "version": [""],
    "model_path": ["", "x" * 300, "a\0b"],
    "runner": ["", "whisper", "os.system"],
    "expression": ["", "1 +", "9**9**9**(", "spearman.x", "nothing", "(" * 500],
    "id": ["a/b", "a[b]", "a::b", "a\nb"],
}


def out_of_range(document: Any, source: random.Random) -> str:
    places = [place for place in _keys(document) if place[1] in OUT_OF_RANGE]
    if isinstance(document, dict):  # a suite's own id becomes no part of a node id
        places = [place for place in places if not (place[0] is document and place[1] == "id")]
        criteria = [id(one) for one in document["criteria"]]
        places = [place for place in places if not (id(place[0]) in criteria and place[1] == "id")]
    holder, key = source.choice(places)
    holder[key] = source.choice(OUT_OF_RANGE[key])
    return _text(document, source)


def truncated(document: Any, source: random.Random) -> str:
    text = _text(document, source)
    return text[: source.randrange(len(text) - 1)]


def no_number(document: Any, source: random.Random) -> str:
    holder, key = source.choice(_keys(document))
    holder[key] = "@@"
    token = source.choice(["NaN", "Infinity", "-Infinity", "1e999", "01", "1.", "0x1", "nul"])
    return _text(document, source).replace('"@@"', token)


def duplicate_key(document: Any, source: random.Random) -> str:
    holder, key = source.choice(_keys(document))
    holder[key + "@@"] = source.choice([holder[key], 1, None])
    return _text(document, source).replace("@@", "")


def too_deep(document: Any, source: random.Random) -> str:
    holder, key = source.choice(_keys(document))
    holder[key] = "@@"
    depth = source.choice([100, 5000, 100_000])
    return _text(document, source).replace('"@@"', "[" * depth + "]" * depth)


def another_document(document: Any, source: random.Random) -> str:
    other = {} if isinstance(document, list) else []
    return source.choice(["", "null", "3", '"x"', "true", json.dumps(other), "{}{}", "\0"])


def deleted(document: Any, source: random.Random) -> str:
    holder, key = source.choice(list(_places(document)))
    del holder[key]
    return _text(document, source)


def swapped(document: Any, source: random.Random) -> str:
    (first, one), (second, two) = (source.choice(list(_places(document))) for _ in range(2))
    first[one], second[two] = copy.deepcopy(second[two]), copy.deepcopy(first[one])
    return _text(document, source)


def junk(document: Any, source: random.Random) -> str:
    holder, key = source.choice(list(_places(document)))
    holder[key] = source.choice(
        [
            None,
            "",
            [],
            {},
            -1,
            10**307,
            1e308,
            "x" * 5000,
            "\0",
            "\ud800",
            "~nobody-here",
            "/",
            "..",
            "*",
            "[",
            "é\u2028",
            {"": {"": [None, {}]}},
            [[[["deep"]]]],
            True,
        ]
    )
    return _text(document, source)


def garbage(document: Any, source: random.Random) -> bytes:
    content = bytearray(_text(document, source).encode())
    for _ in range(source.randrange(1, 6)):
        content[source.randrange(len(content))] = source.randrange(256)
    return bytes(content)


MUST_BE_REFUSED = [
    unknown_key,
    renamed_key,
    wrong_type,
    out_of_range,
    truncated,
    no_number,
    duplicate_key,
    too_deep,
    another_document,
]
MAY_BE_FINE = [deleted, swapped, junk, garbage]
ALL: list[Callable[[Any, random.Random], str | bytes]] = [*MUST_BE_REFUSED, *MAY_BE_FINE]
