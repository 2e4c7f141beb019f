"""Starts what a session with suites needs: its plugin objects, and where results arrive."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from pytest_modelbench.collection import check_globs
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.plugin_objects import RECORDER, SESSION, recorder_of, session_of
from pytest_modelbench.session import ModelbenchSession
from pytest_modelbench.suite.find import find_suite

if TYPE_CHECKING:
    from pytest_modelbench.recording.recorder import Recorder


def start(config: pytest.Config) -> ModelbenchSession:
    """Set up this session for suites: what to run, and the plugin objects that run it."""
    try:
        check_globs(config)
        _add_named_suites(config)
        _register_extensions(config)
        session = ModelbenchSession(config)
        session.check_against()
        session.find_baseline()
        session.find_earlier()
        if not hasattr(config, "workerinput"):
            start_recorder(config)
        else:
            import_module("pytest_modelbench.recording.own_part").end_with_controller(config)
        import_module("pytest_modelbench.session_limits").set_limits(config)
    except ModelbenchError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(session, SESSION)
    import_module("pytest_modelbench.preflight.in_session").register_preflight(session)
    # Not `from ... import`: that would find the module of an earlier session in this process,
    # where `pytester` has meanwhile removed and reloaded all others.
    fixtures = import_module("pytest_modelbench.fixtures")
    config.pluginmanager.register(fixtures, "modelbench-fixtures")
    reports = import_module("pytest_modelbench.recording.case_reports")
    config.pluginmanager.register(reports.CaseReports(session), "modelbench-cases")
    ordinary = import_module("pytest_modelbench.bench.ordinary_tests")
    config.pluginmanager.register(ordinary.OrdinaryTests(session), "modelbench-tests")
    return session


def started(config: pytest.Config) -> ModelbenchSession:
    """The session's plugin object, which a test may be the first to need."""
    return session_of(config) or start(config)


def start_recorder(config: pytest.Config) -> Recorder:
    """Where results arrive; in the controlling process only."""
    from pytest_modelbench.recording.recorder import Recorder

    recorder = Recorder(config)
    config.pluginmanager.register(recorder, RECORDER)
    recorder.catch_termination()
    return recorder


def record_late(config: pytest.Config, report: pytest.TestReport) -> None:
    """Start recording with `report`, if nobody does so yet."""
    if recorder_of(config) is None:
        start_recorder(config).pytest_runtest_logreport(report)


def _register_extensions(config: pytest.Config) -> None:
    """What conftests and plugins add, those found later too. Raises `ModelbenchError`.

    In the order in which they were found, as in processes that measure: pytest itself would begin
    with the last one, whose runners those of an outer conftest would then replace.
    """
    from pytest_modelbench.execution.registering import Unregistered
    from pytest_modelbench.extensions import Extensions

    extensions = Extensions()
    config.add_cleanup(extensions.keep())
    given = {"modelbench": extensions}
    found = config.hook.pytest_modelbench_register.get_hookimpls()
    for one in found:
        try:
            one.function(*(given[name] for name in one.argnames))
        except Exception as error:
            file = getattr(one.plugin, "__file__", None) or ""
            said = Unregistered(one.plugin_name, file, error).said(None)
            raise ModelbenchError(said) from error
    late = config.pluginmanager.subset_hook_caller(
        "pytest_modelbench_register", [one.plugin for one in found]
    )
    late.call_historic(kwargs=given)


def _add_named_suites(config: pytest.Config) -> None:
    """`--suite` alone runs just those suites; beside paths it adds to them."""
    folders = (config.invocation_params.dir, config.rootpath)
    files = [str(find_suite(name, folders)) for name in config.option.suite]
    if files and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = files
    else:
        config.args.extend(file for file in files if file not in config.args)
