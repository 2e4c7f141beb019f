"""Measure an exported model through both run times: Optimum Intel and OpenVINO GenAI."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import jiwer
import openvino_genai
from optimum.intel import OVModelForSpeechSeq2Seq
from synthesize import SAMPLE_RATE_HZ, Audio
from transformers import WhisperProcessor

Transcriber = Callable[[Audio], str]


@dataclass(frozen=True)
class Score:
    """The answers of one model through one run time."""

    texts: list[str]
    wer: float
    mean_latency_ms: float


def optimum_transcriber(directory: Path) -> Transcriber:
    """Features, model and decoding as Transformers does them, the networks in OpenVINO."""
    model = OVModelForSpeechSeq2Seq.from_pretrained(directory, device="CPU")
    processor = WhisperProcessor.from_pretrained(directory)

    def transcribe(audio: Audio) -> str:
        inputs = processor(audio, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
        tokens = model.generate(inputs.input_features)
        text: str = processor.batch_decode(tokens, skip_special_tokens=True)[0]
        return text.strip()

    return transcribe


def genai_transcriber(directory: Path) -> Transcriber:
    """Everything inside OpenVINO GenAI."""
    pipeline = openvino_genai.WhisperPipeline(directory, "CPU")

    def transcribe(audio: Audio) -> str:
        text: str = pipeline.generate(audio).texts[0]
        return text.strip()

    return transcribe


BACKENDS: dict[str, Callable[[Path], Transcriber]] = {
    "optimum": optimum_transcriber,
    "genai": genai_transcriber,
}


def score(transcribe: Transcriber, recordings: list[Audio], references: list[str]) -> Score:
    """Transcribe one recording at a time, the way a user with one microphone would."""
    for audio in recordings[:3]:
        transcribe(audio)  # the first calls also compile and allocate
    texts: list[str] = []
    latencies_ms: list[float] = []
    for audio in recordings:
        started_s = time.perf_counter()
        texts.append(transcribe(audio))
        latencies_ms.append(1000 * (time.perf_counter() - started_s))
    return Score(texts, jiwer.wer(references, texts), mean(latencies_ms))
