"""One line of a file of predictions: a sample, what was answered, and how long that took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.results.fields import Amount, Count, JsonObject
from pytest_modelbench.strict import OptionalText


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value[:40]!r} should be a time such as 2026-03-01T12:00:00Z") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
OWN_FIELD = "sample_id"
"""What only lines of ours have. Those of other programs may have fields of their own."""


class PredictionLine(StrictModel):
    """The first five fields are those of the speech leaderboard, which may stand alone."""

    audio_filepath: str | None = None
    """What the dataset calls the sound; a name, which need not be a file."""
    duration: Amount | None = None
    """Seconds of sound."""
    time: Amount | None = None
    """Service seconds of the attempt that was answered: without retries, waits and queueing. None
    for an error; 0 or None beside an answer says that it was not timed."""
    text: str | None
    """The reference as it stands in the dataset."""
    pred_text: str | None
    """The answer as it came; None for an error."""
    sample_id: OptionalText = None
    """Of the sample's content and its row; equal in any run."""
    row: str | None = None
    """Its place in the dataset, counted from 0."""
    model: OptionalText = None
    dataset: OptionalText = None
    split: str | None = None
    case: OptionalText = None
    """The id of the case that asked."""
    variant: OptionalText = None
    """What sets the case apart from others of its model: parameters that a matrix varies."""
    status: Literal["ok", "error"] = "ok"
    error: OptionalText = None
    """Why there is no answer, in a sentence."""
    wall_seconds: Amount | None = None
    """From when it was to be sent to the end, retries and waits included."""
    attempts: Count | None = None
    endpoint: OptionalText = None
    """The address that was asked, without credentials."""
    run_id: OptionalText = None
    sent_at: Moment | None = None
    """When the first attempt was sent."""
    ended_at: Moment | None = None
    """When the answer was whole, or it was given up."""
    notes: JsonObject = {}
    """What else the answer says."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if given.get("status") == "error":
            if given.get("pred_text") is not None:
                yield "'status' is \"error\" although 'pred_text' has an answer"
        elif given.get(OWN_FIELD) and "pred_text" in given and given["pred_text"] is None:
            yield "'status' should be \"error\": 'pred_text' is null"

    @property
    def is_answered(self) -> bool:
        return self.status == "ok" and self.pred_text is not None

    @property
    def key(self) -> object:
        """Equal for lines of the same sample; None where nothing tells."""
        if self.sample_id:
            return self.sample_id
        return (self.audio_filepath, self.text, self.duration) if self.audio_filepath else None

    @property
    def place(self) -> str:
        """Which sample, for people."""
        if self.row is not None:
            return f"row {self.row}"
        return self.audio_filepath or self.sample_id or ""

    def as_bytes(self) -> bytes:
        """As it stands in a file, line end included."""
        return self.model_dump_json().encode() + b"\n"


def sample_id(content_hash: int, row: str) -> str:
    """The id of a sample: 64 bits of its content, and its row, since content may come twice.

    >>> sample_id(-2, "17")
    'fffffffffffffffe-17'
    """
    return f"{content_hash & 0xFFFF_FFFF_FFFF_FFFF:016x}-{row}"
