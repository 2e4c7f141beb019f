"""Writes as pytest's terminal reporter does: for the tables that both show."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "bold": 1}
_USUAL_SIZE = (80, 24)


class Console:
    """Standard output, in colours where somebody looks at it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self.fullwidth = shutil.get_terminal_size(_USUAL_SIZE).columns
        self._has_colours = (
            self._stream.isatty()
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM") != "dumb"
        )

    @property
    def _tw(self) -> Console:
        """What pytest's has besides itself: the writer, which knows the width."""
        return self

    def write_sep(self, sep: str, title: str | None = None, **markup: bool) -> None:
        """A line of `sep` with the title in its middle."""
        text = f" {title} " if title else ""
        left = max(1, (self.fullwidth - len(text)) // 2)
        right = max(1, self.fullwidth - len(text) - left)
        self.write_line(f"{sep * left}{text}{sep * right}", **markup)

    def write_line(self, line: str, **markup: bool) -> None:
        codes = [str(_COLOURS[name]) for name, is_on in markup.items() if is_on]
        if codes and self._has_colours:
            line = f"\x1b[{';'.join(codes)}m{line}\x1b[0m"
        print(line, file=self._stream)
