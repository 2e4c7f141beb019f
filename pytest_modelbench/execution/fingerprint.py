"""A hash of everything that can change a case's result, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.samples import Audio, Sample
from pytest_modelbench.digest import model_digest
from pytest_modelbench.measure.spec import NOT_IN_FINGERPRINT
from pytest_modelbench.runners.contract import Runner


class Fingerprint:
    """32 hexadecimal digits. Equal for cases that measure the same thing on the same kind of input.

    It covers the runner and its version, the model's files, the device, the parameters, the
    stop rule, and the samples themselves; not retries, workers, output paths or the suite's name.
    """

    def __init__(self, case: Case, runner: Runner) -> None:
        described = {
            "runner": [case.runner, runner.version],
            "model": _model(case.candidate.model_path),
            "device": case.device,
            "params": case.params,
            "measure": case.measure.model_dump(exclude=NOT_IN_FINGERPRINT),
            "quality": case.quality,
        }
        self._digest = hashlib.blake2b(digest_size=16)
        self._digest.update(json.dumps(described, sort_keys=True, default=str).encode())

    def add(self, samples: Iterable[Sample]) -> None:
        """Cover `samples`; in how many portions they come makes no difference."""
        update = self._digest.update
        for sample in samples:
            update(_bytes_of(sample.input))
            update(b"-" if sample.reference is None else _bytes_of(sample.reference))

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _bytes_of(value: Any) -> bytes:
    """`value` and its length, so that two values in a row cannot be mistaken for two others."""
    if isinstance(value, str):  # the usual case by far
        content = value.encode("utf-8", "backslashreplace")
        return b"str:%d:%s" % (len(content), content)
    if isinstance(value, Audio):
        content = value.samples.tobytes() + str(value.sampling_rate_hz).encode()
    elif hasattr(value, "tobytes"):  # arrays and images, whose repr is cut or holds an address
        content = value.tobytes() + str(getattr(value, "shape", "")).encode()
    else:
        content = repr(value).encode("utf-8", "backslashreplace")
    return b"%s:%d:%s" % (type(value).__name__.encode(), len(content), content)


def _model(model_path: str) -> str:
    """The content of a model's files; for a hub id, the id itself."""
    path = Path(model_path)
    return model_digest(path) if path.is_absolute() and path.exists() else model_path
