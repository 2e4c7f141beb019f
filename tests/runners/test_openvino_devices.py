"""Devices are checked by name before anything is loaded, and what came of a request is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.runners import openvino_devices
from pytest_modelbench.runners.openvino_devices import (
    check_device,
    effective_properties,
    ov_config,
    present_devices,
    probed_properties,
)


@pytest.fixture
def present(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    devices = ["CPU"]
    monkeypatch.setattr(openvino_devices, "present_devices", lambda: devices)
    return devices


def test_absent_device_is_unavailable_and_says_what_is_present(present: list[str]) -> None:
    with pytest.raises(Unavailable, match=r"^device 'GPU' is not present; present: CPU$"):
        check_device("GPU")


@pytest.mark.parametrize("name", ["AUTO:GPU,CPU", "MULTI:CPU,GPU.1", "HETERO:NPU,CPU"])
def test_every_named_device_must_be_present(present: list[str], name: str) -> None:
    with pytest.raises(Unavailable, match=r"device '(GPU|GPU\.1|NPU)' is not present"):
        check_device(name)


@pytest.mark.parametrize(
    "name",
    [
        "CPU",
        "CPU.0",
        "AUTO",
        "AUTO:CPU",
        "AUTO:-GPU,CPU",
        "AUTO:-NPU",
        "MULTI:CPU(2)",
        "HETERO:CPU",
    ],
)
def test_present_devices_pass(present: list[str], name: str) -> None:
    assert check_device(name) == name


def test_names_are_spelt_as_openvino_does(present: list[str]) -> None:
    assert check_device(" auto:cpu ") == "AUTO:CPU"


@pytest.mark.parametrize("name", ["GPU", "GPU.0", "GPU.1", "NPU"])
def test_a_kind_stands_for_its_first_device(present: list[str], name: str) -> None:
    present += ["GPU.0", "GPU.1", "NPU"]
    assert check_device(name) == name


def test_a_number_beyond_the_last_device_is_absent(present: list[str]) -> None:
    present += ["GPU"]
    assert check_device("GPU.0") == "GPU.0"
    with pytest.raises(Unavailable, match=r"'GPU\.1' is not present; present: CPU, GPU"):
        check_device("GPU.1")


@pytest.mark.parametrize("name", ["MULTI", "HETERO:", "AUTO:"])
def test_a_name_without_a_device_is_a_fault(present: list[str], name: str) -> None:
    with pytest.raises(ModelbenchError, match="names no device to run on"):
        check_device(name)


def test_an_empty_name_is_a_fault() -> None:
    with pytest.raises(ModelbenchError, match="device is empty"):
        check_device("  ")


def test_without_openvino_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(Unavailable, match=r'pip install "pytest-modelbench\[openvino\]"'):
        present_devices()


def test_precision_is_asked_for_only_when_given() -> None:
    assert ov_config("CPU", {"precision": "f32"}) == {"INFERENCE_PRECISION_HINT": "f32"}
    assert ov_config("CPU", {"precision": None}) == ov_config("CPU", {}) == {}


def test_a_property_the_plugin_lacks_is_left_out() -> None:
    class Mute:
        def get_property(self, name: str) -> Any:
            raise RuntimeError(f"{name} is not supported")

    found = effective_properties(Mute())
    assert found["execution_devices"] == []
    assert "inference_precision" not in found


@pytest.mark.slow
@pytest.mark.parametrize("device", ["CPU", "AUTO"])
def test_effective_properties_tell_the_precision_asked_for(device: str) -> None:
    found = probed_properties(device, {"INFERENCE_PRECISION_HINT": "f32"})
    assert found["inference_precision"] == "f32"
    assert found["execution_devices"] == ["CPU"]
    assert found["threads"] >= 1
    assert found["streams"] == 1
    assert found["device_name"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
