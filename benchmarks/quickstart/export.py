"""Write a trained model as an OpenVINO directory for Optimum Intel and for OpenVINO GenAI."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nncf
import openvino
from model import MEL_FRAMES, build_feature_extractor
from openvino_tokenizers import convert_tokenizer
from optimum.exporters.openvino import main_export
from transformers import WhisperForConditionalGeneration, WhisperTokenizer

ENCODER = "openvino_encoder_model.xml"
DECODER = "openvino_decoder_model.xml"
# What the two run times read; anything else that an exporter writes stays out.
KEPT_CONFIGURATIONS = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)


def export_float(
    model: WhisperForConditionalGeneration, tokenizer: WhisperTokenizer, target: Path
) -> None:
    """Export with float32 weights."""
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint, exported = Path(scratch, "checkpoint"), Path(scratch, "exported")
        model.save_pretrained(checkpoint)
        tokenizer.save_pretrained(checkpoint)
        build_feature_extractor().save_pretrained(checkpoint)
        main_export(
            str(checkpoint),
            output=exported,
            task="automatic-speech-recognition-with-past",
            library_name="transformers",
            ov_config=None,
            convert_tokenizer=False,
            # Without it the exporter traces with thirty seconds, which this encoder refuses.
            nb_max_frames=MEL_FRAMES,
        )
        print(sorted((p.name, p.stat().st_size) for p in exported.iterdir()))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(exported, target)
