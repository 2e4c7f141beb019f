"""How far an answer is from another one, number by number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_modelbench.errors import cut
from pytest_modelbench.judge.beyond import ROUNDING
from pytest_modelbench.suite.compare import OutputTolerance

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_TEXT = 40
LEAD_IN = 12
"""Characters of a text that are shown before those that differ."""


@dataclass(frozen=True)
class Deviation:
    """One part of an answer that differs."""

    amount: float
    """Infinite where it is not a matter of numbers."""
    is_allowed: bool
    words: str
    """Where, and what is there."""


def deviations(before: Any, after: Any, tolerance: OutputTolerance) -> Iterator[Deviation]:
    """Of every part, the largest; nothing where two answers are the same."""
    return _of_part(before, after, tolerance, "")


def _of_part(
    before: Any, after: Any, tolerance: OutputTolerance, where: str
) -> Iterator[Deviation]:
    import numpy as np

    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        yield from _of_numbers(before, after, tolerance, where)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        if set(before) != set(after):
            yield _other(where, f"has {_names(after)}, not {_names(before)}")
            return
        for key in before:
            yield from _of_part(before[key], after[key], tolerance, f"{where}{key!r} ")
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield _other(where, f"has {len(after)} parts, not {len(before)}")
            return
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _of_part(one, other, tolerance, f"{where}[{number}] ")
    elif _kind(before) != _kind(after) or before != after:
        yield _other(where, " -> ".join(_both_shown(before, after)))


def _of_numbers(
    before: NDArray[Any], after: NDArray[Any], tolerance: OutputTolerance, where: str
) -> Iterator[Deviation]:
    import numpy as np

    if before.shape != after.shape:
        yield _other(where, f"has shape {after.shape}, not {before.shape}")
        return
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    if same.all():
        return
    ours, theirs = _exact(before), _exact(after)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.where(same, 0.0, np.abs(theirs - ours))
        apart[np.isnan(apart)] = np.inf  # a number against none
        allowed = same
        if tolerance.relative or tolerance.absolute:  # else large integers would seem to be equal
            allowed = same | np.isclose(
                theirs,
                ours,
                rtol=tolerance.relative * (1 + ROUNDING),
                atol=tolerance.absolute * (1 + ROUNDING),
            )
    # The worst of those that are too far off, if there are any.
    beyond = np.where(allowed, -1.0, apart)
    is_allowed = bool(allowed.all())
    at = np.unravel_index(int((apart if is_allowed else beyond).argmax()), apart.shape)
    place = f"[{', '.join(map(str, at))}] " if at else ""
    words = f"{where}{place}{_digits(before[at])} -> {_digits(after[at])}"
    yield Deviation(float(apart[at]), is_allowed, words.strip())


def _digits(number: Any) -> str:
    return f"{number:.9g}" if number.dtype.kind in "fc" else str(number)


def _exact(numbers: NDArray[Any]) -> NDArray[Any]:
    """In double precision: the difference of small integers would be a small integer, too."""
    import numpy as np

    return numbers.astype(np.complex128 if numbers.dtype.kind == "c" else np.float64)


def _kind(value: Any) -> str:
    import numpy as np

    return "numbers" if isinstance(value, np.ndarray) else type(value).__name__


def _other(where: str, what: str) -> Deviation:
    return Deviation(math.inf, False, f"{where}{what}")


def _names(value: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, value)) or "nothing"


def _both_shown(before: Any, after: Any) -> tuple[str, str]:
    """Two long texts from a little before where they differ on, not their equal beginnings."""
    if isinstance(before, str) and isinstance(after, str):
        pairs = enumerate(zip(before, after, strict=False))
        differs = next((at for at, (one, other) in pairs if one != other), None)
        if differs is None:  # one is the beginning of the other
            differs = min(len(before), len(after))
        start = max(0, differs - LEAD_IN)
        if start > LEAD_IN:
            before, after = (f"...{text[start:]}" for text in (before, after))
    return _shown(before), _shown(after)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(cut(value, LONGEST_TEXT))
    return "nothing" if value is None else _kind(value)
