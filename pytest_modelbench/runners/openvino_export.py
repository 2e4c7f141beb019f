"""Transformers models as OpenVINO IR: used as it is where there is one, exported once elsewhere."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pytest_modelbench.digest import model_digest
from pytest_modelbench.errors import ModelbenchError, missing_extra, one_line
from pytest_modelbench.folders import cache_folder
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.hub_models import local_directory
from pytest_modelbench.runners.model_json import number_in, read_object
from pytest_modelbench.runners.quiet import quiet_libraries

Task = Literal["automatic-speech-recognition-with-past", "feature-extraction"]

IR_FILES = {
    "automatic-speech-recognition-with-past": "openvino_encoder_model.xml",
    "feature-extraction": "openvino_model.xml",
}
# Hub repositories of sentence-transformers keep their IR in a folder of its own.
IR_FOLDERS = ("", "openvino")
# Another version of one of these may write another model.
EXPORTERS = ("optimum-intel", "openvino", "transformers", "torch")
EXPORT_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where a model's pieces are."""

    source: Path
    """The candidate's own directory: tokenizer, feature extractor, pooling."""
    ir: Path
    """The directory with the OpenVINO IR."""
    export_seconds: float | None = None
    """How long the export took when it was done just now; None when there was nothing to do."""


def ensure_ir(candidate: Candidate, task: Task) -> ModelFiles:
    """The candidate's files, with an IR among them.

    A directory that holds an IR is used as it is. Any other is exported once, with its weights in
    float32 and uncompressed, and kept in the user's cache under a digest of its files and of the
    exporter's versions; only then Optimum Intel is imported. Raises `Unavailable` when that is
    absent, `ModelbenchError` when there is no model or it cannot be exported.
    """
    source = local_directory(candidate)
    if (ir := find_ir(source, task)) is not None:
        return ModelFiles(source, ir)
    if not (source / "config.json").is_file():
        raise ModelbenchError(
            f"model {candidate.version!r}: {source} has neither {IR_FILES[task]} nor config.json"
        )
    target = cache_directory() / export_digest(source, task)
    if not target.is_dir():
        import_optimum()
    started = time.perf_counter()
    exported = _export_once(candidate, source, target, task)
    return ModelFiles(source, target, time.perf_counter() - started if exported else None)


def import_optimum() -> None:
    """Import it in seconds that are no export's and nobody's load time. Raises `Unavailable`."""
    try:
        with quiet_libraries():
            import optimum.intel.openvino  # noqa: F401
    except ImportError as error:
        raise missing_extra("optimum.intel.openvino", "openvino") from error


def find_ir(directory: Path, task: Task) -> Path | None:
    """The folder of `directory` that has the IR for `task`, or None."""
    for folder in IR_FOLDERS:
        if (directory / folder / IR_FILES[task]).is_file():
            return directory / folder
    return None


def cache_directory() -> Path:
    """Where exports are kept; `XDG_CACHE_HOME` moves it on Linux."""
    return cache_folder() / "openvino"


def export_digest(source: Path, task: Task) -> str:
    """Names an export: the contents of the model's files, the task and the exporters' versions."""
    digest = hashlib.blake2b(task.encode(), digest_size=16)
    for package in EXPORTERS:
        digest.update(f"\n{package} {_version(package)}".encode())
    digest.update(model_digest(source).encode())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _export_once(candidate: Candidate, source: Path, target: Path, task: Task) -> bool:
    """Export to `target` unless it is there; whether it was done now. Safe between processes."""
    from filelock import FileLock, Timeout

    if target.is_dir():
        return False
    with ExitStack() as leaving:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            leaving.enter_context(FileLock(f"{target}.lock", timeout=EXPORT_TIMEOUT_S))
            if target.is_dir():
                return False
            # Beside the target, so that the last step is a rename, of a whole model.
            scratch = Path(tempfile.mkdtemp(prefix="exporting-", dir=target.parent))
        except Timeout as error:
            raise ModelbenchError(
                f"model {candidate.version!r}: another process has been exporting it for more than "
                f"{EXPORT_TIMEOUT_S:g} s ({target}.lock)"
            ) from error
        except OSError as error:
            why = error.strerror or error
            raise ModelbenchError(
                f"{target.parent}: no exported model can be kept there ({why}): give a writable "
                "directory with the environment variable XDG_CACHE_HOME"
            ) from error
        try:
            _export(candidate, source, scratch, task)
            scratch.replace(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return True


def _export(candidate: Candidate, source: Path, output: Path, task: Task) -> None:
    try:
        with quiet_libraries():
            from optimum.exporters.openvino import main_export
            from optimum.intel import OVConfig
    except ImportError as error:
        raise missing_extra("optimum-intel", "openvino") from error
    try:
        with quiet_libraries():
            main_export(
                str(source),
                output=output,
                task=task,
                # Left to guess, the exporter takes a sentence-transformers directory for another
                # kind of model, with the pooling inside the graph.
                library_name="transformers",
                # None would compress the weights of a model of over a billion parameters.
                ov_config=OVConfig(dtype="fp32"),
                local_files_only=True,
                **_window(source),
            )
    except Exception as error:
        raise ModelbenchError(
            f"model {candidate.version!r} could not be exported to OpenVINO: {one_line(error)}"
        ) from error


def _window(source: Path) -> dict[str, Any]:
    """The length of the exporter's dummy speech; its default of 3000 frames fits 30 s only."""
    file = source / "config.json"
    config = read_object(file)
    if config.get("model_type") != "whisper":
        return {}
    # The encoder's second convolution halves the frames.
    return {"nb_max_frames": 2 * int(number_in(config, "max_source_positions", file, None))}
