"""What of the Hugging Face hub is on this machine already, told without its libraries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

_YES = {"1", "ON", "YES", "TRUE"}
Kind = Literal["models", "datasets"]


def is_offline(kind: Kind = "models") -> bool:
    """Whether the environment says that the hub is not to be asked."""
    names = ["HF_HUB_OFFLINE", *(["HF_DATASETS_OFFLINE"] if kind == "datasets" else [])]
    return any(os.environ.get(name, "").strip().upper() in _YES for name in names)


def is_cached(hub_id: str, kind: Kind = "models") -> bool:
    """Whether an earlier session has fetched it, as far as the names of directories tell."""
    snapshots = _hub_cache() / f"{kind}--{hub_id.replace('/', '--')}" / "snapshots"
    if _has_something(snapshots):
        return True
    return kind == "datasets" and _has_something(_datasets_cache() / hub_id.replace("/", "___"))


def _has_something(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def _home() -> Path:
    given = os.environ.get("HF_HOME")
    if given:
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache).expanduser() if cache else Path.home() / ".cache") / "huggingface"


def _hub_cache() -> Path:
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(given).expanduser() if given else _home() / "hub"


def _datasets_cache() -> Path:
    given = os.environ.get("HF_DATASETS_CACHE")
    return Path(given).expanduser() if given else _home() / "datasets"
