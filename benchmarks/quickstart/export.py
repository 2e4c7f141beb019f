"""Write a trained model as an OpenVINO directory for Optimum Intel and for OpenVINO GenAI."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import nncf  # type: ignore[import-untyped]
import openvino
from model import MEL_FRAMES, build_feature_extractor
from openvino_tokenizers import convert_tokenizer
from optimum.exporters.openvino import main_export
from transformers import WhisperForConditionalGeneration, WhisperTokenizer

NETWORKS = ("openvino_encoder_model", "openvino_decoder_model")
# What the two run times read; anything else that an exporter writes stays out.
CONFIGURATIONS = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)


def _save_network(network: openvino.Model, directory: Path, name: str) -> None:
    # Otherwise save_model would halve the precision of the weights on its own.
    openvino.save_model(network, directory / f"{name}.xml", compress_to_fp16=False)


def _save_tokenizer(tokenizer: WhisperTokenizer, directory: Path) -> None:
    """The tokenizer once more as two networks: GenAI reads those rather than tokenizer.json."""
    encoder, decoder = convert_tokenizer(tokenizer, with_detokenizer=True, skip_special_tokens=True)
    _save_network(encoder, directory, "openvino_tokenizer")
    _save_network(decoder, directory, "openvino_detokenizer")


def export_float(
    model: WhisperForConditionalGeneration, tokenizer: WhisperTokenizer, target: Path
) -> None:
    """Export with float32 weights, replacing the target."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
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
            convert_tokenizer=False,
            # Without it the exporter traces with thirty seconds, which this encoder refuses.
            nb_max_frames=MEL_FRAMES,
        )
        for name in (*CONFIGURATIONS, *(f"{n}.{e}" for n in NETWORKS for e in ("xml", "bin"))):
            shutil.copyfile(exported / name, target / name)
    _save_tokenizer(tokenizer, target)


def export_int8(float_directory: Path, target: Path) -> None:
    """Compress the weights of an exported model to eight bits, replacing the target."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(float_directory, target)
    core = openvino.Core()
    for name in NETWORKS:
        network = core.read_model(float_directory / f"{name}.xml")
        compressed = nncf.compress_weights(network, mode=nncf.CompressWeightsMode.INT8_ASYM)
        _save_network(compressed, target, name)
