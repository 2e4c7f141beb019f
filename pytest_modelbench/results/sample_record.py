"""What each sample of a case was answered, so that two cases can be compared sample by sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.results.fields import Digest, Ordinal, Text
from pytest_modelbench.results.packed import Packed, pack, pack_floats

if TYPE_CHECKING:
    from pytest_modelbench.quality.terms import SampleTerms

MOST_ROWS_SHOWN = 5


class Terms(StrictModel):
    """What a quality metric is computed from, one entry a sample.

    `ratio`: the metric is sum(first) / sum(second), as edits / words. `right`: the metric is the
    share of 1s in first. `pairs`: a correlation of first with second, which hold floating-point
    numbers as their 64 bits; a sample without a prediction has NaN.
    """

    kind: Literal["ratio", "right", "pairs"]
    first: Packed
    second: Packed | None


class SampleRecord(StrictModel):
    """Every sample that was asked, in the order of the dataset."""

    ids: Packed
    """64 bits of a hash of a sample's input and reference: equal for equal samples in any run."""
    outputs: Packed
    """64 bits of a hash of the answer; 0 for a sample that failed."""
    terms: dict[Text, Terms]
    """By name of the quality metric; without those that cannot be told apart by sample."""


class FailedSamples(StrictModel):
    """Samples without an answer. They are wrong, or left out where nothing can be; their calls are
    in no statistic."""

    count: Ordinal
    """How many."""
    tolerated: Annotated[int, Field(ge=0)]
    """How many the suite tolerates of so many samples (`measure.max_failed_samples`)."""
    rows: list[Text]
    """Which: the first 20 of them, by their row in the dataset, counted from 0."""
    first_error: Text
    """What the first one failed with."""


def in_words(failed: FailedSamples, samples: object) -> str:
    """What failed of so many samples and is tolerated, in one line."""
    rows = ", ".join(failed.rows[:MOST_ROWS_SHOWN])
    more = ", ..." if failed.count > MOST_ROWS_SHOWN else ""
    return (
        f"{failed.count} of {samples} samples failed ({failed.tolerated} tolerated by "
        f"measure.max_failed_samples): {'row' if failed.count == 1 else 'rows'} {rows}{more}; "
        f"the first with: {failed.first_error}"
    )


class Digests(StrictModel):
    """Hashes of what can change a result, each by itself: two cases differ in what these say."""

    runner: Digest
    """Its name and version."""
    model: Digest
    """The content of its files; of a hub id, the id."""
    params: Digest
    dataset: Digest
    """The samples themselves."""
    measure: Digest
    quality: Digest


def record_of_samples(
    ids: Iterable[int], outputs: Iterable[int], terms: Mapping[str, SampleTerms]
) -> SampleRecord:
    """What each sample was answered, as it stands in a run."""
    return SampleRecord(
        ids=pack(ids),
        outputs=pack(outputs),
        terms={name: _packed(one) for name, one in terms.items()},
    )


def _packed(terms: SampleTerms) -> Terms:
    write = pack_floats if terms.kind == "pairs" else pack
    second = None if terms.second is None else write(terms.second)
    return Terms(kind=terms.kind, first=write(terms.first), second=second)
