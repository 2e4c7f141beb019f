"""What the samples of a case were answered, in a file that grows while the case is measured.

A session that is resumed takes such answers over. They are of use as long as what can change them
is the same, which the first line says; samples are told apart by their content.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_modelbench.execution.plain_value import NotPlainError, from_plain, to_plain
from pytest_modelbench.runs.journal import Journal, read_journal

MOST_BYTES = 500_000_000
"""Of one case. What is answered after that is asked again when the session is resumed."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A sample, by 64 bits of its content, and its answer."""

    sample: int
    value: Any
    tokens: int | None


def answers_name(case_id: str) -> str:
    """What the file of a case is called: ids hold what file names may not."""
    return f"{hashlib.blake2b(case_id.encode(), digest_size=12).hexdigest()}.jsonl"


class AnswersFile:
    """Keeps answers. Never in the way: what cannot be kept is asked again, and that is all."""

    def __init__(self, file: Path | None, case_id: str, facts: Mapping[str, str]) -> None:
        """`facts` is what must be equal for the answers to be used again."""
        self._file = file
        if file is not None:
            with suppress(OSError):  # of a try before, in this session
                file.unlink(missing_ok=True)
        self._journal = None if file is None else Journal(file)
        # Alone it is of no use: the first answers will force both to the disk.
        self._add({"event": "case", "id": case_id, "facts": dict(facts)}, is_precious=False)

    @property
    def is_kept(self) -> bool:
        return self._journal is not None

    def add(self, answers: Iterable[Answered]) -> None:
        """Keep a block of answers, on the disk when this returns."""
        if self._journal is None:
            return
        try:
            plain = [[one.sample, to_plain(one.value), one.tokens] for one in answers]
        except NotPlainError:
            self.close()
            if self._file is not None:
                with suppress(OSError):
                    self._file.unlink(missing_ok=True)
            return
        if plain:
            self._add({"event": "answers", "answers": plain})

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _add(self, event: dict[str, Any], *, is_precious: bool = True) -> None:
        if self._journal is None:
            return
        try:
            is_written = self._journal.append(event, is_precious=is_precious)
        except (ValueError, TypeError):  # of a session's own class of numbers
            is_written = False
        if not is_written or self._journal.size_bytes > MOST_BYTES:
            self.close()


def earlier_answers(file: Path | None, facts: Mapping[str, str]) -> dict[int, list[Answered]]:
    """By sample; a sample that was there twice has two. Nothing where anything else has changed."""
    found: dict[int, list[Answered]] = defaultdict(list)
    if file is None or not file.exists():
        return found
    events = read_journal(file)
    if next(events, {}).get("facts") != facts:
        return found
    for event in events:
        with suppress(ValueError, TypeError, KeyError):  # as if it had not been answered
            for sample, value, tokens in event["answers"]:
                one = Answered(sample, from_plain(value), tokens)
                found[sample].append(one)
    return found
