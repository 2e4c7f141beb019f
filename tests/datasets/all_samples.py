"""A dataset read to its end, for tests to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.samples import Sample, UnusableRow
from pytest_modelbench.datasets.spec import DatasetSpec, InputKind


@dataclass
class SampleSet:
    """The usable samples, with what was passed over on the way to them."""

    samples: list[Sample]
    reference_column: str | None
    unusable: list[UnusableRow]
    unusable_count: int

    @property
    def has_references(self) -> bool:
        return any(sample.reference is not None for sample in self.samples)


def load_samples(spec: DatasetSpec, base_dir: Path, input_kind: InputKind) -> SampleSet:
    reader = SampleReader(spec, base_dir, input_kind)
    samples = list(reader)
    return SampleSet(samples, reader.reference_column, reader.unusable, reader.unusable_count)
