"""What can be told of a single case quickly, without a process, a device or the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, Unavailable, one_line
from pytest_modelbench.importable import is_importable
from pytest_modelbench.preflight.dataset_check import check_dataset
from pytest_modelbench.preflight.findings import Finding
from pytest_modelbench.preflight.subjects import Memo, Subject
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Foreseen, Runner

Check = Callable[[Subject, Runner, Memo], Iterator[Finding]]


def check_environment(subject: Subject, runner: Runner, memo: Memo) -> Iterator[Finding]:
    """The variables that `env` names."""
    for name in subject.case.env:
        if not (subject.env.get(name) or os.environ.get(name)):
            yield Finding(
                f"environment variable {name} is not set", "set it, or take it out of 'env'"
            )


def check_packages(subject: Subject, runner: Runner, memo: Memo) -> Iterator[Finding]:
    """What the runner imports."""
    if not subject.is_here:
        return
    for need in runner.requirements(subject.case.params):
        if not memo.once(("module", need.module), partial(is_importable, need.module)):
            other = f"; or {need.alternative}" if need.alternative else ""
            package = need.pip_name or need.module
            yield Finding(f"{package} is not installed", f"{need.install_line}{other}")


def check_model(subject: Subject, runner: Runner, memo: Memo) -> Iterator[Finding]:
    """The model's files, as far as a look at their names tells."""
    if not subject.is_here:
        return
    candidate = subject.case.candidate
    if candidate.is_local and not Path(candidate.model_path).exists():
        yield Finding(
            f"model path does not exist: {candidate.model_path}",
            "put the model there, or mend the path in the suite or the registry",
        )
        return
    if fault := memo.once(("files", candidate.model_path), lambda: _why_unusable(subject)):
        yield Finding(fault, "put the model there, or leave it out")
        return
    foreseen = foresee(subject, runner, memo)
    if foreseen.problem:
        yield Finding(foreseen.problem)
    if foreseen.note:
        yield Finding(foreseen.note, is_problem=False)


def foresee(subject: Subject, runner: Runner, memo: Memo) -> Foreseen:
    """What the runner can tell of the model; nothing where its class has no word for that."""
    case = subject.case
    ask = getattr(runner, "foresee", None)
    if ask is None:
        return Foreseen()
    # Its parameters by their text: they need not be hashable.
    key = ("foreseen", case.runner, case.candidate.model_path, repr(dict(case.params)))
    answer: Foreseen = memo.once(key, lambda: ask(case.candidate, case.params))
    return answer


def check_device(subject: Subject, runner: Runner, memo: Memo) -> Iterator[Finding]:
    """Only of runners that have no other devices than every runner has: the rest ask drivers."""
    kind = type(runner)
    is_plain = (
        getattr(kind, "devices", None) is Runner.devices
        and getattr(kind, "check_device", None) is Runner.check_device
    )
    if is_plain:
        try:
            runner.check_device(subject.case.device)
        except Unavailable as reason:
            yield Finding(str(reason))


def _why_unusable(subject: Subject) -> str | None:
    """A directory with nothing in it, or what may not be read."""
    candidate = subject.case.candidate
    path = Path(candidate.model_path)
    if not candidate.is_local:
        return None
    try:
        if path.is_dir() and not any(path.iterdir()):
            return f"model path is an empty directory: {path}"
        if path.is_file():
            with path.open("rb"):
                pass
    except OSError as error:
        return f"model path cannot be read ({error.strerror}): {path}"
    return None


CHECKS: tuple[Check, ...] = (
    check_environment,
    check_packages,
    check_model,
    check_device,
    check_dataset,
)


def findings_of_case(subject: Subject, memo: Memo) -> Iterator[Finding]:
    """All of it. What a runner of the user's own raises when it is asked is a finding, too."""
    try:
        runner = RUNNERS.get(subject.case.runner)()
    except ModelbenchError as error:
        yield Finding(str(error))
        return
    for check in CHECKS:
        try:
            yield from check(subject, runner, memo)
        except Exception as error:
            yield Finding(f"runner {subject.case.runner!r} could not say what it needs: "
                          f"{one_line(error)}")  # fmt: skip
