"""From what a suite says of a comparison to the cases that are its sides."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pytest_modelbench.case import Case, ComparisonPlan, SidePlan
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.git import commit_of, repository_of
from pytest_modelbench.paths import path_from
from pytest_modelbench.redaction import HIDDEN, is_secret_name, without_credentials
from pytest_modelbench.registry import Candidate, Registry
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.suite.compare import BASELINE, Compare, Side
from pytest_modelbench.suite.device_names import usual_device_name
from pytest_modelbench.suite.find import SHIPPED
from pytest_modelbench.suite.models import find_models
from pytest_modelbench.suite.param_faults import param_faults

T = TypeVar("T")
_PLAIN_WORD = re.compile(r"[\w.+-]{1,20}")


class SideFaultError(Exception):
    """A side that cannot be: the field of it that is wrong, and how."""

    def __init__(self, side: str, field: str, message: str) -> None:
        super().__init__(message)
        self.side = side
        self.field = field
        self.message = message


class SideFaultsError(Exception):
    """Everything that is wrong with the sides of a comparison."""

    def __init__(self, faults: Sequence[SideFaultError]) -> None:
        super().__init__("; ".join(one.message for one in faults))
        self.faults = faults


def plan_comparison(case: Case, compare: Compare, registry: Registry | None) -> Case:
    """`case` as an item that measures the sides of `compare`, whose baseline is given.

    Raises `SideFaultsError`.
    """
    assert compare.baseline is not None
    given = {BASELINE: compare.baseline, **compare.named_candidates()}
    label = f"{case.label}-vs-{_label(compare.baseline, case)}"
    sides = _Sides(replace(case, label=label), compare, registry)
    plans = [sides.plan(name, side) for name, side in given.items()]
    if sides.faults:
        raise SideFaultsError(sides.faults)
    has_revision = any(side.revision for side in given.values())
    repository = _repository(case.suite_file)[0] if has_revision else None
    plan = ComparisonPlan(tuple(plans), compare, repository)
    return replace(case, label=label, comparison=plan)


@dataclass(frozen=True)
class _Sides:
    case: Case
    compare: Compare
    registry: Registry | None
    faults: list[SideFaultError] = field(default_factory=list)
    """Found while planning: what has any is no plan."""

    def plan(self, name: str, side: Side) -> SidePlan:
        python = side.python or (self.compare.revisions.python if side.revision else None)
        in_worktree = side.revision is not None
        return SidePlan(
            name=name,
            case=replace(
                self.case,
                side=name,
                candidate=self._tried(lambda: self._candidate(name, side)) or self.case.candidate,
                device=_device(side.device) or self.case.device,
                params=self._tried(lambda: self._params(name, side)) or {},
            ),
            given=_given(side),
            commit=self._tried(lambda: self._commit(name, side)),
            python=self._tried(lambda: self._python(name, python, in_worktree=in_worktree)),
            env=tuple(side.env.items()),
        )

    def _tried(self, look: Callable[[], T]) -> T | None:
        """A fault of one field keeps none of another from being told."""
        try:
            return look()
        except SideFaultError as fault:
            self.faults.append(fault)
            return None

    def _candidate(self, name: str, side: Side) -> Candidate:
        if side.model is None:
            return self.case.candidate
        try:
            found = find_models(side.model, self.registry, self.case.base_dir)
        except ModelbenchError as error:
            raise SideFaultError(name, "model", str(error)) from None
        if len(found) > 1:
            names = ", ".join(one.version for one in found)
            message = f"{side.model!r} stands for {len(found)} models ({names}): a side has one"
            raise SideFaultError(name, "model", message)
        return found[0]

    def _params(self, name: str, side: Side) -> Mapping[str, Any]:
        params = {**self.case.params, **side.params}
        model = RUNNERS.get(self.case.runner)().params_model
        if model is not None and side.params:
            for location, message in param_faults(model, params):
                name_of = ".".join(("params", *map(str, location)))
                self.faults.append(SideFaultError(name, name_of, message))
        return params

    def _commit(self, name: str, side: Side) -> str | None:
        if side.revision is None:
            return None
        try:
            return _commit_at(self.case.suite_file, side.revision)
        except ModelbenchError as error:
            raise SideFaultError(name, "revision", str(error)) from None

    def _python(self, name: str, python: str | None, *, in_worktree: bool) -> str | None:
        if python is None or in_worktree:  # made by the setup, which is yet to come
            return python
        try:
            return _interpreter_at(self.case.base_dir, python)
        except ModelbenchError as error:
            raise SideFaultError(name, "python", str(error)) from None


def check_here(side: Side, suite_file: Path) -> None:
    """Raises `ModelbenchError` for a revision or an interpreter that a suite would not find."""
    if side.revision is not None:
        _commit_at(suite_file, side.revision)
    elif side.python is not None:
        _interpreter_at(suite_file.parent, side.python)


def _interpreter_at(base_dir: Path, python: str) -> str:
    path = path_from(python, base_dir).absolute()
    found = str(path) if path.is_file() else shutil.which(python)
    if found is None or not shutil.which(found):
        raise ModelbenchError(f"{python!r}: there is no such interpreter ({path})")
    return found


def _commit_at(suite_file: Path, revision: str) -> str:
    repository, why_none = _repository(suite_file)
    if repository is None:
        raise ModelbenchError(f"{revision!r}: {why_none}")
    return _commit(repository, revision)


@lru_cache(maxsize=64)
def _repository(suite_file: Path) -> tuple[Path | None, str]:
    """Of the suite; of one that comes with this package, the one we are in. Else why there is
    none."""
    folder = Path.cwd() if suite_file in SHIPPED.values() else suite_file.parent
    try:
        return repository_of(folder), ""
    except ModelbenchError as error:
        return None, str(error)


@lru_cache(maxsize=64)
def _commit(repository: Path, revision: str) -> str:
    """Asked once a process: every case of a suite has the same."""
    return commit_of(repository, revision)


def forget_repositories() -> None:
    """A session that follows another one in the same process looks anew: there may be commits."""
    _repository.cache_clear()
    _commit.cache_clear()


def _device(name: str | None) -> str | None:
    return None if name is None else usual_device_name(name)


def _given(side: Side) -> dict[str, Any]:
    """What is said of the side, for people: of its environment the names alone."""
    given = side.model_dump(mode="json", exclude_unset=True)
    return given | ({"env": dict.fromkeys(side.env, HIDDEN)} if side.env else {})


def _label(baseline: Side, case: Case) -> str:
    """What the baseline is called in an id: by what it has of its own."""
    parts = [baseline.revision, baseline.model, _device(baseline.device)]
    parts += [_environment_name(Path(baseline.python)) if baseline.python else None]
    parts += [f"{name}={_in_id(name, value)}" for name, value in baseline.params.items()]
    text = without_credentials("-".join(part for part in parts if part)) or BASELINE
    return re.sub(r"[^\w.=+-]+", "-", text).strip("-")[:60] or BASELINE


def _environment_name(python: Path) -> str:
    """The directory of an environment says more than its interpreter's name, that of the system's
    says nothing.

    >>> _environment_name(Path("envs/new/bin/python")), _environment_name(Path("/usr/bin/python3"))
    ('new', 'python3')
    """
    prefix = python.parent.parent
    is_system = prefix in map(Path, ("/", "/usr", "/usr/local", "."))
    return python.name if is_system else prefix.name


def _in_id(name: str, value: Any) -> str:
    """A parameter's value where it is short, plain and no secret; else a digest of it."""
    is_plain = isinstance(value, int | float) or (
        isinstance(value, str) and _PLAIN_WORD.fullmatch(value)
    )
    if is_plain and not is_secret_name(name):
        return str(value)
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
