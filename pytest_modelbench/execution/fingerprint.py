"""A hash of everything that can change a case's result, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.samples import Audio, Sample
from pytest_modelbench.runners.contract import Runner

_CHUNK_BYTES = 1 << 20


def fingerprint(case: Case, runner: Runner, samples: Iterable[Sample]) -> str:
    """32 hexadecimal digits. Equal for cases that measure the same thing on the same kind of input.

    It covers the runner and its version, the model's files, the device, the parameters, the
    stop rule, and the samples themselves; not retries, workers, output paths or the suite's name.
    """
    described = {
        "runner": [case.runner, runner.version],
        "model": model_digest(case.candidate.model_path),
        "device": case.device,
        "params": case.params,
        "measure": case.measure.model_dump(),
        "quality": case.quality,
    }
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(described, sort_keys=True, default=str).encode())
    for sample in samples:
        digest.update(_bytes_of(sample.input))
        digest.update(_bytes_of(sample.reference))
    return digest.hexdigest()


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, Audio):
        return value.samples.tobytes() + str(value.sampling_rate_hz).encode()
    return (repr(value) + "\0").encode("utf-8", "backslashreplace")


def model_digest(model_path: str) -> str:
    """The content of a model's files; for a hub id, the id itself."""
    path = Path(model_path)
    if not path.is_absolute() or not path.exists():
        return model_path
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return _digest_of_files(
        tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files), path
    )


@lru_cache(maxsize=64)
def _digest_of_files(files: tuple[tuple[Path, int, int], ...], root: Path) -> str:
    """Cached by size and time of each file: models are large and shared by many cases."""
    digest = hashlib.blake2b(digest_size=16)
    for file, _size, _time in files:
        digest.update(str(file.relative_to(root)).encode() + b"\0")
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
