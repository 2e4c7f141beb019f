"""A text of several parts, cut to a size between rows and never within one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

GAP = "\n\n"
LONGEST_NOTE_BYTES = 100


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together. Of `rows` the last may be left out, which is then said."""

    rows: Sequence[str]
    kind: str = "lines"
    """What a row is, in the plural."""
    title: Sequence[str] = ()
    head: Sequence[str] = ()
    """What stands above the rows, if there are any."""
    tail: Sequence[str] = ()

    def text(self, most_rows: int) -> str:
        shown = self.rows[:most_rows]
        lines = [*self.title, *(self.head if shown else ()), *shown]
        if left := len(self.rows) - len(shown):
            lines += ["", f"... and {left} more {self.kind} in the run file"]
        return "\n".join([*lines, *self.tail])


def fitted(blocks: Sequence[Block], most_bytes: int) -> str:
    """The blocks with as many rows of each as `most_bytes` of UTF-8 can hold; "" if not even one.

    Where they do not fit without any row, the last ones are left out.
    """
    least = list(accumulate(_size(block.text(0) + GAP) for block in blocks))
    if least[-1] > most_bytes:
        number = bisect_right(least, most_bytes - LONGEST_NOTE_BYTES)
        if number == 0:
            return ""
        note = f"... and {len(blocks) - number} more sections in the run file"
        blocks = [*blocks[:number], Block([], tail=[note])]
    longest = max(len(block.rows) for block in blocks)
    rows = bisect_right(range(longest + 1), most_bytes, key=lambda most: _size(_text(blocks, most)))
    return _text(blocks, rows - 1)


def _text(blocks: Sequence[Block], most_rows: int) -> str:
    return GAP.join(block.text(most_rows) for block in blocks) + "\n"


def _size(text: str) -> int:
    return len(text.encode())
