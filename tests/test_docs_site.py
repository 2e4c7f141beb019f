"""The site: its menu has every page, its workflows are whole, its tutorial does what it says."""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PARTS = ["Tutorial", "How-to guides", "Reference", "Explanation"]
BLOCK = re.compile(
    r"(?:^<!-- (?P<comment>[^\n]+) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)


def blocks(page: str) -> Iterator[re.Match[str]]:
    return BLOCK.finditer((DOCS / page).read_text(encoding="utf-8"))


def test_the_menu_has_every_page_once() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    menu = menu.partition("\n\n")[0]
    assert sorted(re.findall(r"^ +- [^#\n]*: ([\w-]+\.md)$", menu, re.M)) == sorted(
        page.name for page in DOCS.glob("*.md")
    )


def test_menu_and_index_have_the_same_parts() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    assert re.findall(r"^  - ([\w -]+):$", menu.partition("\n\n")[0], re.M) == PARTS
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", index, re.M) == PARTS


def test_links_that_leave_the_docs_lead_to_the_source_and_files_have_titles() -> None:
    hook = runpy.run_path(str(DOCS / "site_hooks.py"))["on_page_markdown"]
    page = SimpleNamespace(file=SimpleNamespace(src_uri="runners.md"), meta={})
    text = "[made](../benchmarks/README.md)\n\n<!-- file: one/conftest.py -->\n```python\nx\n```\n"
    assert hook(text, page=page, config={"extra": {"source": "https://host/"}}) == (
        '[made](https://host/benchmarks/README.md)\n\n```{ .python title="conftest.py" }\nx\n```\n'
    )
    assert page.meta == {}


@pytest.mark.parametrize("page", ["ci.md", "tutorial.md"])
def test_workflows_are_whole(page: str) -> None:
    yaml = pytest.importorskip("yaml")
    seen = 0
    for block in blocks(page):
        if block["language"] == "yaml":
            document = yaml.safe_load(block["text"])
            (_check_github if "jobs" in document else _check_gitlab)(document)
            seen += 1
    assert seen == {"ci.md": 4, "tutorial.md": 1}[page]


def _check_github(document: Any) -> None:
    assert document[True] == ["pull_request"]  # `on`, to YAML
    for job in document["jobs"].values():
        assert isinstance(job["runs-on"], str)
        assert job["timeout-minutes"] > 0
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            _check_command(step.get("run", ""))
        assert any("pytest --suite" in step.get("run", "") for step in job["steps"])


def _check_gitlab(document: Any) -> None:
    for job in document.values():
        assert job["image"] == "python:3.12"
        commands = [*job.get("before_script", []), *job["script"], *job.get("after_script", [])]
        for command in commands:
            _check_command(command)
        report = job["artifacts"]["reports"]["junit"]
        assert f"--junitxml={report}" in " ".join(commands)
        for file in job["artifacts"]["paths"]:
            assert f"={file}" in " ".join(commands)


def _check_command(command: str) -> None:
    """The shell can read it: what the CI system puts in is not looked at."""
    text = re.sub(r"\$\{\{.*?\}\}", "x", command)
    assert subprocess.run(["bash", "-n", "-c", text], capture_output=True).stderr == b""


@pytest.mark.slow
def test_what_the_tutorial_types_gives_what_it_shows(tmp_path: Path) -> None:
    # Looked for, not imported: pytester would drop it again, and it cannot be imported twice.
    if importlib.util.find_spec("openvino_genai") is None:
        pytest.skip("openvino-genai is not installed")
    script, shown = tutorial()
    typed = subprocess.run(
        ["bash", "-u", "-c", script],
        cwd=tmp_path,
        env=os.environ
        | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        | {"PYTEST_ADDOPTS": "-p no:benchmark -p no:cacheprovider"}
        | {
            f"GIT_{who}_{what}": "me"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    said = typed.stdout.split("@@@\n")[1:]
    assert len(said) == len(shown) == 5
    for one, lines in zip(said, shown, strict=True):
        there = iter([likeness(line) for line in one.splitlines()])
        for line in lines:  # in this order, with others between them
            assert likeness(line) in there, f"the tutorial shows {line!r}; it is\n{one}"


def tutorial() -> tuple[str, list[list[str]]]:
    """The tutorial as a script that sets its steps apart, and the lines shown after each."""
    script: list[str] = []
    shown: list[list[str]] = []
    for block in blocks("tutorial.md"):
        comment = block["comment"] or ""
        if comment.startswith("file: gate/"):
            name = comment.removeprefix("file: gate/")
            script.append(f"mkdir -p {Path(name).parent}; cat > {name} <<'@'\n{block['text']}@")
        elif block["language"] == "sh" and not comment:
            script.append(f"echo @@@\n{block['text']}")
        elif block["language"] == "text" and not comment:
            shown.append([line for line in block["text"].splitlines() if line not in ("", "...")])
    return "\n".join(script), shown


def likeness(line: str) -> list[str]:
    """What is the same in every run: the words, in whatever order, without figures and marks."""
    line = re.sub(r" \(\d+:\d\d:\d\d\)", "", line)  # pytest's, of what took more than a minute
    line = re.sub(r", \d+ warnings?(?= in \d)", "", line)  # noise can make a verdict inconclusive
    return sorted(re.sub(r"[-+]?\d[\d.]*", "0", re.sub(r"[*=!]|\s+$", " ", line)).split())
