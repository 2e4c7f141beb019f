"""Build the embedded quickstart: a tiny spoken-digit recogniser and 24 clips to measure it on.

    python benchmarks/quickstart/train.py --seed 7 --out pytest_modelbench/quickstart

From one seed this speaks a training set with espeak-ng, trains a model of Whisper's architecture
on it, exports it to OpenVINO with float32 and with int8 weights, writes 24 clips of speakers that
the training set does not contain, and measures both variants on those clips and on a larger set.

It needs the espeak-ng program on the PATH (Debian and Ubuntu: ``apt-get install espeak-ng``; 1.51
was used) and these packages: torch, transformers, optimum-intel, nncf, openvino, openvino-genai,
openvino-tokenizers, numpy, soundfile, soxr and jiwer. About twenty minutes on two cores;
no download, no GPU.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from export import export_float, export_int8
from measure import BACKENDS, score
from model import build_model, train, training_batches
from synthesize import (
    HELD_OUT_SPEAKERS,
    SAMPLE_RATE_HZ,
    TRAINING_SPEAKERS,
    Audio,
    Utterance,
    draw_utterances,
    record,
    speak_all,
)
from tokenizer import build_tokenizer, token_ids
from transformers import WhisperForConditionalGeneration, WhisperTokenizer

FLOAT_VERSION = "digits-fp32"
INT8_VERSION = "digits-int8"
CLIP_COUNT = 24
LARGER_SET_COUNT = 400
EMBEDDED_DIGITS = (3, 6)
# Clips that are published are written once, hence a date rather than the time of the run: the
# same seed then gives the same registry.
REGISTERED_AT = "2026-11-21T00:00:00+00:00"


@dataclass(frozen=True)
class Recording:
    """One utterance as it was recorded."""

    utterance: Utterance
    audio: Audio


def make_recordings(
    count: int, rng: np.random.Generator, snr_db: tuple[float, float]
) -> list[Recording]:
    """Recordings of held-out speakers only."""
    utterances = draw_utterances(count, HELD_OUT_SPEAKERS, EMBEDDED_DIGITS, rng)
    speeches = speak_all(utterances)
    return [
        Recording(utterance, record(speech, rng, snr_db))
        for utterance, speech in zip(utterances, speeches, strict=True)
    ]


def train_model(
    clip_count: int, steps: int, rng: np.random.Generator
) -> tuple[WhisperForConditionalGeneration, WhisperTokenizer]:
    """Speak a training set and train on it."""
    tokenizer = build_tokenizer()
    ids = token_ids(tokenizer)
    utterances = draw_utterances(clip_count, TRAINING_SPEAKERS, (1, 6), rng)
    speeches = speak_all(utterances)
    model = build_model(ids)
    texts = [utterance.text for utterance in utterances]
    train(model, training_batches(speeches, texts, ids, batch_size=16, rng=rng), steps)
    return model, tokenizer


def write_clips(recordings: list[Recording], folder: Path) -> None:
    """FLAC files, and one row of JSON for each."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = []
    for index, recording in enumerate(recordings):
        name = f"digits-{index:02d}.flac"
        soundfile.write(
            folder / name,
            recording.audio,
            SAMPLE_RATE_HZ,
            subtype="PCM_16",
            compression_level=1.0,
        )
        row = {
            "audio": name,
            "text": recording.utterance.text,
            "voice": recording.utterance.voice,
            "speed": recording.utterance.speed_wpm,
            "duration": round(len(recording.audio) / SAMPLE_RATE_HZ, 2),
        }
        rows.append(json.dumps(row))
    (folder / "clips.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def read_clips(folder: Path) -> tuple[list[Audio], list[str]]:
    """The clips as a user gets them: rounded to sixteen bits."""
    rows = [json.loads(line) for line in (folder / "clips.jsonl").read_text().splitlines()]
    audio = [soundfile.read(folder / row["audio"], dtype="float32")[0] for row in rows]
    return audio, [row["text"] for row in rows]


def write_registry(path: Path) -> None:
    """Register both variants; the float one is in use and known to be good."""
    entries: list[dict[str, object]] = [
        {
            "version": version,
            "base_model": "modelbench-digits",
            "distilled_from": None,
            "quantization": quantization,
            "model_path": f"models/{version}",
            "timestamp": REGISTERED_AT,
            "metrics": {},
            "active": version == FLOAT_VERSION,
            "last_good": version == FLOAT_VERSION,
            "commit_hash": None,
        }
        for version, quantization in ((FLOAT_VERSION, None), (INT8_VERSION, "int8"))
    ]
    path.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def report(models: Path, sets: dict[str, tuple[list[Audio], list[str]]]) -> None:
    """Print the word error rate and the latency of every variant through every run time."""
    for set_name, (recordings, references) in sets.items():
        for version in (FLOAT_VERSION, INT8_VERSION):
            for backend, load in BACKENDS.items():
                result = score(load(models / version), recordings, references)
                print(
                    f"{set_name:<10} {version:<12} {backend:<8} WER {result.wer:7.2%}"
                    f"  mean {result.mean_latency_ms:6.1f} ms"
                )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the embedded spoken-digit quickstart.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--steps", type=int, default=6000, help="training steps")
    parser.add_argument("--training-clips", type=int, default=6000)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    # Separate streams: more training leaves the clips as they are.
    for_training, for_clips, for_larger_set = np.random.default_rng(arguments.seed).spawn(3)
    models, clips = arguments.out / "models", arguments.out / "clips"

    write_clips(make_recordings(CLIP_COUNT, for_clips, snr_db=(8.0, 25.0)), clips)
    model, tokenizer = train_model(arguments.training_clips, arguments.steps, for_training)
    export_float(model, tokenizer, models / FLOAT_VERSION)
    export_int8(models / FLOAT_VERSION, models / INT8_VERSION)
    write_registry(arguments.out / "registry.json")

    larger_set = make_recordings(LARGER_SET_COUNT, for_larger_set, snr_db=(8.0, 25.0))
    report(
        models,
        {
            "clips": read_clips(clips),
            "held-out": (
                [recording.audio for recording in larger_set],
                [recording.utterance.text for recording in larger_set],
            ),
        },
    )


if __name__ == "__main__":
    main()
