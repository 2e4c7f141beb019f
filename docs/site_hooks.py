"""What the site does beside MkDocs, so that the pages stay as a git view needs them."""

from __future__ import annotations

import re
from typing import Any

_LEAVES = re.compile(r"(\]\()\.\./")
_FILE = re.compile(r"^<!-- file: [^/\s]+/(\S+\.\S+) -->\n```(\w+)$", re.M)
HOME = "README.md"


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Links that leave the docs lead to the source, and files have their names above them."""
    if page.file.src_uri == HOME:  # its own tables are the menu
        page.meta["hide"] = ["navigation"]
    markdown = _LEAVES.sub(rf"\g<1>{config['extra']['source']}", markdown)
    return _FILE.sub(r'```{ .\2 title="\1" }', markdown)
