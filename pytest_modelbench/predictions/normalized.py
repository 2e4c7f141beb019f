"""Texts through a normalizer: each once, and very many by all processors together.

The English one takes as long for a sentence as aligning it five times over.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pytest_modelbench.child_environment import environment_with_path
from pytest_modelbench.quality.normalizers import normalizer

FEW = 10_000
"""Texts that take no longer than it takes to start other processes that help."""
MOST_PROCESSES = 16


def normalized(texts: Iterable[str], name: str, processes: int | None = None) -> dict[str, str]:
    """What each of `texts` becomes. Raises `ModelbenchError` for a normalizer that is not there."""
    normalize = normalizer(name)
    distinct = list(dict.fromkeys(texts))
    if processes is None:
        processes = min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    if name == "none" or processes < 2 or len(distinct) < FEW:
        return {text: normalize(text) for text in distinct}
    size = -(-len(distinct) // processes)
    parts = [distinct[begin : begin + size] for begin in range(0, len(distinct), size)]
    with ThreadPoolExecutor(len(parts)) as threads:
        answers = threads.map(lambda part: _by_a_process(part, name), parts)
        found: dict[str, str] = {}
        for part, answer in zip(parts, answers, strict=True):
            answer = answer or [normalize(text) for text in part]
            found.update(zip(part, answer, strict=True))
    return found


def _by_a_process(texts: Sequence[str], name: str) -> list[str] | None:
    """The normalized texts; None where another process cannot help."""
    command = [sys.executable, "-m", __name__, name]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(texts).encode(),
            capture_output=True,
            env=environment_with_path(),
            check=True,
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    is_whole = isinstance(answer, list) and len(answer) == len(texts)
    return answer if is_whole else None


def _help() -> None:
    """What the other process does."""
    normalize = normalizer(sys.argv[1])
    texts = json.loads(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps([normalize(text) for text in texts]))


if __name__ == "__main__":
    _help()
