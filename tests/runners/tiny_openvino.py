"""Small OpenVINO models, made by the tests that need them, in milliseconds and without a hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def save_sum(file: Path, shape: Sequence[int] = (1, 3), type_name: str = "f32") -> Path:
    """`sum = a + b` and `rows`, their sums along the last axis; -1 in `shape` is left open."""
    import openvino as ov
    from openvino import opset13 as ops

    element = getattr(ov.Type, type_name)
    a, b = (ops.parameter(list(shape), element, name=name) for name in "ab")
    total = ops.add(a, b)
    rows = ops.reduce_sum(total, ops.constant(np.array([-1])), keep_dims=False)
    for node, name in ((total, "sum"), (rows, "rows")):
        node.output(0).get_tensor().set_names({name})
    ov.save_model(ov.Model([total, rows], [a, b], "sum"), file, compress_to_fp16=False)
    return file


def save_model(file: Path, outputs: Sequence[Any], inputs: Sequence[Any]) -> Path:
    """Any other, of nodes."""
    import openvino as ov

    ov.save_model(ov.Model(list(outputs), list(inputs), "model"), file, compress_to_fp16=False)
    return file


def save_onnx_relu(file: Path, size: int) -> Path:
    """`y = relu(x)` of `size` float32 as ONNX: the protocol buffer written by hand."""

    def field(number: int, value: int | bytes | str) -> bytes:
        if isinstance(value, int):
            return bytes([number << 3, value])
        content = value.encode() if isinstance(value, str) else value
        return bytes([number << 3 | 2, len(content)]) + content

    def tensor(name: str) -> bytes:
        shape = field(1, field(1, size))
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))

    node = field(1, "x") + field(2, "y") + field(4, "Relu")
    graph = field(1, node) + field(2, "graph") + field(11, tensor("x")) + field(12, tensor("y"))
    file.write_bytes(field(1, 8) + field(7, graph) + field(8, field(2, 13)))
    return file
