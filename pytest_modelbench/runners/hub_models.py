"""A candidate's directory on this machine, fetched from the Hugging Face hub where needed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, missing_extra, one_line
from pytest_modelbench.registry import Candidate

# Weights of other frameworks, and copies of what safetensors already holds.
NEVER_FETCHED = ("*.onnx*", "*.msgpack", "*.h5", "*.ot", "*.tflite", "*.mlmodel", "*.gguf")
PICKLED_WEIGHTS = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")


def local_directory(candidate: Candidate) -> Path:
    """Where the candidate's files are; a hub id is downloaded (once, into the hub's own cache).

    Raises `ModelbenchError` when there is no such directory and the hub does not have it either.
    """
    path = Path(candidate.model_path)
    if path.is_dir():
        return path.resolve()
    if candidate.is_local:
        raise ModelbenchError(
            f"model {candidate.version!r}: {candidate.model_path} is not a directory with a "
            "Transformers or an OpenVINO model"
        )
    return _fetched(candidate.model_path)


@lru_cache(maxsize=64)
def _fetched(hub_id: str) -> Path:
    """Asked once a process: loading must not wait for the hub, nor see another revision."""
    try:
        from huggingface_hub import HfApi, snapshot_download
    except ImportError as error:
        raise missing_extra("huggingface_hub", "openvino") from error
    try:
        names = HfApi().list_repo_files(hub_id)
        return Path(snapshot_download(hub_id, ignore_patterns=unneeded(names)))
    except Exception as error:  # of its own, of its HTTP client, of the system: no common base
        reason = one_line(error, 200)
    try:
        # What an earlier session fetched serves while the hub is out of reach.
        return Path(snapshot_download(hub_id, local_files_only=True))
    except Exception:
        raise ModelbenchError(
            f"model {hub_id!r} is neither a directory here nor to be had from the hub: {reason}"
        ) from None


def unneeded(names: Iterable[str]) -> list[str]:
    """Patterns of a repository's files that are left on the hub.

    >>> "*.safetensors" in unneeded(["openvino_encoder_model.xml", "model.safetensors"])
    True
    """
    names = list(names)
    patterns = list(NEVER_FETCHED)
    has_ir = any(Path(name).match("openvino_*model.xml") for name in names)
    if has_ir:
        patterns.append("*.safetensors")
    if has_ir or any(name.endswith(".safetensors") for name in names):
        patterns += PICKLED_WEIGHTS
    return patterns
