"""A suite file becomes pytest items: one generated function a benchmark, one item a case.

A `pytest.Module` whose module is generated keeps everything a pytest user expects of a test
module: fixtures and their overriding, `-k`, `-m`, node ids, `--lf`, reruns, timeouts, xdist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from warnings import warn_explicit

import pytest

from pytest_modelbench.beside.pytest_benchmark import counts_cases
from pytest_modelbench.case import Case
from pytest_modelbench.documents.problems import DocumentError
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.outcome import CaseFailed, ModelbenchWarning
from pytest_modelbench.plugin_objects import session_of
from pytest_modelbench.registry import Candidate
from pytest_modelbench.suite.find import SHIPPED

if TYPE_CHECKING:
    from pytest_modelbench.session import ModelbenchSession


def collect_suite(file: Path, parent: pytest.Collector) -> SuiteModule | None:
    """A collector for `file`, if it was named on the command line or matches the ini globs."""
    # Not `isinitpath`: a file under a directory that is named as well counts as named, too.
    named = file in modelbench_session(parent.config).named_files
    if not named and not matches_ini(file, parent.config):
        return None
    outside = {} if file.is_relative_to(parent.config.rootpath) else {"nodeid": _node_id(file)}
    module: SuiteModule = SuiteModule.from_parent(parent, path=file, **outside)
    return module


def _node_id(file: Path) -> Any:
    """For a file outside the rootdir, to which pytest would give an empty node id."""
    text = file.name if file in SHIPPED.values() else file.as_posix()
    try:
        from _pytest.nodes import NodeId  # type: ignore[attr-defined]  # since pytest 9.2
    except ImportError:
        return text
    return NodeId(path=text)


def matches_ini(file: Path, config: pytest.Config) -> bool:
    """Whether the ini option has `file` collected with the directory it lies in."""
    try:
        relative = file.relative_to(config.rootpath)
    except ValueError:
        return False
    globs = (PurePosixPath(one).parts for one in config.getini("modelbench_suites"))
    return any(_fits(relative.parts, glob) for glob in globs)


def _fits(names: Sequence[str], globs: Sequence[str]) -> bool:
    """Whether a whole path fits; `**` stands for any number of directories."""
    if not globs or not names:
        return not names and all(one == "**" for one in globs)
    if globs[0] == "**":
        return any(_fits(names[at:], globs[1:]) for at in range(len(names) + 1))
    return fnmatchcase(names[0], globs[0]) and _fits(names[1:], globs[1:])


def check_globs(config: pytest.Config) -> None:
    """Raises `ModelbenchError` for one in the ini option that could never fit."""
    for one in config.getini("modelbench_suites"):
        parts = PurePosixPath(one).parts
        if not parts or parts[0] in ("/", ".."):
            raise ModelbenchError(
                f"ini option modelbench_suites: {one!r} should be a glob relative to the rootdir, "
                "such as suites/*.json"
            )


class SuiteModule(pytest.Module):
    """A suite file as pytest sees it."""

    def _getobj(self) -> ModuleType:
        session = modelbench_session(self.config)
        try:
            loaded = session.load(self.path)
        except ModelbenchError as error:
            raise self.CollectError(_for_people(error)) from None
        module = ModuleType(f"modelbench_suite_{loaded.id}")
        module.__file__ = str(self.path)
        module.__doc__ = loaded.suite.description
        by_benchmark: dict[str, list[Case]] = {}
        for case in loaded.cases:
            by_benchmark.setdefault(case.benchmark_id, []).append(case)
        for name, cases in by_benchmark.items():
            setattr(module, name, self._function(name, module.__name__, cases))
        module.pytest_generate_tests = _generator(by_benchmark)  # type: ignore[attr-defined]
        return module

    def _function(self, name: str, module_name: str, cases: list[Case]) -> Callable[..., None]:
        def run_case(modelbench_run: Callable[[Case], None], modelbench_case: Case) -> None:
            modelbench_run(modelbench_case)

        run_case.__name__ = run_case.__qualname__ = name
        # pytest drops functions that seem imported, or whose name is no test's, without these.
        run_case.__module__ = module_name
        run_case.__test__ = True  # type: ignore[attr-defined]
        if counts_cases(self.config):
            run_case = pytest.mark.usefixtures("modelbench_beside_benchmark")(run_case)
        for mark in cases[0].marks:
            self._declare_mark(mark, cases[0].line)
            run_case = getattr(pytest.mark, mark)(run_case)
        return run_case

    def _declare_mark(self, mark: str, line: int) -> None:
        """Let a mark of the suite be used; warn, or fail if strict, as pytest does for unknown."""
        known = {text.split(":")[0].split("(")[0].strip() for text in self.config.getini("markers")}
        if mark in known:
            return
        message = f"{self.path}:{line}: mark {mark!r} is not registered (ini option 'markers')"
        if self.config.getoption("strict_markers", False) or _is_strict(self.config):
            raise self.CollectError(message)
        try:
            warn_explicit(pytest.PytestUnknownMarkWarning(message), None, str(self.path), line)
        except pytest.PytestUnknownMarkWarning:  # warnings are errors in this session
            raise self.CollectError(message) from None
        self.config.addinivalue_line("markers", f"{mark}: used by suite {self.path.name}")

    def _genfunctions(self, name: str, funcobj: Any) -> Iterator[CaseItem]:
        for item in super()._genfunctions(name, funcobj):
            # The same object with a class of ours: building each item a second time through
            # `from_parent` would double the cost of collection.
            item.__class__ = CaseItem
            yield item  # type: ignore[misc]


def _is_strict(config: pytest.Config) -> bool:
    try:
        return bool(config.getini("strict_markers") or config.getini("strict"))
    except (KeyError, ValueError):  # before pytest 9 these are no ini options
        return False


def _for_people(error: ModelbenchError) -> str:
    problems = error.problems if isinstance(error, DocumentError) else [error]
    count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
    return f"{count} in this suite:\n" + "\n".join(f"  {problem}" for problem in problems)


def _generator(by_benchmark: dict[str, list[Case]]) -> Callable[[pytest.Metafunc], None]:
    def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
        cases = by_benchmark[metafunc.definition.name]
        metafunc.parametrize(
            ("model", "device", "modelbench_case"),
            [(case.candidate, case.device, case) for case in cases],
            ids=[case.label for case in cases],
            indirect=True,
        )

    return pytest_generate_tests


class CaseItem(pytest.Function):
    """One case as a pytest item: it stands in its suite file and fails in one line."""

    @property
    def case(self) -> Case:
        return cast(Case, self.callspec.params["modelbench_case"])

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        if isinstance(excinfo.value, CaseFailed | ModelbenchWarning):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


def is_of_chosen_model(item: pytest.Item) -> bool:
    """Whether it is a case, or a test that its mark `modelbench` has parametrized by models."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and isinstance(callspec.params.get("model"), Candidate)


def grouped_by_model(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The same items, with cases that one loaded model can serve next to each other.

    A group stands where its first case stood; everything else keeps its place.
    """
    groups: dict[Any, list[pytest.Item]] = {}
    for item in items:
        key = (item.path, item.case.load_key) if isinstance(item, CaseItem) else item
        groups.setdefault(key, []).append(item)
    return [item for group in groups.values() for item in group]


def modelbench_session(config: pytest.Config) -> ModelbenchSession:
    session = session_of(config)
    assert session is not None  # which collects
    return session
