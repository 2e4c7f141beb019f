"""Writes the parts of the docs that come from code; `--check` only says which are stale."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from generating import UnexplainedError  # noqa: E402 - it lies beside this file
from generating.catalogue import with_catalogue  # noqa: E402
from generating.commands import commands_page  # noqa: E402
from generating.documents import run_page, suite_page, unneeded_meanings  # noqa: E402
from generating.extending import extending_page  # noqa: E402
from generating.options import options_page  # noqa: E402
from generating.python_api import python_page  # noqa: E402


def wanted_pages() -> dict[Path, str]:
    """Every page with something generated, as it should be."""
    metrics = DOCS / "metrics.md"
    pages = {
        metrics: with_catalogue(metrics.read_text(encoding="utf-8")),
        DOCS / "reference-options.md": options_page(),
        DOCS / "reference-command.md": commands_page(),
        DOCS / "reference-suite.md": suite_page(),
        DOCS / "reference-run.md": run_page(),
        DOCS / "reference-python.md": python_page(),
        DOCS / "reference-extending.md": extending_page(),
    }
    if unneeded := unneeded_meanings():
        raise UnexplainedError(
            f"docs/generating/meanings.py explains what the code explains or no longer has: "
            f"{', '.join(unneeded)}: take these lines away"
        )
    return pages


def main(arguments: list[str]) -> int:
    try:
        wanted = wanted_pages()
    except UnexplainedError as error:
        print(error, file=sys.stderr)
        return 1
    stale = [
        file
        for file, text in wanted.items()
        if not file.exists() or file.read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        for file in stale:
            print(f"docs/{file.name} is stale: run `python docs/generate.py`", file=sys.stderr)
        return int(bool(stale))
    for file in stale:
        file.write_text(wanted[file], encoding="utf-8")
        print(f"docs/{file.name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
