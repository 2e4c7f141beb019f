"""The pytest plugin: options, and the rest only when a suite is asked for.

PYTEST_DONT_REWRITE (there is no assert here, and this module is imported by every session).
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:  # spelled out so that `typing` is not imported into every test session
    from collections.abc import Generator
    from pathlib import Path

    from pytest_modelbench.bench.bench import Bench
    from pytest_modelbench.collection import SuiteModule

DIFFERENCES = (
    "machine",
    "device",
    "precision",
    "dataset",
    "parameters",
    "measure",
    "runner",
    "packages",
    "python",
    "conditions",
    "all",
)
"""What may differ from a baseline: judge/stored/comparable.py has it, which imports too much."""

BEGIN_A_SESSION = (
    "suite",
    "suite_against",
    "suite_baseline",
    "suite_markdown",
    "suite_maxfail_ratio",
    "suite_output",
    "suite_output_dir",
    "suite_preflight",
    "suite_quick",
    "suite_report",
    "suite_resume",
    "suite_retry_failed",
    "suite_timeout",
)
"""Options that say there is something to measure, whatever the arguments are."""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    group = parser.getgroup("modelbench", "benchmarks of machine-learning models")
    _add_choice(group)
    _add_outputs(group)
    _add_ways(group)
    _add_gates(group)
    _add_course(group)
    group.addoption(
        "--suite-strict",
        action="store_true",
        help="a bound or a change that cannot be judged fails its case instead of warning",
    )
    _add_settings(parser)


def _add_choice(group: pytest.OptionGroup) -> None:
    """What is measured."""
    group.addoption(
        "--suite",
        action="append",
        default=[],
        metavar="SUITE",
        help="run this suite: a JSON file, or the name of one in suites/ or of this package "
        "(such as quickstart); may be given several times",
    )
    group.addoption(
        "--suite-registry", metavar="FILE", help="the registry of models, instead of the suite's"
    )
    group.addoption(
        "--suite-model",
        action="append",
        default=[],
        metavar="NAME",
        help="only models of this name, path or glob; may be given several times",
    )
    group.addoption(
        "--suite-device",
        action="append",
        default=[],
        metavar="DEVICE",
        help="run on this device instead of the suite's; 'auto' is every one present; may be "
        "given several times",
    )


def _add_outputs(group: pytest.OptionGroup) -> None:
    """What is written, and where."""
    group.addoption("--suite-output", metavar="FILE", help="write the run to this file, too")
    group.addoption(
        "--suite-output-dir",
        metavar="DIR",
        help="keep the run in a directory of its own in this one, not in the state directory",
    )
    group.addoption(
        "--suite-markdown",
        metavar="FILE",
        help="write verdicts and tables here, as Markdown for a pull-request comment",
    )
    group.addoption(
        "--suite-report",
        metavar="FILE",
        help="write the run as one HTML page here, with charts, that needs no network",
    )


def _add_ways(group: pytest.OptionGroup) -> None:
    """How cases are measured, if at all."""
    group.addoption(
        "--suite-dry-run",
        action="store_true",
        help="list every case and write a run in which all metrics are skipped; measure nothing",
    )
    group.addoption(
        "--suite-engine",
        choices=("isolated", "inline"),
        default="isolated",
        help="where cases are measured: isolated, each model in a process of its own (default), "
        "or inline, in this process, for debuggers and profilers",
    )


def _add_gates(group: pytest.OptionGroup) -> None:
    """What they are held against."""
    group.addoption(
        "--suite-against",
        metavar="SIDE",
        help="measure every case beside this baseline and judge the change: a git revision (main, "
        "merge-base:main), model:NAME, device:NAME or python:PATH",
    )
    group.addoption(
        "--suite-baseline",
        metavar="RUN",
        help="hold every case against this earlier run: last, branch:NAME, a run file, or the id "
        "of a run or its beginning",
    )
    group.addoption(
        "--suite-baseline-allow",
        action="append",
        default=[],
        choices=DIFFERENCES,
        metavar="KIND",
        help="judge although this differs from the baseline, "
        f"one of {', '.join(DIFFERENCES)}; may be given several times",
    )


def _add_course(group: pytest.OptionGroup) -> None:
    """Where the session begins, how far it goes, and when it ends."""
    group.addoption(
        "--suite-resume",
        metavar="RUN",
        help="go on where this session ended: what it measured well is not measured again (last, "
        "a run's directory or file, or the beginning of its id)",
    )
    group.addoption(
        "--suite-retry-failed",
        metavar="RUN",
        help="measure only the cases that went wrong in this session, and take over the others",
    )
    group.addoption(
        "--suite-quick",
        action="store_true",
        help="try everything out: at most 5 samples a dataset and a few calls; figures say "
        "nothing, and no bound is judged",
    )
    group.addoption(
        "--suite-preflight",
        action="store_true",
        help="only look whether all is there that the cases need, thoroughly, and say what the run "
        "will take; measure nothing",
    )
    group.addoption(
        "--suite-maxfail-ratio",
        metavar="SHARE",
        help="stop as soon as more than this share of all cases has failed (0.2 or 20%%)",
    )
    group.addoption(
        "--suite-timeout",
        metavar="TIME",
        help="end the session after so many seconds (or 90s, 30m, 2h), with the case that is "
        "under way then",
    )


def _add_settings(parser: pytest.Parser) -> None:
    """Of the ini file."""
    parser.addini(
        "modelbench_suites",
        type="args",
        default=[],
        help="globs of suite files to collect from directories, relative to the rootdir",
    )
    parser.addini(
        "modelbench_lock",
        default="host",
        help="what a timed call has to itself among parallel workers and sessions: host (default; "
        "accelerators have a lock of their own), device, or none",
    )
    parser.addini(
        "modelbench_step_summary",
        type="bool",
        default=True,
        help="whether a run is added as Markdown to the file that GITHUB_STEP_SUMMARY names (true)",
    )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    import pytest_modelbench.hookspec as hookspec

    pluginmanager.add_hookspecs(hookspec)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "modelbench(models=, devices=, registry=, measure=, criteria=): how a test with the "
        "modelbench fixture is parametrized, measured and judged",
    )
    option = config.option
    named = any(getattr(option, name) not in (None, False, []) for name in BEGIN_A_SESSION)
    named = named or any(".json" in argument for argument in config.args)
    if named or config.getini("modelbench_suites"):
        from pytest_modelbench.start import start

        start(config)
    elif getattr(option, "dist", "no") != "no" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_FirstResult(config), "modelbench-first-result")


class _FirstResult:
    """Under xdist it is a worker's first measured test that says there will be a run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "modelbench"):
            from pytest_modelbench.start import record_late

            record_late(self._config, report)


@pytest.fixture
def modelbench(request: pytest.FixtureRequest) -> Generator[Bench, None, None]:
    """Measures what a test gives it: `load`, `measure`, `metric`, `bound`; see docs/python.md."""
    from pytest_modelbench.bench.ordinary_tests import bench_of
    from pytest_modelbench.start import started

    yield from bench_of(request, started(request.config))


@pytest.hookimpl(trylast=True)  # what the user parametrizes is left alone
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "modelbench" in metafunc.fixturenames:
        from pytest_modelbench.bench.parametrize import parametrize

        parametrize(metafunc)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteModule | None:
    if file_path.suffix != ".json" or not parent.config.pluginmanager.has_plugin("modelbench-run"):
        return None
    from pytest_modelbench.collection import collect_suite

    return collect_suite(file_path, parent)
