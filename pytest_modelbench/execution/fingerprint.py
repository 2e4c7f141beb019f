"""Hashes of everything that can change a case's result, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.digest import model_digest
from pytest_modelbench.execution.content import content, first64
from pytest_modelbench.load.spec import NOT_IN_FINGERPRINT as NOT_IN_LOAD_FINGERPRINT
from pytest_modelbench.measure.spec import NOT_IN_FINGERPRINT
from pytest_modelbench.registry import Candidate
from pytest_modelbench.results.sample_record import Digests
from pytest_modelbench.runners.contract import Runner


class Fingerprint:
    """32 hexadecimal digits. Equal for cases that measure the same thing on the same kind of input.

    It covers the runner and its version, the model's files, the device, the parameters, the
    stop rule, and the samples themselves; not retries, workers, output paths or the suite's name.
    """

    def __init__(self, case: Case, runner: Runner) -> None:
        self._device = case.device
        self._parts = {
            "runner": _digest([case.runner, runner.version]),
            "model": _model(case.candidate),
            "params": _digest(case.params),
            "measure": _digest(_way_of_measuring(case)),
            "quality": _digest(case.quality),
        }
        self._dataset = hashlib.blake2b(digest_size=16)
        self.ids: array[int] = array("q")
        """64 bits a sample: of its input and its reference."""

    def add(self, samples: Iterable[Sample]) -> array[int]:
        """Cover `samples`; in how many portions they come makes no difference. Their ids."""
        before = len(self.ids)
        for sample in samples:
            held = hashlib.blake2b(content(sample.input), digest_size=16)
            held.update(content(sample.reference))
            digest = held.digest()
            self._dataset.update(digest)
            self.ids.append(first64(digest))
        return self.ids[before:]

    def facts(self) -> dict[str, str]:
        """What an answer to a sample depends on besides the sample."""
        return {"device": self._device, **self._parts}

    def digests(self) -> Digests:
        """What it is made of, part by part; all but the device, which a result names."""
        return Digests(dataset=self._dataset.hexdigest(), **self._parts)

    def hexdigest(self) -> str:
        return _digest([self._device, self.digests().model_dump()])


def _way_of_measuring(case: Case) -> Any:
    """The stop rule, or how an endpoint is loaded."""
    if case.load is not None:
        load = case.load.model_dump(exclude=NOT_IN_LOAD_FINGERPRINT)
        # Of a server that the suite starts, too.
        return load if case.measure.threads is None else {**load, "threads": case.measure.threads}
    return case.measure.model_dump(exclude=NOT_IN_FINGERPRINT)


def _digest(described: Any) -> str:
    text = json.dumps(described, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _model(candidate: Candidate) -> str:
    """Of the content of a model's files; for a hub id, of the id itself.

    And of its quantization, where the registry names one: a runner may quantize as it loads.
    """
    path = Path(candidate.model_path)
    is_here = path.is_absolute() and path.exists()
    files = model_digest(path) if is_here else _digest(candidate.model_path)
    return files if candidate.quantization is None else _digest([files, candidate.quantization])
