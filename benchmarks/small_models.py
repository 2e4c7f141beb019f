"""Small OpenVINO models for the proof scripts, made on the spot with weights from a seed."""

from __future__ import annotations

from pathlib import Path

INPUT_NAME = "image"


def convolutions(
    file: Path, *, size: int = 56, channels: int = 128, layers: int = 6, seed: int = 1
) -> tuple[int, ...]:
    """Write an IR of 3 x 3 convolutions to `file`; the shape of its one input.

    The defaults take some milliseconds a call on two cores.
    """
    import numpy as np
    import openvino as ov
    from openvino import opset13 as ops

    random = np.random.default_rng(seed)
    shape = (1, channels, size, size)
    given = ops.parameter(shape, np.float32, name=INPUT_NAME)
    node = given.output(0)
    for _ in range(layers):
        scale = (2 / (9 * channels)) ** 0.5  # keeps the values' size from layer to layer
        weights = random.normal(0, scale, (channels, channels, 3, 3)).astype(np.float32)
        node = ops.relu(
            ops.convolution(node, ops.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1])
        ).output(0)
    model = ov.Model([ops.reduce_mean(node, ops.constant([2, 3]), keep_dims=False)], [given])
    model.inputs[0].tensor.set_names({INPUT_NAME})
    ov.save_model(model, file, compress_to_fp16=False)
    return shape
