"""The model: Whisper's architecture a hundredth the size of its smallest, and its training."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from synthesize import SAMPLE_RATE_HZ, WINDOW_S, Audio, record
from tokenizer import TokenIds
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

MEL_BINS = 80
HOP_SAMPLES = 160
MEL_FRAMES = int(WINDOW_S * SAMPLE_RATE_HZ) // HOP_SAMPLES
# An answer takes nine tokens at most: a prompt of two, six digits and the end. The room is for the
# exporter, which traces the decoder with 16 tokens after 16 earlier ones.
MAX_TOKENS = 32
IGNORED_LABEL = -100  # what the loss of transformers skips

Batch = tuple[torch.Tensor, torch.Tensor]


def build_feature_extractor() -> WhisperFeatureExtractor:
    """Whisper's features over a window of six seconds rather than thirty."""
    return WhisperFeatureExtractor(
        feature_size=MEL_BINS,
        sampling_rate=SAMPLE_RATE_HZ,
        hop_length=HOP_SAMPLES,
        chunk_length=int(WINDOW_S),
        n_fft=400,
    )


def build_model(ids: TokenIds) -> WhisperForConditionalGeneration:
    """An untrained model, with a generation configuration like an English-only checkpoint's."""
    config = WhisperConfig(
        vocab_size=ids.vocabulary_size,
        num_mel_bins=MEL_BINS,
        d_model=96,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=192,
        decoder_ffn_dim=192,
        dropout=0.05,
        max_source_positions=MEL_FRAMES // 2,
        max_target_positions=MAX_TOKENS,
        decoder_start_token_id=ids.start,
        bos_token_id=ids.end,
        eos_token_id=ids.end,
        pad_token_id=ids.end,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        is_multilingual=False,
        decoder_start_token_id=ids.start,
        bos_token_id=ids.end,
        eos_token_id=ids.end,
        pad_token_id=ids.end,
        prev_sot_token_id=ids.previous,
        no_timestamps_token_id=ids.no_timestamps,
        return_timestamps=False,
        max_length=MAX_TOKENS,
    )
    return model


def label_matrix(texts: list[str], ids: TokenIds) -> torch.Tensor:
    """What the decoder should say after ``<|startoftranscript|>``, one row for each text."""
    rows = [
        [ids.no_timestamps, *(ids.words[word] for word in text.split()), ids.end] for text in texts
    ]
    labels = torch.full((len(rows), max(map(len, rows))), IGNORED_LABEL)
    for row, tokens in enumerate(rows):
        labels[row, : len(tokens)] = torch.tensor(tokens)
    return labels


def training_batches(
    speeches: list[Audio],
    texts: list[str],
    ids: TokenIds,
    batch_size: int,
    rng: np.random.Generator,
) -> Iterator[Batch]:
    """Endless batches; every visit of a clip gets its own noise and level."""
    extractor = build_feature_extractor()
    while True:
        order = rng.permutation(len(speeches))
        for start in range(0, len(order) - batch_size + 1, batch_size):
            chosen = order[start : start + batch_size]
            recordings = [record(speeches[index], rng) for index in chosen]
            features = extractor(
                recordings, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt"
            ).input_features
            yield features, label_matrix([texts[index] for index in chosen], ids)


def train(
    model: WhisperForConditionalGeneration,
    batches: Iterator[Batch],
    steps: int,
    peak_learning_rate: float = 1.5e-3,
    report_every: int = 250,
) -> None:
    """Train with AdamW on a one-cycle schedule, reporting the mean loss now and then."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak_learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=peak_learning_rate, total_steps=steps, pct_start=0.1
    )
    model.train()
    started_s = time.monotonic()
    losses: list[float] = []
    for step in range(1, steps + 1):
        features, labels = next(batches)
        loss = model(input_features=features, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % report_every == 0 or step == steps:
            elapsed_s = time.monotonic() - started_s
            print(f"step {step}/{steps}  loss {np.mean(losses):.4f}  {elapsed_s:.0f} s", flush=True)
            losses.clear()
    model.eval()
