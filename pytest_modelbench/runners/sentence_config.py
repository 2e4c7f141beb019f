"""What a sentence-transformers directory says of how its model is to be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.model_json import number_in, read_list, read_object
from pytest_modelbench.runners.sentence_pooling import POOLING

# Before version 6 each mode had a switch of its own.
POOLING_SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
# Dropout does nothing outside training.
UNDERSTOOD = ("Transformer", "Pooling", "Normalize", "Dropout")


@dataclass(frozen=True, slots=True)
class SentenceConfig:
    """How texts become vectors. The defaults are those for a plain Transformers model."""

    transformer: Path
    """The directory of the Transformers model itself."""
    pooling: list[str] = field(default_factory=lambda: ["mean"])
    normalize: bool = False
    max_tokens: int | None = None
    """The most tokens of a text that are read; None leaves it to the tokenizer."""
    lower_case: bool = False
    prompt: str = ""
    """What is put before every text."""


def read_sentence_config(name: str, source: Path) -> SentenceConfig:
    """The configuration of the model in `source`; `name` is for messages.

    Raises `ModelbenchError` for a module that this runner does not have: leaving it out would
    measure another model.
    """
    file = source / "modules.json"
    modules = read_list(file)
    kinds = {}
    for module in modules:
        if not (isinstance(module, dict) and isinstance(module.get("type"), str)):
            raise ModelbenchError(f"{file}: each module has to be an object with a 'type'")
        kinds[module["type"].rpartition(".")[2]] = str(module.get("path", ""))
    for kind in kinds:
        if kind not in UNDERSTOOD:
            raise ModelbenchError(
                f"model {name!r}: modules.json names the module {kind!r}, which embedding_text "
                f"does not have; it has {', '.join(UNDERSTOOD)}"
            )
    transformer = source / kinds.get("Transformer", "")
    if not modules:
        return SentenceConfig(transformer)
    pooling = read_object(source / kinds["Pooling"] / "config.json") if "Pooling" in kinds else {}
    prompt = _default_prompt(source)
    if prompt and not pooling.get("include_prompt", True):
        raise ModelbenchError(
            f"model {name!r}: its default prompt is to be left out of the pooling "
            "(include_prompt is false), which embedding_text cannot do"
        )
    limits = transformer / "sentence_bert_config.json"
    reading = read_object(limits)
    most = int(number_in(reading, "max_seq_length", limits, 0))
    return SentenceConfig(
        transformer=transformer,
        pooling=_pooling_modes(name, pooling),
        normalize="Normalize" in kinds,
        max_tokens=most or None,
        lower_case=bool(reading.get("do_lower_case", False)),
        prompt=prompt,
    )


def _pooling_modes(name: str, config: Mapping[str, Any]) -> list[str]:
    given = config.get("pooling_mode")
    if given is None:
        given = [mode for switch, mode in POOLING_SWITCHES.items() if config.get(switch)] or "mean"
    modes = [given] if isinstance(given, str) else list(given)
    for mode in modes:
        if mode not in POOLING:
            raise ModelbenchError(
                f"model {name!r}: its pooling is {mode!r}, which embedding_text does not have; "
                f"it has {', '.join(POOLING)}"
            )
    return modes


def _default_prompt(source: Path) -> str:
    config = read_object(source / "config_sentence_transformers.json")
    prompts = config.get("prompts") or {}
    return str(prompts.get(config.get("default_prompt_name") or "", ""))
