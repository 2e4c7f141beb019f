"""What a model's own files may hold: whatever else is in them is told in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.sentence_config import read_sentence_config
from pytest_modelbench.runners.whisper_facts import read_facts

Read = Callable[[str, Path], Any]
WHISPER = '{"model_type": "whisper", "vocab_size": 51865}'
MODULES = '[{"type": "sentence_transformers.models.Transformer"}]'


@pytest.mark.parametrize(
    ("read", "files", "words"),
    [
        (read_facts, {"config.json": "{"}, "config.json is not JSON: "),
        (read_facts, {"config.json": b"\xff\xfe{"}, "config.json is not JSON: "),
        (read_facts, {"config.json": "[1, 2]"}, r"config.json has to hold an object, not \[1, 2\]"),
        (read_facts, {"config.json": '{"model_type": "bert"}'}, "has model_type 'bert', not 'whi"),
        (
            read_facts,
            {"config.json": '{"model_type": "whisper"}'},
            "config.json: 'vocab_size' is missing",
        ),
        (
            read_facts,
            {"config.json": WHISPER, "preprocessor_config.json": '{"sampling_rate": "16k"}'},
            "preprocessor_config.json: 'sampling_rate' has to be a number, not '16k'",
        ),
        (
            read_facts,
            {"config.json": WHISPER, "preprocessor_config.json": '{"chunk_length": Infinity}'},
            "preprocessor_config.json: 'chunk_length' has to be a number, not inf",
        ),
        (
            read_facts,
            {"config.json": WHISPER, "generation_config.json": '{"no_timestamps_token_id": "x"}'},
            "generation_config.json: 'no_timestamps_token_id' has to be a number, not 'x'",
        ),
        (
            read_facts,
            {"config.json": WHISPER, "processor_config.json": '{"feature_extractor": 5}'},
            None,
        ),
        (
            read_sentence_config,
            {"modules.json": "{}"},
            "modules.json has to hold a list, not {}",
        ),
        (
            read_sentence_config,
            {"modules.json": '[{"path": "0"}]'},
            "modules.json: each module has to be an object with a 'type'",
        ),
        (
            read_sentence_config,
            {"modules.json": MODULES, "sentence_bert_config.json": '{"max_seq_length": true}'},
            "sentence_bert_config.json: 'max_seq_length' has to be a number, not True",
        ),
        (read_sentence_config, {"modules.json": MODULES}, None),
        (read_sentence_config, {}, None),
    ],
)
def test_what_a_file_has_to_hold_is_said_with_its_name(
    tmp_path: Path, read: Read, files: dict[str, Any], words: str | None
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    if words is None:
        read("mine", tmp_path)
        return
    with pytest.raises(ModelbenchError, match=words):
        read("mine", tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "modules.json").mkdir()
    with pytest.raises(ModelbenchError, match=r"modules.json cannot be read: Is a directory"):
        read_sentence_config("mine", tmp_path)
