"""CUDA's name of a device leads to NVML's GPU; asked of a stand-in library through real pynvml."""

from __future__ import annotations

import sys

import pytest

from pytest_modelbench.errors import Unavailable
from pytest_modelbench.measure.nvml import cuda_index, open_nvml

FIND = """
    import sys
    from pytest_modelbench.errors import Unavailable
    from pytest_modelbench.measure.nvml import device_handle, open_nvml
    try:
        nvml = open_nvml()
        print(nvml.nvmlDeviceGetUUID(device_handle(nvml, {device!r})))
    except Unavailable as reason:
        print("Unavailable:", reason)
"""
TWO_ALIKE = ("count 2", "name 0 H200", "name 1 H200", "uuid 0 GPU-a0", "uuid 1 GPU-a1")
TWO_DIFFERENT = ("count 2", "name 0 T4", "name 1 H200", "uuid 0 GPU-ab0", "uuid 1 GPU-ab1")
BY_BUS = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def _found(nvml, device: str, **environ: str) -> str:
    return nvml.run(FIND.format(device=device), **environ)


@pytest.mark.parametrize(
    ("name", "index"),
    [("cuda", 0), ("cuda:3", 3), ("CUDA:1", 1), ("GPU", None), ("CPU", None), ("cuda:", None)],
)
def test_only_cuda_names_are_nvidias(name: str, index: int | None) -> None:
    assert cuda_index(name) == index


def test_the_index_is_that_of_cuda(nvml) -> None:
    nvml.says(*TWO_ALIKE)
    assert _found(nvml, "cuda") == "GPU-a0"
    assert _found(nvml, "cuda:1") == "GPU-a1"


@pytest.mark.parametrize(
    ("visible", "device", "uuid"),
    [
        ("1", "cuda", "GPU-ab1"),
        ("1,0", "cuda:1", "GPU-ab0"),
        (" 1 , 0", "cuda:1", "GPU-ab0"),
        ("GPU-ab1", "cuda:0", "GPU-ab1"),
        ("1,MIG-1234", "cuda", "GPU-ab1"),  # of what follows nothing is asked
        ("GPU-ab1,GPU-ab0", "cuda:1", "GPU-ab0"),
    ],
)
def test_visible_devices_renumber(nvml, visible: str, device: str, uuid: str) -> None:
    nvml.says(*TWO_DIFFERENT)
    assert _found(nvml, device, CUDA_VISIBLE_DEVICES=visible, **BY_BUS) == uuid


@pytest.mark.parametrize(
    ("visible", "device"),
    [
        ("", "cuda"),
        ("-1", "cuda"),
        ("0,-1,1", "cuda:1"),  # what names no GPU hides all that follow
        ("0", "cuda:1"),
        ("7", "cuda"),
        ("GPU-ab", "cuda"),  # may be either
        ("GPU-ff", "cuda"),
    ],
)
def test_a_hidden_device_is_unavailable(nvml, visible: str, device: str) -> None:
    nvml.says(*TWO_DIFFERENT)
    assert _found(nvml, device, CUDA_VISIBLE_DEVICES=visible, **BY_BUS) == (
        f"Unavailable: there is no device {device!r}: NVML sees 2 GPUs and CUDA_VISIBLE_DEVICES "
        f"is {visible!r}"
    )


def test_an_absent_device_is_unavailable(nvml) -> None:
    nvml.says(*TWO_ALIKE)
    assert _found(nvml, "cuda:2") == "Unavailable: there is no device 'cuda:2': NVML sees 2 GPUs"


@pytest.mark.parametrize("visible", [None, "1"])
def test_different_gpus_are_told_apart_only_in_the_order_of_the_bus(nvml, visible) -> None:
    """CUDA puts the fastest first, and no library says which that is."""
    nvml.says(*TWO_DIFFERENT)
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert _found(nvml, "cuda", **environ) == (
        "Unavailable: 'cuda' may be any of 2 different GPUs, as CUDA and NVML number them "
        "differently: set CUDA_DEVICE_ORDER=PCI_BUS_ID"
    )
    assert _found(nvml, "cuda", CUDA_VISIBLE_DEVICES="GPU-ab1") == "GPU-ab1"


def test_a_gpu_split_by_mig_is_unavailable(nvml) -> None:
    nvml.says(*TWO_ALIKE, "mig 0 1", "mig 1 0")
    assert _found(nvml, "cuda").startswith("Unavailable: the GPU of 'cuda' is split by MIG")
    assert _found(nvml, "cuda:1") == "GPU-a1"


def test_a_mig_instance_is_unavailable(nvml) -> None:
    nvml.says(*TWO_ALIKE)
    assert _found(nvml, "cuda", CUDA_VISIBLE_DEVICES="MIG-1234").startswith(
        "Unavailable: CUDA_VISIBLE_DEVICES names a MIG instance (MIG-1234) for 'cuda'"
    )


def test_a_device_of_another_maker_is_unavailable(nvml) -> None:
    assert _found(nvml, "GPU.1") == (
        "Unavailable: device 'GPU.1' is not a CUDA device, and NVML sees NVIDIA's devices only"
    )


def test_a_driver_that_is_not_loaded_says_so(nvml) -> None:
    nvml.says("fail nvmlInitWithFlags 9")
    assert _found(nvml, "cuda") == (
        "Unavailable: the NVIDIA driver is not loaded (NVML: Driver Not Loaded)"
    )


def test_another_error_is_given_in_nvmls_words(nvml) -> None:
    nvml.says("fail nvmlInitWithFlags 4")
    assert _found(nvml, "cuda") == (
        "Unavailable: NVML cannot be used here: Insufficient Permissions"
    )
    nvml.says("count 1", "fail nvmlDeviceGetHandleByIndex_v2 15")
    assert _found(nvml, "cuda") == ("Unavailable: NVML cannot say which GPU 'cuda' is: GPU is lost")


def test_without_a_driver_the_reason_is_that(nvml) -> None:
    """A library of that name which is none stands for one that is absent, wherever this runs."""
    broken = nvml.file.parent / "broken"
    broken.mkdir()
    (broken / "libnvidia-ml.so.1").write_text("no library")
    found = _found(nvml, "cuda", LD_LIBRARY_PATH=str(broken))
    assert found == (
        "Unavailable: there is no NVIDIA driver here: its library NVML (libnvidia-ml) is not "
        "installed"
    )


def test_without_pynvml_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(Unavailable, match="pip install nvidia-ml-py"):
        open_nvml()
