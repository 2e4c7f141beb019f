"""Chunks of one stream that differ in their text alone, read without parsing each.

Answers are read on the processor core that sends requests, while it sends them, and most of a chunk
is the same in all of a stream.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_modelbench.endpoints.chat_said import Said
from pytest_modelbench.endpoints.openai_json import NotUnderstoodError

MOST_LEARNT = 3
"""In one stream: where all chunks differ, nothing is to be gained."""
PROBE = "pytest-modelbench"


class ChunkPattern:
    """What stands before and after the text of a chunk.

    Both are taken from a chunk that was parsed, and it was tried that another text between them is
    read as that text, in the same place, and changes nothing else. A JSON string ends at its first
    quotation mark, and means what it says unless it has a backslash; so any text without either
    between the same bytes is read as itself.
    """

    __slots__ = ("_after", "_before", "_from", "_kind", "_learnt", "_take", "_until")

    def __init__(self, take: Callable[[bytes, Said], bool]) -> None:
        """`take` is what parses a chunk."""
        self._take = take
        self._before = self._after = b""
        self._from = self._until = 0
        self._kind = ""
        self._learnt = 0

    def take(self, data: bytes, said: Said) -> bool:
        """Take over the text of a chunk that fits; False for any other, of which nothing is."""
        if not (data.startswith(self._before) and data.endswith(self._after) and self._kind):
            return False
        text = data[self._from : self._until]
        if not text or b'"' in text or b"\\" in text:  # too short for both, or not plain
            return False
        try:
            decoded = text.decode()
        except UnicodeDecodeError:
            return False
        if not decoded.isprintable():  # JSON has no control characters in its strings
            return False
        getattr(said, self._kind).append(decoded)
        return True

    def learn(self, data: bytes) -> None:
        """Remember the pattern of a chunk that was parsed, if it has one."""
        if self._learnt == MOST_LEARNT:
            return
        self._learnt += 1
        said = Said()
        self._take(data, said)
        given = {"texts": said.texts, "reasonings": said.reasonings, "refusals": said.refusals}
        (kind, texts), *others = [(kind, texts) for kind, texts in given.items() if texts]
        text = texts[0].encode("utf-8", "replace")
        begin = data.rfind(b'"' + text + b'"') + 1
        if others or not begin or said.usage or said.finish_reason:
            return
        before, after = data[:begin], data[begin + len(text) :]
        probed = Said()
        try:
            self._take(before + PROBE.encode() + after, probed)
        except NotUnderstoodError:
            return
        texts[0] = PROBE
        if probed == said:
            self._kind, self._before, self._after = kind, before, after
            self._from, self._until = len(before), -len(after)
