"""A tokenizer laid out as that of an English-only Whisper checkpoint, for ten words.

It is a byte-level BPE, because that is what Whisper uses and what openvino_tokenizers converts.
The ids are arranged as in Whisper: text first, then ``<|endoftext|>``, then the other special
tokens, ``<|notimestamps|>`` last. Each digit with its leading space is one token.
"""

from __future__ import annotations

from dataclasses import dataclass

from synthesize import DIGITS
from transformers import WhisperTokenizer

SPACE = "Ġ"  # how byte-level BPE writes a space
END = "<|endoftext|>"
START = "<|startoftranscript|>"
NO_TIMESTAMPS = "<|notimestamps|>"
SPECIAL_TOKENS = (
    END,
    START,
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nocaptions|>",
    NO_TIMESTAMPS,
)


@dataclass(frozen=True)
class TokenIds:
    """The ids that the configurations and the training labels need."""

    end: int
    start: int
    previous: int
    no_timestamps: int
    words: dict[str, int]
    vocabulary_size: int


def _vocabulary_and_merges() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Letters and the merges that grow each word from its leading space, letter by letter."""
    tokens = [SPACE, *sorted(set("".join(DIGITS)))]
    merges: list[tuple[str, str]] = []
    for word in DIGITS:
        grown = SPACE
        for letter in word:
            if (grown, letter) not in merges:
                merges.append((grown, letter))
                tokens.append(grown + letter)
            grown += letter
    return {token: index for index, token in enumerate(tokens)}, merges


def build_tokenizer() -> WhisperTokenizer:
    """The tokenizer as the class that ``WhisperProcessor`` expects."""
    vocabulary, merges = _vocabulary_and_merges()
    return WhisperTokenizer(
        vocab=vocabulary,
        merges=merges,
        unk_token=END,
        bos_token=END,
        eos_token=END,
        additional_special_tokens=list(SPECIAL_TOKENS[1:]),
    )


def token_ids(tokenizer: WhisperTokenizer) -> TokenIds:
    """Look up the ids in the built tokenizer, rather than assume how it numbered them."""
    vocabulary = tokenizer.get_vocab()
    return TokenIds(
        end=vocabulary[END],
        start=vocabulary[START],
        previous=vocabulary["<|startofprev|>"],
        no_timestamps=vocabulary[NO_TIMESTAMPS],
        words={word: vocabulary[SPACE + word] for word in DIGITS},
        vocabulary_size=len(vocabulary),
    )
