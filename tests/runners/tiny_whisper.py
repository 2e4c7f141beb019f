"""A tiny multilingual Whisper with random weights: it says nonsense, but obeys every setting."""

from __future__ import annotations

from pathlib import Path

WINDOW_S = 2
FRAMES = 100 * WINDOW_S
START, END, NO_TIMESTAMPS = "<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>"
LANGUAGES = ("<|en|>", "<|de|>")
TASKS = ("<|translate|>", "<|transcribe|>")


def save_tiny_whisper(directory: Path) -> None:
    """Write a Transformers checkpoint: two languages, a window of two seconds, timestamps."""
    import torch
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    tokenizer = _tokenizer()
    ids = tokenizer.get_vocab()
    torch.manual_seed(3)
    shared = {
        "decoder_start_token_id": ids[START],
        "bos_token_id": ids[END],
        "eos_token_id": ids[END],
        "pad_token_id": ids[END],
    }
    config = WhisperConfig(
        vocab_size=len(ids),
        num_mel_bins=80,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_source_positions=FRAMES // 2,
        max_target_positions=48,
        **shared,
    )
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():
        # Louder than timestamps, so that there is text to compare.
        model.model.decoder.embed_tokens.weight[: ids["z"] + 1] *= 4
    model.generation_config = GenerationConfig(
        is_multilingual=True,
        lang_to_id={token: ids[token] for token in LANGUAGES},
        task_to_id={token.strip("<|>"): ids[token] for token in TASKS},
        no_timestamps_token_id=ids[NO_TIMESTAMPS],
        prev_sot_token_id=ids["<|startofprev|>"],
        max_initial_timestamp_index=10,
        max_length=24,
        suppress_tokens=[0],
        begin_suppress_tokens=[ids[END]],
        **shared,
    )
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    WhisperFeatureExtractor(chunk_length=WINDOW_S).save_pretrained(directory)


def _tokenizer() -> object:
    from tokenizers import AddedToken
    from transformers import WhisperTokenizer

    letters = ["Ġ", *"abcdefghijklmnopqrstuvwxyz"]
    tokenizer = WhisperTokenizer(
        vocab={letter: index for index, letter in enumerate(letters)},
        merges=[],
        unk_token=END,
        bos_token=END,
        eos_token=END,
        additional_special_tokens=[
            START,
            *LANGUAGES,
            *TASKS,
            "<|startoflm|>",
            "<|startofprev|>",
            "<|nospeech|>",
            NO_TIMESTAMPS,
        ],
    )
    stamps = [f"<|{index * 0.02:.2f}|>" for index in range(FRAMES // 2 + 1)]
    tokenizer.add_tokens([AddedToken(stamp, normalized=False) for stamp in stamps])
    return tokenizer


def convert_tokenizer(source: Path, target: Path) -> None:
    """Add to `target` the tokenizer of `source` as OpenVINO GenAI wants it."""
    import openvino
    import openvino_tokenizers
    from transformers import WhisperTokenizer

    tokenizer = WhisperTokenizer.from_pretrained(source)
    models = openvino_tokenizers.convert_tokenizer(tokenizer, with_detokenizer=True)
    for name, model in zip(("tokenizer", "detokenizer"), models, strict=True):
        openvino.save_model(model, target / f"openvino_{name}.xml")
