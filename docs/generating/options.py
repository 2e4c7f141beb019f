"""What the plugin adds to pytest: command-line options, ini options, the mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from generating import UnexplainedError
from generating.markdown import cell, choices, code, help_text, page, table

TYPES = {
    "args": "words, as on a command line",
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "linelist": "lines",
    "paths": "paths",
    "pathlist": "paths",
    "string": "text",
    None: "text",
}


class _Parser:
    """Stands in for pytest's parser, and keeps what the plugin adds to it."""

    def __init__(self) -> None:
        self.options: list[tuple[Sequence[str], dict[str, Any]]] = []
        self.settings: list[tuple[str, dict[str, Any]]] = []

    def getgroup(self, name: str, description: str = "", after: str | None = None) -> _Parser:
        return self

    def addoption(self, *names: str, **attributes: Any) -> None:
        self.options.append((names, attributes))

    def addini(
        self, name: str, help: str, type: str | None = None, default: Any = None, **_: Any
    ) -> None:
        self.settings.append((name, {"help": help, "type": type, "default": default}))


class _Config:
    """Stands in for pytest's configuration, and keeps the lines added to it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def addinivalue_line(self, name: str, line: str) -> None:
        self.lines.append((name, line))


def options_page() -> str:
    """The page of everything that can be said to pytest."""
    from pytest_modelbench import plugin

    parser = _Parser()
    plugin.pytest_addoption(parser, pytest.PytestPluginManager())  # type: ignore[arg-type]
    options = table(
        ["option", "default", "meaning"], [_option(*option) for option in parser.options]
    )
    settings = table(
        ["setting", "value", "default", "meaning"], [_setting(*one) for one in parser.settings]
    )
    return page(
        "pytest options and settings",
        "What the plugin adds to `pytest --help`. [Running a suite](suites.md#running-a-suite) "
        "shows them at work; pytest's own options (`-k`, `-m`, `-x`, `--lf`, `-n` of "
        "pytest-xdist) do with cases what they do with any test.",
        [
            "## Options",
            options,
            "## Settings",
            "In `pyproject.toml` under `[tool.pytest.ini_options]`, or in `pytest.ini`.",
            settings,
            *_mark_and_fixture(plugin),
        ],
    )


def _option(names: Sequence[str], given: dict[str, Any]) -> tuple[str, str, str]:
    if not given.get("help"):
        raise UnexplainedError(f"{names[0]} has no help: add one where it is declared")
    value = given.get("metavar", "")
    text = help_text(given["help"] % {"default": given.get("default")})  # as argparse does
    if given.get("choices") and not value:
        value = names[-1].rpartition("-")[2].upper()
        text = f"{choices(given['choices'])}: {text}"
    shown = ", ".join(code(f"{name}={value}" if value else name) for name in names)
    default = given.get("default")
    return shown, code(str(default)) if default else "", text


def _setting(name: str, given: dict[str, Any]) -> tuple[str, str, str, str]:
    default = given["default"]
    if isinstance(default, bool):
        default = str(default).lower()
    return (
        code(name),
        TYPES[given["type"]],
        code(str(default)) if default not in (None, [], "") else "",
        help_text(given["help"]),
    )


def _mark_and_fixture(plugin: Any) -> list[str]:
    """The mark and the fixture for benchmarks written in Python."""
    from pytest_modelbench.bench.arguments import mark_names

    return [
        "## Mark",
        f"`@pytest.mark.modelbench({', '.join(f'{name}=' for name in mark_names())})` says how a "
        "test with the fixture `modelbench` is parametrized, measured and judged: "
        f"{choices(mark_names(), 'and')}, each "
        "[explained with the fixture](python.md#models-and-devices).",
        "## Fixture",
        "`modelbench` " + cell(_of_fixture(plugin)),
    ]


def _of_fixture(plugin: Any) -> str:
    text = (plugin.modelbench.__doc__ or "").partition(";")[0].rstrip(".")
    return (
        f"{text[:1].lower()}{text[1:]}: [its methods](reference-python.md#the-fixture-modelbench), "
        "[a guide](python.md)."
    )
