"""The generated reference: it is what the code says, and says when it is not."""

from __future__ import annotations

import argparse
import doctest
import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parent.parent / "docs"
MODULES = sorted(file.stem for file in (DOCS / "generating").glob("[!_]*.py"))


@pytest.fixture
def generating(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the generator, which is no package of the environment."""
    monkeypatch.syspath_prepend(str(DOCS))
    yield lambda name: importlib.import_module(f"generating.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "generating"]:
        del sys.modules[name]


def generate(docs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, docs / "generate.py", *arguments], capture_output=True, text=True
    )


def test_the_reference_is_what_the_code_says() -> None:
    made = generate(DOCS, "--check")
    assert (made.returncode, made.stderr) == (0, "")


@pytest.mark.slow
def test_a_stale_page_is_named_and_is_made_anew(tmp_path: Path) -> None:
    docs = Path(shutil.copytree(DOCS, tmp_path / "docs"))
    assert generate(docs).returncode == 0
    page = docs / "reference-suite.md"
    wanted = page.read_text(encoding="utf-8")
    page.write_text(wanted.replace("`criteria`", "`criterions`"), encoding="utf-8")
    made = generate(docs, "--check")
    assert made.returncode == 1
    assert made.stderr == "docs/reference-suite.md is stale: run `python docs/generate.py`\n"
    assert generate(docs).stdout == "docs/reference-suite.md written\n"
    assert page.read_text(encoding="utf-8") == wanted


def test_an_option_that_nothing_explains_is_refused(
    generating: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_modelbench import plugin

    def added(parser: Any, pluginmanager: Any) -> None:
        parser.getgroup("modelbench").addoption("--suite-bare", action="store_true")

    monkeypatch.setattr(plugin, "pytest_addoption", added)
    with pytest.raises(generating("options").UnexplainedError, match="--suite-bare has no help"):
        generating("options").options_page()


def test_a_new_option_is_shown_with_its_value_default_and_choices(
    generating: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_modelbench import plugin

    def added(parser: Any, pluginmanager: Any) -> None:
        parser.getgroup("modelbench").addoption(
            "--suite-colour", choices=("red", "blue"), default="red", help="of all tables"
        )
        parser.addini("modelbench_colour", type="bool", default=False, help="whether there is any")

    monkeypatch.setattr(plugin, "pytest_addoption", added)
    page = generating("options").options_page()
    assert "| `--suite-colour=COLOUR` | `red` | `red` or `blue`: of all tables |" in page
    assert "| `modelbench_colour` | true or false | `false` | whether there is any |" in page


def test_sub_commands_of_sub_commands_have_their_own_tables(
    generating: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_modelbench import cli

    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    runs = commands.add_parser("runs", help="what there is").add_subparsers()
    prune = runs.add_parser("prune", help="take some away")
    prune.add_argument("name", nargs="*", help="which")
    prune.add_argument(
        "--keep", type=int, default=3, metavar="N", help="but the newest %(default)s"
    )
    monkeypatch.setattr(cli, "_parser", lambda: parser)
    page = generating("commands").commands_page()
    assert "## modelbench runs\n\nWhat there is.\n" in page
    assert "```sh\nmodelbench runs prune [OPTIONS] [NAME...]\n```" in page
    assert "| `--keep N` | `3` | but the newest 3 |" in page


def test_every_published_object_has_a_table_of_its_fields(generating: Any) -> None:
    from pytest_modelbench.schemas import json_schema

    documents = generating("documents")
    for page, kind in ((documents.suite_page(), "suite"), (documents.run_page(), "run")):
        for name, node in json_schema(kind)["$defs"].items():
            for field in node.get("properties", {}):
                section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
                assert f"| `{field}` | " in section


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_generator_are_right(generating: Any, name: str) -> None:
    assert doctest.testmod(generating(name)).failed == 0
