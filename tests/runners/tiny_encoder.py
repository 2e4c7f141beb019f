"""A small text encoder as a ready directory: an IR, a tokenizer, nothing to export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tiny_openvino import save_model
from tiny_tokenizers import save

WIDTH = 4


def save_encoder(directory: Path, name: str = "BertTokenizer", **config: Any) -> Path:
    """Each token becomes a random vector of `WIDTH`, whatever stands beside it."""
    from openvino import opset13 as ops

    directory.mkdir(parents=True, exist_ok=True)
    save(directory, name, **config)
    ids, mask = (ops.parameter([-1, -1], np.int64, name=f"{what}") for what in INPUTS)
    table = np.random.default_rng(7).normal(size=(1000, WIDTH)).astype(np.float32)
    vectors = ops.gather(ops.constant(table), ids, ops.constant(np.array(0)))
    kept = ops.unsqueeze(ops.convert(mask, "f32"), ops.constant(np.array(-1)))
    hidden = ops.multiply(vectors, kept)
    hidden.output(0).get_tensor().set_names({"last_hidden_state"})
    for node, what in zip((ids, mask), INPUTS, strict=True):
        node.output(0).get_tensor().set_names({what})
    save_model(directory / "openvino_model.xml", [hidden], [ids, mask])
    return directory


INPUTS = ("input_ids", "attention_mask")
