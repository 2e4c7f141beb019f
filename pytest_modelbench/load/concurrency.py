"""How many requests were under way at once, counted from when each was."""

from __future__ import annotations

from collections.abc import Sequence


def concurrency(
    begins_ns: Sequence[int], ends_ns: Sequence[int], window: tuple[int, int]
) -> tuple[float, int]:
    """The mean over the window, and the peak in it. Each request is under way in [begin, end).

    >>> concurrency([0, 5, 10], [10, 15, 20], (0, 20))
    (1.5, 2)
    """
    import numpy as np

    low, high = window
    begins = np.clip(np.asarray(begins_ns, dtype=np.int64), low, high)
    ends = np.clip(np.asarray(ends_ns, dtype=np.int64), low, high)
    inside = ends > begins
    begins, ends = begins[inside], ends[inside]
    if high <= low or not len(begins):
        return 0.0, 0
    mean = float((ends - begins).sum()) / (high - low)
    at = np.concatenate([begins, ends])
    steps = np.concatenate([np.ones(len(begins), np.int64), -np.ones(len(ends), np.int64)])
    # Who ends at the moment in which another begins does so first.
    order = np.lexsort((steps, at))
    return mean, int(np.cumsum(steps[order]).max())
