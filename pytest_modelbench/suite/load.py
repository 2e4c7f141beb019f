"""One suite file, read, checked and expanded in one go."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.documents.problems import DocumentError, Location, Problem
from pytest_modelbench.documents.read import JsonDocument, read_document
from pytest_modelbench.documents.validate import validate
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.paths import path_from
from pytest_modelbench.quick import quick_case
from pytest_modelbench.registry import Registry, load_registry
from pytest_modelbench.suite.criteria import criteria_faults
from pytest_modelbench.suite.document import Benchmark, Criterion, Suite
from pytest_modelbench.suite.expand import Expander
from pytest_modelbench.suite.salvage import salvage
from pytest_modelbench.suite.selection import Selection


@dataclass(frozen=True)
class LoadedSuite:
    """A suite without faults, and its cases in order."""

    id: str
    file: Path
    suite: Suite
    cases: list[Case]
    models_seen: frozenset[str]
    """Names of all models before `--suite-model` chose among them."""

    @cached_property
    def digest(self) -> str:
        """Of the suite file."""
        return hashlib.blake2b(self.file.read_bytes(), digest_size=16).hexdigest()


def load_suite(file: Path, selection: Selection) -> LoadedSuite:
    """Read, check and expand `file`. Raises `DocumentError` with every fault there is."""
    document = read_document(file)
    problems: list[Problem] = []
    try:
        suite = validate(document, Suite)
    except DocumentError as error:
        problems.extend(error.problems)
        suite = _usable_part(document)
    registry = _registry(document, suite, selection, problems)
    faulty = [one.location for one in problems]
    expander = Expander(document, suite, registry, selection, faulty)
    cases = expander.cases()
    if selection.quick:
        cases = [quick_case(case) for case in cases]
    found = [*expander.problems, *_further(document, suite, cases)]
    problems += [one for one in found if not _overlaps(one, problems)]
    if problems:
        raise DocumentError(dict.fromkeys(problems))
    return LoadedSuite(expander.suite_id, file, suite, cases, frozenset(expander.models_seen))


def _registry(
    document: JsonDocument, suite: Suite, selection: Selection, problems: list[Problem]
) -> Registry | None:
    if selection.registry is not None:
        return load_registry(selection.registry)
    if suite.registry is None:
        return None
    try:
        return load_registry(path_from(suite.registry, document.file.parent))
    except DocumentError as error:
        problems.append(document.problem(("registry",), f"{suite.registry!r} cannot be used"))
        problems.extend(error.problems)
    except ModelbenchError as error:
        problems.append(document.problem(("registry",), str(error)))
    return Registry(document.file, ())


def _usable_part(document: JsonDocument) -> Suite:
    """A suite of what is right in the document, each benchmark and criterion at its index."""
    value = document.value if isinstance(document.value, dict) else {}
    top = {key: one for key, one in value.items() if key not in ("benchmarks", "criteria")}
    # One certain benchmark lets the other fields be salvaged; it is replaced right away.
    whole = salvage(Suite, {**top, "benchmarks": [{"runner": "whisper_asr"}]})
    fields: dict[str, Any] = {} if whole is None else dict(whole)
    fields["benchmarks"] = _each(Benchmark, value.get("benchmarks"))
    fields["criteria"] = _each(Criterion, value.get("criteria"))
    return Suite.model_construct(**{**_defaults(), **fields})


def _defaults() -> dict[str, Any]:
    return {name: info.get_default() for name, info in Suite.model_fields.items()}


class _Faulty:
    """Stands where an entry was too faulty to use, so that the others keep their index."""


def _each(model: type[Benchmark] | type[Criterion], values: Any) -> list[Any]:
    return [salvage(model, one) or _Faulty() for one in values] if isinstance(values, list) else []


def _further(document: JsonDocument, suite: Suite, cases: list[Case]) -> Iterator[Problem]:
    """Faults between entries: repeated ids, and criteria about what is not there."""
    yield from _repeated(document, "benchmarks", suite.benchmark_id, suite.benchmarks)
    yield from _repeated(document, "criteria", suite.criterion_id, suite.criteria)
    criteria = {at: one for at, one in enumerate(suite.criteria) if isinstance(one, Criterion)}
    unknown = Benchmark.model_construct(runner="")
    benchmarks = [one if isinstance(one, Benchmark) else unknown for one in suite.benchmarks]
    if benchmarks:
        for location, message in criteria_faults(criteria, benchmarks):
            yield document.problem(location, message)
    for case_id, count in Counter(case.name for case in cases).items():
        if count > 1:
            yield document.problem(("benchmarks",), f"{count} cases would be called {case_id!r}")


def _repeated(document: JsonDocument, field: str, name_of: Any, entries: Any) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if isinstance(entry, _Faulty):
            continue
        name = name_of(index)
        if name in seen:
            message = f"{name!r} is already the id of {field}[{seen[name]}]: ids differ"
            yield document.problem((field, index, "id"), message)
        seen.setdefault(name, index)


def _overlaps(one: Problem, others: list[Problem]) -> bool:
    """Whether another fault stands at the same place, inside it or around it (but not at the top).

    What follows from a fault is no further fault.
    """
    return any(
        _within(one.location, other.location)
        or _within(other.location, one.location)
        # Which fields a dataset needs is not known before its source is.
        or other.location == (*one.location[:-1], "source")
        for other in others
        if other.file == one.file
    )


def _within(inner: Location, outer: Location) -> bool:
    # An entry's own sentence, such as a contradiction, does not hide faults of its fields.
    depth = 2 if outer[:1] in (("benchmarks",), ("criteria",)) else 0
    return len(outer) > depth and inner[: len(outer)] == outer
