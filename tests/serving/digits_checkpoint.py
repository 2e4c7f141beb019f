"""The quickstart's speech model as a Transformers checkpoint, from the weights of its IR."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

QUICKSTART = Path(__file__).parents[2] / "pytest_modelbench" / "quickstart"
IR = QUICKSTART / "models" / "digits-fp32"
_ALIKE = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)


def save_digits_checkpoint(folder: Path) -> None:
    """What `transformers serve` can load; it recognises what the quickstart does."""
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    config = WhisperConfig.from_pretrained(IR)
    model = WhisperForConditionalGeneration(config)
    # Where queries are scaled, the exporter has multiplied what is added to them already.
    scale = (config.d_model / config.encoder_attention_heads) ** -0.5
    known = model.state_dict()
    found = {**_weights("encoder", "model.encoder."), **_weights("decoder", "")}
    for name, given in found.items():
        value = torch.from_numpy(given).reshape(known[name].shape)
        known[name] = value / scale if name.endswith("q_proj.bias") else value
    missing = set(known) - set(found) - {"proj_out.weight"}  # which is that of the embedding
    assert not missing, missing
    known["proj_out.weight"] = known["model.decoder.embed_tokens.weight"]
    model.load_state_dict(known)
    model.save_pretrained(folder)
    for name in _ALIKE:
        shutil.copy(IR / name, folder)


def _weights(part: str, prefix: str) -> dict[str, Any]:
    import openvino

    model = openvino.Core().read_model(IR / f"openvino_{part}_model.xml")
    found = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Constant" and node.get_output_size() == 1:
            name = _parameter(node)
            if name:
                found[prefix + name] = node.data.copy()
    return found


def _parameter(node: Any) -> str:
    """What a constant was called in the model; empty for none of its parameters."""
    own = node.get_friendly_name()
    if own.startswith("self."):
        return own.removeprefix("self.")
    users = {target.get_node() for target in node.output(0).get_target_inputs()}
    if len(users) != 1 or max(node.get_output_shape(0), default=1) < 16:
        return ""
    user = users.pop()
    name = user.get_friendly_name().removeprefix("__module.")
    module, _, operation = name.partition("/")
    if name == "aten::add/Add":
        return "embed_positions.weight"
    if operation == "aten::mul/Multiply" and module.endswith("_attn"):
        return f"{module}.q_proj.bias"
    if operation == "aten::layer_norm/Multiply_1":
        return f"{module}.weight"
    if operation in ("aten::layer_norm/Add", "aten::linear/Add", "aten::_convolution/Add"):
        return f"{module}.bias"
    return ""
