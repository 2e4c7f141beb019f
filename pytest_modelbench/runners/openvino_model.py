"""The runner `openvino_model`: any OpenVINO or ONNX model as such, from arrays to arrays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.errors import ModelbenchError, one_line
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Foreseen, Requirement, Runner, Session
from pytest_modelbench.runners.openvino_devices import (
    Precision,
    check_device,
    effective_properties,
    openvino_core,
    ov_config,
    present_devices,
)
from pytest_modelbench.runners.openvino_requests import Mode, requests_wanted
from pytest_modelbench.runners.openvino_session import ModelSession
from pytest_modelbench.runners.openvino_shapes import find_model_file, set_shapes
from pytest_modelbench.strict import Text

Count = Annotated[int, Field(ge=1)]


class OpenvinoModelParams(StrictModel):
    """`params` of `openvino_model`."""

    mode: Mode = "latency"
    """One call after the other, or as many at once as the device does best with."""
    batch_size: Count | None = None
    """Samples a call is given, along the first dimension; without it a sample is a whole input."""
    shapes: dict[Text, list[Count]] | None = None
    """Input name to shape; needed for inputs that leave a dimension open."""
    precision: Precision | None = None
    """What to compute in; without it the device decides (bf16 on a CPU with AMX)."""
    threads: Count | None = None
    """`INFERENCE_NUM_THREADS`; without it the device decides."""
    streams: Count | None = None
    """`NUM_STREAMS`: calls the device works on at once; without it the device decides."""
    requests: Count | None = None
    """`throughput`: calls under way at once; without it as many as the device asks for."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if given.get("requests") is not None and given.get("mode", "latency") == "latency":
            yield "'requests' is for mode 'throughput': mode 'latency' has one call under way"
        batch_size, shapes = given.get("batch_size"), given.get("shapes")
        if isinstance(batch_size, int) and isinstance(shapes, dict):
            for name, shape in shapes.items():
                first = shape[0] if isinstance(shape, list) and shape else batch_size
                if first != batch_size:
                    yield (
                        f"'shapes' gives {name!r} a first dimension of {first}, and 'batch_size' "
                        f"is {batch_size}: make them equal, or leave one out"
                    )


class OpenvinoModel(Runner):
    """An OpenVINO IR or an ONNX file, on arrays of the dataset or on random ones."""

    name = "openvino_model"
    params_model = OpenvinoModelParams

    def requirements(self, params: Mapping[str, Any]) -> Sequence[Requirement]:
        return (Requirement("openvino", extra="openvino"),)

    def devices(self) -> Sequence[str]:
        return present_devices()

    def check_device(self, device: str) -> None:
        check_device(device)

    def foresee(self, candidate: Candidate, params: Mapping[str, Any]) -> Foreseen:
        from pytest_modelbench.runners.foreseen import foreseen_hub, problem_of

        if not candidate.is_local:
            return foreseen_hub(candidate)
        return problem_of(lambda: find_model_file(candidate))

    def fetch(self, candidate: Candidate, params: Mapping[str, Any]) -> None:
        find_model_file(candidate)

    def load(self, candidate: Candidate, device: str, params: Mapping[str, Any]) -> Session:
        """Read, reshape and compile.

        Raises `Unavailable` for an absent device or package, `ModelbenchError` for a model or a
        parameter that does not fit.
        """
        checked = OpenvinoModelParams.model_validate(dict(params))
        name = check_device(device)
        file = find_model_file(candidate)
        core = openvino_core()
        model = _translated(
            f"model {candidate.version!r} could not be read", lambda: core.read_model(file)
        )
        set_shapes(model, checked.shapes or {}, checked.batch_size)
        config = compile_config(name, checked)
        started = time.perf_counter()
        compiled = _translated(
            f"model {candidate.version!r} could not be compiled for {name} with {config}",
            lambda: core.compile_model(model, name, config),
        )
        compile_seconds = time.perf_counter() - started
        count = requests_wanted(compiled, checked.mode, checked.requests)
        session = ModelSession(compiled, count, checked.batch_size, bool(model.get_variables()))
        session.compile_seconds = compile_seconds
        session.properties = effective_properties(compiled) | {
            "mode": checked.mode,
            "requests": count,
            "inputs": {port.name: str(port) for port in session.inputs},
            "outputs": {port.name: str(port) for port in session.outputs},
        }
        return session


def compile_config(device: str, params: OpenvinoModelParams) -> dict[str, str]:
    """OpenVINO's properties for what `params` ask."""
    asked = {"INFERENCE_NUM_THREADS": params.threads, "NUM_STREAMS": params.streams}
    return {
        "PERFORMANCE_HINT": params.mode.upper(),
        **ov_config(device, {"precision": params.precision}),
        **{name: str(value) for name, value in asked.items() if value is not None},
    }


def _translated(what: str, act: Callable[[], Any]) -> Any:
    """OpenVINO raises bare RuntimeErrors of many lines."""
    try:
        return act()
    except RuntimeError as error:
        raise ModelbenchError(f"{what}: {one_line(error)}") from error
