"""A dataset in portions that fit into memory."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from pytest_modelbench.datasets.samples import Audio, Sample

T = TypeVar("T")
MOST_SAMPLES = 4096
MOST_BYTES = 64_000_000
"""A portion holds no more than this and two are held at once, so that a dataset of any size takes
constant memory."""


def portions(
    samples: Iterable[Sample], most_samples: int = MOST_SAMPLES, most_bytes: int = MOST_BYTES
) -> Generator[tuple[list[Sample], bool], None, None]:
    """Samples that are held at once, and whether they are the last ones.

    The last portion may be two: calls go on with it until there are enough, and a rest of a few
    samples would then outweigh all the others.

    >>> numbers = [Sample(str(n), n) for n in range(7)]
    >>> [(len(part), last) for part, last in portions(numbers, most_samples=2)]
    [(2, False), (2, False), (3, True)]
    """
    whole: list[Sample] = []
    part: list[Sample] = []
    held = 0
    for sample in samples:
        given = sample.input
        size = len(given) if isinstance(given, str) else _size_bytes(given)
        if part and (len(part) >= most_samples or held + size > most_bytes):
            if whole:
                yield whole, False
            whole, part, held = part, [], 0
        part.append(sample)
        held += size
    if part:
        yield [*whole, *part], True


def divided(
    samples: Sequence[T], bytes_each: int | None, most_bytes: int = MOST_BYTES
) -> Iterator[Sequence[T]]:
    """A portion in parts of one length that hold no more once each sample takes `bytes_each`.

    >>> numbers = [Sample(str(n), n) for n in range(7)]
    >>> [len(part) for part in divided(numbers, 30, most_bytes=100)]
    [2, 2, 3]
    """
    at_once = max(1, most_bytes // max(1, bytes_each or 0))
    count = -(-len(samples) // at_once)
    for part in range(count):
        yield samples[len(samples) * part // count : len(samples) * (part + 1) // count]


def _size_bytes(value: Any) -> int:
    """Roughly; what is small anyway is not looked into."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Audio):
        return int(value.samples.nbytes)
    if isinstance(value, tuple):
        return sum(map(_size_bytes, value))
    return int(getattr(value, "nbytes", 64))
