"""What launches of the same code were seen to differ by on this machine, kept between sessions."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.documents.validate import load_document
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.folders import state_folder
from pytest_modelbench.results.fields import Ordinal, Share, Text, Timestamp


class Calibration(StrictModel):
    """The outcome of `modelbench calibrate`."""

    machine: Text
    """The processor and how many there are: on another machine it does not hold."""
    timestamp: Timestamp
    model: Text
    """The model whose launches were compared with each other, and its device."""
    launches: Annotated[Ordinal, Field(ge=2)]
    blocks: Ordinal
    between_launches: Share
    """Standard deviation between launches, in the difference of two sides, as a share."""
    launch_floor: Share
    """What comparisons reckon with."""


def calibration_file() -> Path:
    return state_folder() / "calibration.json"


def machine_name() -> str:
    """This machine, as far as a calibration depends on it."""
    from pytest_modelbench.recording.provenance import processor_name

    return f"{os.cpu_count() or 1} x {processor_name()}"


def save_calibration(made: Calibration) -> Path:
    """Keep it for this user's sessions. Raises `ModelbenchError`."""
    from pytest_modelbench.results.store import write_atomically

    text = json.dumps(made.model_dump(mode="json"), indent=2) + "\n"
    path = write_atomically(calibration_file(), text, "the calibration", "XDG_STATE_HOME")
    saved_calibration.cache_clear()
    return path


def forget_calibration() -> bool:
    """Whether there was one to forget, of whichever machine. Raises `ModelbenchError`."""
    saved_calibration.cache_clear()
    try:
        calibration_file().unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ModelbenchError(f"{calibration_file()} cannot be removed: {error}") from None
    return True


@lru_cache(maxsize=1)
def saved_calibration() -> Calibration | None:
    """What this machine was calibrated to; None without one, or with one of another machine."""
    file = calibration_file()
    try:
        made, _ = load_document(file, Calibration)
    except (ModelbenchError, OSError):
        return None  # none was made, or it is damaged: the next one replaces it
    return made if made.machine == machine_name() else None
