"""Any sound a dataset holds, as mono float32 at the rate a model wants."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from pytest_modelbench.datasets.samples import Audio
from pytest_modelbench.errors import ModelbenchError, missing_extra
from pytest_modelbench.paths import path_from

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sound: TypeAlias = "NDArray[np.floating[Any]]"


def decode_audio(value: Any, sampling_rate_hz: int, base_dir: Path) -> Audio:
    """`value` as `Audio`: mono (the mean of its channels), float32, at `sampling_rate_hz`.

    `value` is a path (relative to `base_dir`), the bytes of a file, `{"path", "bytes"}`, or
    `{"array", "sampling_rate"}` (signed integers are scaled to [-1, 1]; the shorter axis of a
    matrix is its channels). Files may be of any format libsndfile reads: WAV, FLAC, Ogg Vorbis,
    Opus, MP3, AIFF. Another rate is converted by soxr's HQ resampler.

    Raises `ModelbenchError` for what cannot be decoded, is empty or holds NaN; `Unavailable`
    without soundfile or, where the rate differs, soxr.
    """
    import numpy as np

    what, (samples, rate) = _read(value, base_dir)
    if samples.ndim == 2:
        channels = int(np.argmin(samples.shape))
        samples = samples.mean(axis=channels)
    if samples.ndim != 1 or not len(samples):
        raise ModelbenchError(f"{what} holds no samples")
    if not np.isfinite(samples).all():
        raise ModelbenchError(f"{what} holds samples that are not finite numbers")
    if rate != sampling_rate_hz:
        samples = _resampled(samples, rate, sampling_rate_hz)
        if not len(samples):
            raise ModelbenchError(f"{what} is shorter than one sample at {sampling_rate_hz} Hz")
    return Audio(np.ascontiguousarray(samples, dtype=np.float32), sampling_rate_hz)


def audio_path(value: Any) -> str | None:
    """The path that `value` must be read from, if its sound is in a file."""
    if isinstance(value, dict):
        value = value.get("path") if value.get("bytes") is None and "array" not in value else None
    return value if isinstance(value, str) and value.strip() else None


def audio_url(value: Any) -> str | None:
    """The http or https address that `value` is, or holds as a hub's viewer shows it."""
    if isinstance(value, list) and value:  # [{"src", "type"}]
        value = value[0]
    if isinstance(value, dict):
        value = next((value[name] for name in ("url", "src", "path") if value.get(name)), None)
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return None
    return value.strip() if parts.scheme in ("http", "https") and parts.hostname else None


def audio_source(value: Any) -> str | None:
    """What a row calls its sound: a path, or a URL without what may be secret in it."""
    if (url := audio_url(value)) is not None:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if isinstance(value, dict):
        value = value.get("path")
    return value if isinstance(value, str) and value.strip() else None


def _read(value: Any, base_dir: Path) -> tuple[str, tuple[Sound, int]]:
    """What `value` is, in words, and its samples with their rate in Hz."""
    if isinstance(value, dict) and value.get("array") is not None:
        return "the audio array", _from_array(value)
    path = audio_path(value)
    if path is not None:
        file = path_from(path, base_dir)
        if not file.is_file():
            raise ModelbenchError(f"audio file {file} does not exist")
        return f"audio file {file}", _from_file(str(file), f"audio file {file}")
    data = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(data, bytes | bytearray):
        what = "an object without bytes, path or array" if isinstance(value, dict) else None
        raise ModelbenchError(
            f"{what or f'a value of type {type(value).__name__}'} is not audio: give a path, the "
            'bytes of a file, {"path", "bytes"} or {"array", "sampling_rate"}'
        )
    if not data:
        raise ModelbenchError("the audio bytes are empty")
    name = value.get("path") if isinstance(value, dict) else None
    what = f"the audio bytes of {name}" if name else "the audio bytes"
    return what, _from_file(io.BytesIO(data), what)


def _from_file(file: str | io.BytesIO, what: str) -> tuple[Sound, int]:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: the package without its libsndfile
        raise missing_extra("soundfile", "audio") from error
    try:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, OSError, TypeError, ValueError) as error:
        # Of "Error opening 'x': Format not recognised." only the reason: the name is ours.
        reason = str(error).rsplit(": ", 1)[-1].rstrip(".")
        raise ModelbenchError(
            f"{what} cannot be decoded ({reason}): use WAV, FLAC, Ogg, Opus or MP3"
        ) from None
    # Averaged here, where the channels are known to be the second axis.
    return samples.mean(axis=1), int(rate)


def _from_array(value: dict[str, Any]) -> tuple[Sound, int]:
    import numpy as np

    rate = value.get("sampling_rate")
    if not isinstance(rate, int | np.integer) or isinstance(rate, bool) or rate < 1:
        raise ModelbenchError(
            f"the audio array has the sampling_rate {rate!r}: give a whole number of Hz"
        )
    try:
        samples = np.asarray(value["array"])
        # A list of whole numbers is a list of amplitudes; an integer array is PCM.
        if samples.dtype.kind == "i" and isinstance(value["array"], np.ndarray):
            return samples / -float(np.iinfo(samples.dtype).min), int(rate)
        return samples.astype(np.float32), int(rate)
    except (TypeError, ValueError) as error:
        raise ModelbenchError(f"the audio array is not an array of numbers: {error}") from None


def _resampled(samples: Sound, rate_hz: int, wanted_hz: int) -> Sound:
    try:
        import soxr
    except ImportError as error:
        raise missing_extra("soxr", "audio") from error
    resampled: Sound = soxr.resample(samples, rate_hz, wanted_hz, quality="HQ")
    return resampled
