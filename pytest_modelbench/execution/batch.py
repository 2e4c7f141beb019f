"""What a call gets: the prepared samples, put together."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.contract import part_of


def put_together(session: Any, prepared: Sequence[Any]) -> Sequence[Any]:
    """As the session does it. Raises `ModelbenchError` unless the batch is as long as `prepared`.

    Its length is what answers are counted against: of another one, `predict` would be blamed.
    """
    batch = part_of(session, "prepare_batch")(prepared)
    count = len(batch) if isinstance(batch, Sized) else "no"
    if count != len(prepared):
        raise ModelbenchError(
            f"the runner's prepare_batch gave a {type(batch).__name__} of {count} parts for "
            f"{len(prepared)} samples: it must give a batch with one part for each"
        )
    made: Sequence[Any] = batch
    return made
