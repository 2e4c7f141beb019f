"""What was found to be wrong before anything ran, and which cases it concerns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_modelbench.report.markdown_text import counted

MOST_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """One thing, which may concern many cases."""

    what: str
    remedy: str = ""
    """What would be right; empty where `what` says it."""
    is_problem: bool = True
    """Else it is worth knowing, and nothing that keeps a case from being measured."""

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy}" if self.remedy else self.what


class Findings:
    """Everything that was found; the same finding is told once."""

    def __init__(self, all_cases: Sequence[str] = ()) -> None:
        self._all = list(dict.fromkeys(all_cases))
        self._found: dict[str, tuple[Finding, dict[str, None]]] = {}
        """By what is said: a process may find out, in the same words, what was known already."""

    def add(self, finding: Finding, *cases: str) -> None:
        """Without cases it concerns the session as a whole."""
        self._found.setdefault(str(finding), (finding, {}))[1].update(dict.fromkeys(cases))

    @property
    def case_count(self) -> int:
        return len(self._all)

    @property
    def problem_count(self) -> int:
        return sum(finding.is_problem for finding, _ in self._found.values())

    def lines(self, *, problems: bool) -> list[str]:
        """One for each problem, or each note, in the order of the suites."""
        return [
            f"{self._who(list(cases))}{finding}"
            for finding, cases in self._found.values()
            if finding.is_problem == problems
        ]

    def _who(self, cases: Sequence[str]) -> str:
        """How a line begins: whom it concerns.

        >>> Findings("abcd")._who("abc"), Findings("abcdef")._who("abcde"), Findings("ab")._who("")
        ('a, b, c: ', 'a, b and 3 more cases: ', '')
        """
        if not cases:
            return ""
        if len(cases) == len(self._all) > 1:
            return f"all {len(cases)} cases: "
        if len(cases) <= MOST_NAMED:
            return f"{', '.join(cases)}: "
        return (
            f"{', '.join(cases[: MOST_NAMED - 1])} and {len(cases) - MOST_NAMED + 1} more cases: "
        )


def block(findings: Findings) -> Iterator[str]:
    """What a session says of it before it measures; nothing where nothing was found."""
    problems, notes = findings.lines(problems=True), findings.lines(problems=False)
    if problems:
        yield (
            f"preflight: {counted(len(problems), 'problem')}: the cases that are named here will "
            "be skipped or fail, all others are measured"
        )
        yield from (f"  {line}" for line in problems)
    yield from (f"preflight: note: {line}" for line in notes)
