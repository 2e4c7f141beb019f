"""A session that uses no suite pays next to nothing for the plugin."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

OURS = {
    "pytest_modelbench",
    "pytest_modelbench.plugin",
    "pytest_modelbench.hookspec",
}

REPORT_MODULES = """
import sys
def pytest_unconfigure(config):
    import json, pathlib
    pathlib.Path("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""


def modules_of_a_session(folder: Path, *arguments: str) -> set[str]:
    """What is imported by the end of a session with one trivial test."""
    import json

    (folder / "conftest.py").write_text(REPORT_MODULES)
    (folder / "test_trivial.py").write_text("def test_trivial():\n    pass\n")
    quiet = ["-q", "-p", "no:xdist", "-p", "no:benchmark", "-p", "no:timeout", "-p", "no:anyio"]
    command = [sys.executable, "-m", "pytest", *quiet, *arguments, "test_trivial.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(json.loads((folder / "modules.json").read_text()))


def test_only_the_entry_module_and_the_hooks_are_imported(tmp_path: Path) -> None:
    with_plugin = modules_of_a_session(tmp_path)
    without = modules_of_a_session(tmp_path, "-p", "no:modelbench")
    ours = {name for name in with_plugin if name.startswith("pytest_modelbench")}
    assert ours == OURS
    assert with_plugin - without <= ours, "a module of someone else's came with ours"


def test_importing_the_package_imports_nothing_else(tmp_path: Path) -> None:
    script = (
        "import sys, typing, __future__; before = set(sys.modules); import pytest_modelbench; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["pytest_modelbench"]


def test_every_public_name_is_there() -> None:
    import pytest_modelbench

    for name in dir(pytest_modelbench):
        assert getattr(pytest_modelbench, name) is not None


def test_the_types_and_the_names_agree() -> None:
    import pytest_modelbench

    stub = ast.parse(Path(pytest_modelbench.__file__).with_suffix(".pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    assert sorted(name.asname or "" for node in imports for name in node.names) == dir(
        pytest_modelbench
    )
