"""What our own runners can tell of a model before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, missing_extra
from pytest_modelbench.folders import free_bytes
from pytest_modelbench.importable import is_importable
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Foreseen
from pytest_modelbench.runners.hub_cache import is_cached, is_offline
from pytest_modelbench.runners.openvino_export import (
    IR_FILES,
    Task,
    cache_directory,
    export_digest,
    find_ir,
)

EXPORTER = "optimum.intel.openvino"
GROWTH = 2
"""Weights of 16 bits are exported as 32."""
WEIGHTS = (".safetensors", ".bin")


def problem_of(look: Callable[[], object]) -> Foreseen:
    """What `look` raises for a person to mend."""
    try:
        look()
    except ModelbenchError as error:
        return Foreseen(problem=str(error))
    return Foreseen()


def foreseen_hub(candidate: Candidate) -> Foreseen:
    """Of a hub id; nobody asks the hub."""
    hub_id = candidate.model_path
    if is_cached(hub_id):
        return Foreseen()
    if is_offline():
        return Foreseen(
            problem=f"model {hub_id!r} is not in the local cache of the hub, and HF_HUB_OFFLINE is "
            "set: fetch it once without that variable, or give a local directory"
        )
    return Foreseen(note=f"model {hub_id!r} will be downloaded from the hub")


def foreseen_export(candidate: Candidate, task: Task) -> Foreseen:
    """Of a Transformers model, which has to be exported where it has no IR."""
    if not candidate.is_local:
        return foreseen_hub(candidate)
    source = Path(candidate.model_path)
    if not source.is_dir():
        return Foreseen(
            problem=f"model {candidate.version!r}: {source} is no directory with a Transformers or "
            "an OpenVINO model: name one"
        )
    if find_ir(source, task) is not None:
        return Foreseen()
    if not (source / "config.json").is_file():
        return Foreseen(
            problem=f"model {candidate.version!r}: {source} has neither {IR_FILES[task]} nor "
            "config.json: give the directory of the model itself"
        )
    return _export(source, task)


def _export(source: Path, task: Task) -> Foreseen:
    size = GROWTH * sum(file.stat().st_size for file in source.iterdir() if file.suffix in WEIGHTS)
    free = free_bytes(cache_directory())
    has_room, has_exporter = free is None or size <= free, is_importable(EXPORTER)
    # Whether it was exported before is in a digest of its weights, which takes a while.
    if (has_room and has_exporter) or not _was_exported(source, task):
        if has_exporter:
            return Foreseen(writes_bytes=size)
        cause = missing_extra(EXPORTER, "openvino")
        return Foreseen(problem=f"{source} has no {IR_FILES[task]}, and to export it {cause}")
    return Foreseen()


def _was_exported(source: Path, task: Task) -> bool:
    return (cache_directory() / export_digest(source, task)).is_dir()
