"""The closer look: a process for each runner, which may import, ask devices and crash."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Iterator, Sequence

from pytest_modelbench.case import Case
from pytest_modelbench.execution.child_process import how_it_ended
from pytest_modelbench.execution.place import HERE, Extension
from pytest_modelbench.preflight.findings import Finding
from pytest_modelbench.preflight.subjects import Subject

PATIENCE_SECONDS = 300.0
"""For importing the largest libraries from the slowest disk, and asking all devices."""
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
"""A look asks nobody outside."""
Questions = Sequence[tuple[Case, bool]]
"""Cases, and whether their dataset is to be read."""


def look_closely(
    subjects: Sequence[Subject], readable: Sequence[bool], extensions: Sequence[Extension]
) -> Iterator[tuple[Finding, str]]:
    """What is found, and of which subject's item; `readable` says whose dataset can be read."""
    by_runner: dict[str, list[tuple[Subject, bool]]] = {}
    for subject, reads in zip(subjects, readable, strict=True):
        if subject.is_here:
            by_runner.setdefault(subject.case.runner, []).append((subject, reads))
    for runner, group in by_runner.items():
        distinct = {_key(subject, reads): (subject.case, reads) for subject, reads in group}
        answers = dict(zip(distinct, _ask(runner, [*distinct.values()], extensions), strict=True))
        for subject, reads in group:
            for finding in answers[_key(subject, reads)]:
                yield finding, subject.name


def _key(subject: Subject, reads: bool) -> tuple[str, ...]:
    """Equal for cases to which the answers are the same, whatever their model."""
    case = subject.case
    dataset = case.dataset.model_dump_json() if reads else ""
    return (case.device, repr(dict(case.params)), dataset, str(case.base_dir), repr(case.quality))


def _ask(runner: str, questions: Questions, extensions: Sequence[Extension]) -> list[list[Finding]]:
    """An answer for each question; where the process fails, that it did, for all of them."""
    request = {"extensions": list(extensions), "questions": list(questions)}
    command = [HERE.executable, "-P", "-m", f"{__package__}.child"]
    try:
        done = subprocess.run(
            command,
            input=pickle.dumps(request),
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            env={**HERE.environment(), **OFFLINE},
            check=False,
        )
        if done.returncode == 0:
            answers: list[list[str]] = json.loads(done.stdout)
            return [[Finding(text) for text in answer] for answer in answers]
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        words = f"; its last words: {last[0].strip()}" if last else ""
        what = f"the process that asked it {how_it_ended(done.returncode)}{words}"
    except subprocess.TimeoutExpired:
        what = f"the process that asked it was not done after {PATIENCE_SECONDS:g} s"
    except (OSError, ValueError) as error:
        what = f"no process could ask it ({error})"
    finding = Finding(f"runner {runner!r} could not be looked into: {what}")
    return [[finding] for _ in questions]
