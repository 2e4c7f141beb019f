"""What the command line and the ini file say about a session."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.turns import LockMode, lock_mode_from
from pytest_modelbench.paths import folder_to_write, path_from
from pytest_modelbench.plugin_objects import CHECKER
from pytest_modelbench.redaction import command_without_secrets
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.suite.against import side_against
from pytest_modelbench.suite.selection import Selection


def selection_from(config: pytest.Config) -> Selection:
    """What the command line says about registry, models and devices."""
    option = config.option
    registry = None
    if option.suite_registry is not None:
        registry = path_from(option.suite_registry, config.invocation_params.dir)
        if not registry.is_file():
            raise ModelbenchError(f"--suite-registry {option.suite_registry!r}: no such file")
    against = None if option.suite_against is None else side_against(option.suite_against)
    models, devices = tuple(option.suite_model), tuple(option.suite_device)
    for one in devices:
        if not one.strip():
            raise ModelbenchError(
                f"--suite-device {one!r} names no device: give one, such as CPU, or leave it out"
            )
    is_check = config.pluginmanager.has_plugin(CHECKER)
    return Selection(registry, models, devices, against, option.suite_quick, is_check)


def lock_from(config: pytest.Config) -> LockMode:
    """The ini option `modelbench_lock`. Raises `ModelbenchError` for any other word."""
    given = config.getini("modelbench_lock")
    mode = lock_mode_from(given)
    if mode is None:
        raise ModelbenchError(
            f"ini option modelbench_lock is {given!r}: it should be host, device or none"
        )
    return mode


def named_file(config: pytest.Config, argument: str) -> Path:
    """The file of a node id, as pytest will spell it: absolute, links not followed."""
    path = config.invocation_params.dir / argument.partition("::")[0]
    return Path(os.path.abspath(path))  # noqa: PTH100


def extension_files(config: pytest.Config) -> list[tuple[str, str]]:
    """The modules that add runners and the like, for a process that has to do it again."""
    plugins: list[Any] = [
        one.plugin for one in config.hook.pytest_modelbench_register.get_hookimpls()
    ]
    return [
        (plugin.__name__, plugin.__file__)
        for plugin in plugins
        if getattr(plugin, "__file__", None)
    ]


OUTPUT_DIR = "--suite-output-dir"


def asked_store(config: pytest.Config) -> Path | None:
    """Where runs are to be kept, if the command line says it. Raises `ModelbenchError`."""
    return folder_to_write(OUTPUT_DIR, config.option.suite_output_dir, config.invocation_params.dir)


def store_of(config: pytest.Config) -> Path:
    """Where this session keeps its run, and looks for earlier ones. Raises `ModelbenchError`."""
    return asked_store(config) or runs_folder()


_OF_EARLIER = ("--suite-resume", "--suite-retry-failed")


def command_to_repeat(config: pytest.Config) -> str:
    """What makes such a session again, without secrets and without what was resumed or retried."""
    is_command = Path(sys.argv[0]).name in ("pytest", "py.test", "modelbench")
    program = ["pytest"] if is_command else ["python", "-m", "pytest"]
    words = without_resumed(map(str, config.invocation_params.args))
    return command_without_secrets(shlex.join([*program, *words]))


def without_resumed(words: Iterable[str]) -> list[str]:
    """A command without the options that name an earlier session."""
    kept: list[str] = []
    is_value = False
    for word in words:
        name, equals, _ = word.partition("=")
        is_ours = is_value or name in _OF_EARLIER
        is_value = not is_value and is_ours and not equals
        if not is_ours:
            kept.append(word)
    return kept


def command_line(config: pytest.Config) -> list[str]:
    """The command that started this session, as far as it is known."""
    name = Path(sys.argv[0]).name
    program = ["python", "-m", "pytest"] if name in ("__main__.py", "-c") else [name]
    return [*program, *map(str, config.invocation_params.args)]
