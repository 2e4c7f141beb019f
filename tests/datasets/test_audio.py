"""Decoding audio of any kind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.datasets.audio import audio_path, decode_audio
from pytest_modelbench.errors import ModelbenchError, Unavailable

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("soxr")

RATE = 16_000
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


def tone(rate: int, seconds: float = 0.5, hz: float = 440.0) -> Any:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)


def written(folder: Path, kind: str, rate: int, samples: Any) -> Path:
    path = folder / f"tone.{kind}"
    container, subtype = FORMATS[kind]
    soundfile.write(path, samples, rate, format=container, subtype=subtype)
    return path


def loudest_hz(audio: Any) -> float:
    spectrum = np.abs(np.fft.rfft(audio.samples * np.hanning(len(audio.samples))))
    return float(np.argmax(spectrum) * audio.sampling_rate_hz / len(audio.samples))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_becomes_the_same_tone(tmp_path: Path, kind: str, rate: int) -> None:
    """440 Hz in stereo, half silent, is 440 Hz in mono at half the amplitude."""
    if kind == "opus" and rate == 44_100:
        pytest.skip("Opus has no rate of 44.1 kHz")
    left = tone(rate)
    path = written(tmp_path, kind, rate, np.stack([left, np.zeros_like(left)], axis=1))
    audio = decode_audio(path.name, RATE, tmp_path)
    assert audio.sampling_rate_hz == RATE
    assert audio.samples.dtype == np.float32
    assert audio.samples.ndim == 1
    assert audio.duration_seconds == pytest.approx(0.5, abs=0.15)  # MP3 pads with whole frames
    assert loudest_hz(audio) == pytest.approx(440, abs=8)
    middle = audio.samples[len(audio.samples) // 4 : len(audio.samples) // 2]
    assert np.abs(middle).max() == pytest.approx(0.25, abs=0.03)


def test_the_same_sound_comes_from_a_path_its_bytes_and_its_array(tmp_path: Path) -> None:
    """All that a dataset may hold."""
    samples = tone(RATE)
    path = written(tmp_path, "flac", RATE, samples)
    as_file = decode_audio(str(path), RATE, Path("/nowhere")).samples
    for value in (
        path.read_bytes(),
        {"bytes": path.read_bytes(), "path": "elsewhere.flac"},
        {"bytes": None, "path": path.name},
        {"array": samples, "sampling_rate": RATE, "path": "elsewhere.flac"},
        {"array": list(samples), "sampling_rate": RATE},
        {"array": np.stack([samples, samples]), "sampling_rate": RATE},
        {"array": (samples * 32768).astype(np.int16), "sampling_rate": RATE},
    ):
        np.testing.assert_allclose(decode_audio(value, RATE, tmp_path).samples, as_file, atol=1e-3)


def test_samples_at_the_right_rate_are_left_as_they_are(tmp_path: Path) -> None:
    """No resampler touches them."""
    samples = tone(RATE).astype(np.float32)
    audio = decode_audio({"array": samples, "sampling_rate": RATE}, RATE, tmp_path)
    assert np.array_equal(audio.samples, samples)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("none.wav", r"audio file .*none\.wav does not exist"),
        ({"path": "none.wav", "bytes": None}, r"audio file .*none\.wav does not exist"),
        ("text.wav", r"text\.wav cannot be decoded \(Format not recognised\): use WAV, FLAC"),
        (b"not audio", r"the audio bytes cannot be decoded \(Format not recognised\)"),
        ({"path": "x.m4a", "bytes": b"mp4"}, r"the audio bytes of x\.m4a cannot be decoded"),
        (b"", "the audio bytes are empty"),
        ("empty.wav", r"empty\.wav holds no samples"),
        ("nan.wav", r"nan\.wav holds samples that are not finite numbers"),
        (5, "a value of type int is not audio: give a path"),
        ({"path": None, "bytes": None}, "an object without bytes, path or array is not audio"),
        ({"array": [], "sampling_rate": 8000}, "the audio array holds no samples"),
        ({"array": [[[0.0]]], "sampling_rate": 8000}, "the audio array holds no samples"),
        ({"array": [0.0]}, "the audio array has the sampling_rate None: give a whole number"),
        ({"array": [0.0], "sampling_rate": 0}, "has the sampling_rate 0"),
        ({"array": ["a"], "sampling_rate": 8000}, "is not an array of numbers"),
        ({"array": [0.1], "sampling_rate": 192_000}, "shorter than one sample at 16000 Hz"),
    ],
)
def test_what_is_not_sound_is_said_in_one_sentence(
    tmp_path: Path, value: Any, message: str
) -> None:
    """Missing, of no known format, empty, not finite."""
    (tmp_path / "text.wav").write_text("not audio")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), RATE, subtype="FLOAT")
    with pytest.raises(ModelbenchError, match=message) as raised:
        decode_audio(value, RATE, tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("module", ["soundfile", "soxr"])
def test_an_absent_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """The line that installs it."""
    path = written(tmp_path, "wav", 8_000, tone(8_000))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Unavailable, match=rf"{module} is not installed: pip install .*\[audio\]"):
        decode_audio(str(path), RATE, tmp_path)


def test_only_sound_in_a_file_has_a_path() -> None:
    """Bytes and arrays need none, even where one is given."""
    assert audio_path("a.wav") == audio_path({"path": "a.wav"}) == "a.wav"
    for value in (b"x", {"path": "a", "bytes": b"x"}, {"path": "a", "array": [0]}, None, " ", 5):
        assert audio_path(value) is None
