"""Sound as a file that every vendor reads: WAV, 16 bits, one channel."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_modelbench.datasets.samples import Audio


def wave_file(audio: Audio) -> bytes:
    """`audio` as the bytes of a WAV file; exactly what it was where it came from 16 bits."""
    import numpy as np

    scaled = np.rint(audio.samples.astype(np.float64) * 32768).clip(-32768, 32767)
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.sampling_rate_hz)
        file.writeframes(scaled.astype("<i2").tobytes())
    return held.getvalue()
