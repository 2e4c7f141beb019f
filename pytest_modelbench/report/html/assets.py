"""What a page is made of beside its figures: the template, the style, and the scripts."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

SCRIPTS = (
    "dom.js",
    "theme.js",
    "tables.js",
    "filter.js",
    "charts.js",
    "tradeoffs.js",
    "calls.js",
    "phases.js",
    "history.js",
    "changes.js",
    "start.js",
)
"""In this order they are put together; each sees what those before it define."""
LIBRARY = "vendor/chart.umd.min.js"
LICENCES = ("vendor/chart.js-LICENSE.txt", "vendor/kurkle-color-LICENSE.txt")
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.M)
_PLACE = re.compile(r"\{\{ (\w+) \}\}")


@cache
def asset(name: str) -> str:
    """A file of this package, its lines ended as a browser reads them."""
    place = files(__package__ or "").joinpath(*name.split("/"))
    return place.read_text(encoding="utf-8").replace("\r\n", "\n")


@cache
def library() -> str:
    """The plotting library, without the name of a file that is not in the page."""
    return _SOURCE_MAP.sub("", asset(LIBRARY)).strip()


def licences() -> str:
    """Of the library and of what it has built in: they go with every copy of it."""
    return "\n\n".join(asset(name).strip() for name in LICENCES)


@cache
def own_script() -> str:
    """Our scripts as one, which leaves no names behind."""
    parts = "\n".join(asset(f"scripts/{name}").strip() for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();'


@cache
def style() -> str:
    return asset("style.css").strip()


def content_policy() -> str:
    """What a browser may do with the page: run these scripts, use this style, and nothing else.

    The icon is part of the page, as a `data:` address.
    """
    scripts = " ".join(map(_hash_of, (library(), own_script())))
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash_of(style())}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash_of(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def filled(parts: Mapping[str, str]) -> str:
    """The template with each `{{ name }}` replaced, once: what is put in is not looked at again."""
    return _PLACE.sub(lambda place: parts[place[1]], asset("template.html"))
