"""The content of a model's files as one short hash."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

_Stamps: TypeAlias = tuple[tuple[str, int, int], ...]


def model_files(path: Path) -> list[Path]:
    """The files a model is made of, in a fixed order: no hidden ones (caches), no prose."""
    if path.is_file():
        weights = path.with_suffix(".bin")  # an OpenVINO IR is two files, named by the first
        has_weights = path.suffix.lower() == ".xml" and weights.is_file()
        return [path, weights] if has_weights else [path]
    return [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and file.suffix != ".md"
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]


def model_digest(path: Path) -> str:
    """32 hexadecimal digits over the names and contents of a model's files."""
    stats = [(file, file.stat()) for file in model_files(path)]
    stamps = tuple((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats)
    return _digest(str(path.parent if path.is_file() else path), stamps)


@lru_cache(maxsize=256)
def _digest(root: str, stamps: _Stamps) -> str:
    """Kept for as long as no file's size or time changes: models are large and read often."""
    digest = hashlib.blake2b(digest_size=16)
    for name, _size, _time in stamps:
        with Path(name).open("rb") as file:
            content = hashlib.file_digest(file, hashlib.blake2b).hexdigest()
        digest.update(os.fsencode(f"{name.removeprefix(root)}\n{content}\n"))
    return digest.hexdigest()
