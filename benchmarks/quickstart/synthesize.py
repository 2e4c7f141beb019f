"""Seeded synthetic speech: spoken digits from espeak-ng, split by voice.

A voice is an English accent of espeak-ng with one of its speaker variants, e.g. ``en-us+f2``.
The speaker variants in ``HELD_OUT_SPEAKERS`` are never used for training, so everything measured
on them is measured on speakers that the model has not heard.
"""

from __future__ import annotations

import io
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

SAMPLE_RATE_HZ = 16_000
WINDOW_S = 6.0
WINDOW_SAMPLES = int(WINDOW_S * SAMPLE_RATE_HZ)

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

ACCENTS = (
    "en-gb",
    "en-us",
    "en-gb-scotland",
    "en-gb-x-gbclan",
    "en-gb-x-rp",
    "en-gb-x-gbcwmd",
    "en-029",
    "en-us-nyc",
)
# Variants that imitate whispering, croaking or robots are left out: not what a user would record.
TRAINING_SPEAKERS = (
    *("m1", "m2", "m4", "m5", "m6", "m8", "f1", "f2", "f4", "klatt", "klatt2", "klatt4"),
    *("adam", "Alex", "Alicia", "Andrea", "Andy", "anika", "aunty", "belinda", "benjamin"),
    *("boris", "caleb", "ed", "edward", "Gene", "grandma", "grandpa", "Hugo", "Jacky", "john"),
    *("Marco", "max", "Michael", "Mike", "norbert", "paul", "rob", "robert", "steph", "travis"),
)
HELD_OUT_SPEAKERS = (
    *("m3", "m7", "f3", "f5", "Annie", "david", "Lee", "linda", "quincy", "victor"),
)

Audio = npt.NDArray[np.float32]

_LOG_FREQUENCIES = np.log(np.arange(1, WINDOW_SAMPLES // 2 + 1, dtype=np.float32))


@dataclass(frozen=True)
class Utterance:
    """What is said, and how: all that espeak-ng needs to speak it."""

    text: str
    voice: str
    speed_wpm: int
    pitch: int
    word_gap: int


def draw_utterances(
    count: int,
    speakers: tuple[str, ...],
    digit_counts: tuple[int, int],
    rng: np.random.Generator,
) -> list[Utterance]:
    """Draw random digit strings; speakers and accents take turns, so that all of them occur."""
    first_speaker, first_accent = rng.integers(len(speakers)), rng.integers(len(ACCENTS))
    utterances = []
    for index in range(count):
        spoken = rng.integers(10, size=rng.integers(digit_counts[0], digit_counts[1] + 1))
        speaker = speakers[(first_speaker + index) % len(speakers)]
        turn = index + index // len(speakers)
        accent = ACCENTS[(first_accent + turn) % len(ACCENTS)]
        utterances.append(
            Utterance(
                text=" ".join(DIGITS[digit] for digit in spoken),
                voice=f"{accent}+{speaker}",
                speed_wpm=int(rng.integers(120, 201)),
                pitch=int(rng.integers(30, 71)),
                word_gap=int(rng.integers(0, 9)),
            )
        )
    return utterances


def speak(utterance: Utterance) -> Audio:
    """Clean speech of one utterance at 16 kHz, its peak at 1."""
    command = ["espeak-ng", "--stdout", "-v", utterance.voice]
    command += ["-s", str(utterance.speed_wpm), "-p", str(utterance.pitch)]
    command += ["-g", str(utterance.word_gap), utterance.text]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    samples, rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32")
    resampled = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ)
    voiced = np.flatnonzero(np.abs(resampled) > 0.01 * np.abs(resampled).max())
    # espeak-ng closes every sentence with silence of a fixed length: an unnatural cue.
    trimmed = resampled[voiced[0] : voiced[-1] + 1]
    speech: Audio = (trimmed / np.abs(trimmed).max()).astype(np.float32)
    return speech


def speak_all(utterances: list[Utterance], workers: int = 2) -> list[Audio]:
    """Speak every utterance, in order; one espeak-ng process each keeps them independent."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(speak, utterances))


def coloured_noise(colour: float, rng: np.random.Generator) -> Audio:
    """A window of noise of unit power whose amplitude falls as frequency**-colour (0 is white)."""
    # Always a full window: its length has small prime factors, and the Fourier transform is fast.
    spectrum = np.fft.rfft(rng.standard_normal(WINDOW_SAMPLES, dtype=np.float32))
    spectrum[0] = 0
    spectrum[1:] *= np.exp(-colour * _LOG_FREQUENCIES)
    noise = np.fft.irfft(spectrum, WINDOW_SAMPLES).astype(np.float32)
    unit_power: Audio = noise / np.sqrt(np.mean(noise**2))
    return unit_power


def record(
    speech: Audio, rng: np.random.Generator, snr_db: tuple[float, float] = (6.0, 30.0)
) -> Audio:
    """A recording of the speech: silence around it, background noise, and a random level."""
    lead_in, lead_out = (int(rng.uniform(0.05, 0.3) * SAMPLE_RATE_HZ) for _ in range(2))
    padded = np.pad(speech, (lead_in, lead_out))[:WINDOW_SAMPLES]
    noise = coloured_noise(rng.uniform(0.0, 0.8), rng)[: len(padded)]
    noise_rms = np.sqrt(np.mean(speech**2)) * 10 ** (-rng.uniform(*snr_db) / 20)
    mixed = padded + noise_rms * noise
    peak = 10 ** (-rng.uniform(12.0, 30.0) / 20)
    recording: Audio = (mixed * (peak / np.abs(mixed).max())).astype(np.float32)
    return recording
