"""What `pytest_modelbench_register` is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.datasets import DATASET_SOURCES, DatasetSource
from pytest_modelbench.quality import QUALITY_METRICS, QualityMetric
from pytest_modelbench.registered import Registered
from pytest_modelbench.runners import RUNNERS


@dataclass(frozen=True)
class Extensions:
    """The three things a user may add, by name."""

    runners: Registered[Any] = RUNNERS
    dataset_sources: Registered[DatasetSource] = DATASET_SOURCES
    quality_metrics: Registered[QualityMetric] = QUALITY_METRICS

    def set_missing(self, sentences: Iterable[str]) -> None:
        """Why something may not be known by its name: said with that it is not."""
        said = tuple(sentences)
        for kind in (self.runners, self.dataset_sources, self.quality_metrics):
            kind.missing = said

    def keep(self) -> Callable[[], None]:
        """Remember what is registered now; calling what this returns brings it back.

        What one session's conftests add must not be there in the next one of the same process.
        """
        kinds: list[Registered[Any]] = [self.runners, self.dataset_sources, self.quality_metrics]
        before = [(kind, kind.added) for kind in kinds]

        def restore() -> None:
            for kind, added in before:
                kind.forget_added(added)

        return restore
