"""The part of a suite that says what is measured against what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.strict import OptionalText, Text
from pytest_modelbench.suite.tolerance import PAIRED_TOLERANCE, ShareText

BASELINE, CANDIDATE = "baseline", "candidate"
MOST_LAUNCHES = 100
_SIDE_NAME = re.compile(r"[\w][\w.+-]*")


def _usable_name(name: str) -> str:
    if not _SIDE_NAME.fullmatch(name) or name == BASELINE:
        raise ValueError(
            f"{name!r} should be letters, digits and . _ + - (it becomes part of an id), and not "
            f"{BASELINE!r}"
        )
    return name


def _variable_name(name: str) -> str:
    if "=" in name or "\0" in name:
        raise ValueError(f"{name!r} is no name of an environment variable (it has no = and no NUL)")
    return name


def _variable_text(text: str) -> str:
    if "\0" in text:
        raise ValueError(f"{text!r} has a NUL, which no environment variable can hold")
    return text


def _even(launches: int) -> int:
    if launches % 2:
        raise ValueError(
            f"'launches' should be even, not {launches}: it is looked at after each second"
        )
    return launches


VariableName = Annotated[Text, AfterValidator(_variable_name)]
VariableText = Annotated[str, AfterValidator(_variable_text)]
SideName = Annotated[Text, AfterValidator(_usable_name)]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Commands = Annotated[list[Text], BeforeValidator(_as_list)]


class Side(StrictModel):
    """What one side of a comparison has instead of what the benchmark says."""

    model: OptionalText = None
    """A registry version, a path relative to the suite, or a hub id."""
    device: OptionalText = None
    params: dict[Text, Any] = {}
    """Added to the benchmark's, key by key."""
    python: OptionalText = None
    """The interpreter of another environment, relative to the suite, or to the worktree of a
    revision. This package must be installed there, too."""
    revision: OptionalText = None
    """A git revision of the repository the suite is in; `merge-base:main` is where the branch
    began. It is checked out into a worktree of its own."""
    env: dict[VariableName, VariableText] = {}
    """Environment variables of the side's processes."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        """A blank, as of a variable that is not set, would compare the code with itself."""
        for name in ("model", "device", "python", "revision"):
            value = given.get(name)
            if isinstance(value, str) and not value.strip():
                yield f"{name!r} is blank: name one, or leave the field out"


class Revisions(StrictModel):
    """How the worktree of a revision is made ready to be measured."""

    setup: Commands = []
    """Commands of the shell, run in the worktree one after the other."""
    python: OptionalText = None
    """The interpreter, relative to the worktree; without it, the session's own."""
    path: list[Text] | None = None
    """Directories of the worktree that come first on the import path; without it, the worktree
    itself and, where there is one, its `src`."""
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] = 1800.0
    """For all of `setup`."""


class OutputTolerance(StrictModel):
    """How far numbers in outputs may differ: by `absolute`, plus `relative` of the baseline's."""

    absolute: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    relative: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


def _kind_of_outputs(value: Any) -> str:
    return "tolerance" if isinstance(value, dict | OutputTolerance) else "word"


Outputs = Annotated[
    Annotated[Literal["equal"], Tag("word")] | Annotated[OutputTolerance, Tag("tolerance")],
    Discriminator(_kind_of_outputs),
]


class Compare(StrictModel):
    """Sides measured in one session, in turn, and judged against the baseline."""

    baseline: Side | None = None
    """Without it (and without `--suite-against`) the suite is measured as if nothing were said."""
    candidate: Side | None = None
    """Without it, and without `candidates`: the benchmark as it stands."""
    candidates: Annotated[dict[SideName, Side], Field(min_length=1)] | None = None
    """Several candidates by name, each judged against the baseline."""
    revisions: Revisions = Revisions()
    outputs: Outputs | None = None
    """`"equal"`, or a tolerance of numbers: what candidates answer must be what the baseline
    answers."""
    tolerance: ShareText = PAIRED_TOLERANCE
    """How much slower a candidate may be, as a share, where no criterion has a
    `max_regression`."""
    launches: Annotated[int, Field(ge=2, le=MOST_LAUNCHES), AfterValidator(_even)] = 6
    """Fresh processes of each side, at most; it is looked at after every second one."""
    blocks: Annotated[int, Field(ge=4, le=10_000)] = 20
    """Blocks of a launch, in each of which every side has two turns; up to five times as many
    where it is noisy."""
    max_seconds: Annotated[float, Field(gt=0, le=86_400)] = 120.0
    """No further launch after so many seconds of measuring in turn; a regression is confirmed
    in as many more."""
    seed: Annotated[int, Field(ge=0, le=2**53)] | None = None
    """Of the order of turns; without it, one is drawn and recorded."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if given.get("candidate") is not None and given.get("candidates") is not None:
            yield "give either 'candidate' or 'candidates' (one of them)"

    def named_candidates(self) -> dict[str, Side]:
        """Candidates by name, at least one."""
        return dict(self.candidates or {CANDIDATE: self.candidate or Side()})
