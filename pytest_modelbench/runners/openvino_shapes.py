"""The file of an OpenVINO model, and its input shapes as the suite wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError, one_line
from pytest_modelbench.registered import did_you_mean
from pytest_modelbench.registry import MODEL_SUFFIXES, Candidate
from pytest_modelbench.runners.hub_models import local_directory
from pytest_modelbench.runners.openvino_export import IR_FOLDERS
from pytest_modelbench.runners.openvino_ports import port_name

USUAL_FILE = "openvino_model.xml"


def find_model_file(candidate: Candidate) -> Path:
    """The candidate's IR (.xml) or ONNX file; of a directory, the only one in it.

    Raises `ModelbenchError` when there is none, or several of which none is `openvino_model.xml`.
    """
    path = Path(candidate.model_path)
    if path.is_file():
        if path.suffix.lower() in MODEL_SUFFIXES:
            return path
        raise ModelbenchError(
            f"model {candidate.version!r}: {path.name} is neither an OpenVINO IR (.xml) nor an "
            "ONNX file (.onnx)"
        )
    directory = local_directory(candidate)
    for folder in IR_FOLDERS:
        if (directory / folder / USUAL_FILE).is_file():
            return directory / folder / USUAL_FILE
    for suffix in MODEL_SUFFIXES:
        found = sorted(directory.glob(f"*{suffix}"))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(file.name for file in found)
            raise ModelbenchError(
                f"model {candidate.version!r}: {directory} has several models ({names}): name one"
            )
    raise ModelbenchError(
        f"model {candidate.version!r}: {directory} has no OpenVINO IR (.xml) and no ONNX file"
    )


def set_shapes(model: Any, shapes: Mapping[str, Sequence[int]], batch_size: int | None) -> None:
    """Reshape an `openvino.Model` in place until nothing of its inputs is open.

    `batch_size` is put in place of the first dimension of every input. Raises `ModelbenchError`
    for a name that is no input, a model without a batch as its first dimension, shapes that the
    model cannot take, and a dimension that is left open.
    """
    wanted = {_position(model, name): list(shape) for name, shape in shapes.items()}
    _reshape(model, wanted, f"params.shapes {dict(shapes)}")
    if batch_size is not None:
        _check_batch(model)
        batched = {
            index: [batch_size, *list(port.get_partial_shape())[1:]]
            for index, port in enumerate(model.inputs)
        }
        _reshape(model, batched, f"params.batch_size {batch_size}")
        _check_outputs(model, batch_size)
    for index, port in enumerate(model.inputs):
        shape = port.get_partial_shape()
        if shape.is_dynamic:
            name = port_name(port, index)
            raise ModelbenchError(
                f"input {name!r} of the model has the shape {_text(shape)}, which leaves a "
                f"dimension open: give it in params.shapes, such as {_example(name, shape)}"
            )


def _position(model: Any, name: str) -> int:
    known = []
    for index, port in enumerate(model.inputs):
        if name in port.names or name == port_name(port, index):
            return index
        known.append(port_name(port, index))
    raise ModelbenchError(
        f"params.shapes: the model has no input {name!r}; it has {', '.join(known)}"
        f"{did_you_mean(name, known)}"
    )


def _reshape(model: Any, wanted: Mapping[int, Sequence[Any]], asked: str) -> None:
    from openvino import PartialShape

    if not wanted:
        return
    try:
        model.reshape({index: PartialShape(list(shape)) for index, shape in wanted.items()})
    except RuntimeError as error:
        raise ModelbenchError(
            f"{asked}: the model cannot take these shapes: {one_line(error, 300)}"
        ) from error


def _check_batch(model: Any) -> None:
    """Whether the first dimensions can be one batch: open, or all of one size."""
    sizes: dict[str, str] = {}
    for index, port in enumerate(model.inputs):
        shape, name = port.get_partial_shape(), port_name(port, index)
        if shape.rank.is_dynamic or not len(shape):
            raise ModelbenchError(
                f"params.batch_size: input {name!r} has the shape {_text(shape)}, without a first "
                "dimension to be the batch"
            )
        if shape[0].is_static:
            sizes[name] = str(shape[0])
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{name!r} {size}" for name, size in sizes.items())
        raise ModelbenchError(
            f"params.batch_size: the inputs' first dimensions differ ({said}), so they are no batch"
        )


def _check_outputs(model: Any, batch_size: int) -> None:
    for index, port in enumerate(model.outputs):
        shape = port.get_partial_shape()
        known = not shape.rank.is_dynamic and len(shape) > 0 and shape[0].is_static
        if not known or shape[0].get_length() != batch_size:
            raise ModelbenchError(
                f"params.batch_size: with {batch_size} samples a call, output "
                f"{port_name(port, index)!r} has the shape {_text(shape)}, whose first dimension "
                "is not the batch, so its answers cannot be told apart"
            )


def _text(shape: Any) -> str:
    """The shape as OpenVINO writes it, such as `[?,3,8]`."""
    return str(shape.to_string())


def _example(name: str, shape: Any) -> str:
    if shape.rank.is_dynamic:
        return f'{{"{name}": [1, 3, 224, 224]}}'
    sizes = [str(size) if size.is_static else str(max(1, size.min_length)) for size in shape]
    return f'{{"{name}": [{", ".join(sizes)}]}}'
