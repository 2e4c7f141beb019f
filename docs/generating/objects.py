"""Classes and functions of Python as Markdown: signatures, fields and docstrings as written."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from generating.markdown import code, link, phrase, prose, table
from generating.source import OURS, own_fields, signature


def described(name: str, thing: Any, members: tuple[str, ...] | None = None) -> Iterator[str]:
    """A heading and what stands below it; `members` chooses among a class's methods."""
    yield f"### {name}"
    if inspect.isfunction(thing):
        yield python(f"def {signature(thing)}")
        yield prose(thing.__doc__)
        return
    yield python(_head(name, thing))
    yield prose(thing.__doc__)
    if issubclass(thing, Enum):
        yield table(["member", "value"], [(code(one.name), code(one.value)) for one in thing])
    elif issubclass(thing, BaseModel):
        yield f"Its fields are [those of the run file]({link('', name, 'reference-run.md')[3:-1]})."
    else:
        yield from _fields(thing)
    yield from methods(name, thing, members)


def python(text: str) -> str:
    """A block of Python."""
    return f"```python\n{text}\n```"


def _head(name: str, cls: type) -> str:
    """`class Name(Base)`, or how an instance is made, where that is all there is to it."""
    if issubclass(cls, Exception):
        return f"class {name}({cls.__bases__[0].__name__})"
    if hasattr(cls, "__dataclass_fields__"):
        given = ", ".join(
            f"{field.name}: {field.type}" + (f" = {field.default}" if field.default else "")
            for field in own_fields(cls)
        )
        return f"class {name}({given})"
    return f"class {name}"


def _fields(cls: type) -> Iterator[str]:
    rows = [
        (code(field.name), _type(field.type), code(field.default or ""), phrase(field.text))
        for field in own_fields(cls)
        if not field.name.startswith("_")
    ]
    if rows:
        yield table(["attribute", "type", "default", "meaning"], rows)


def _type(annotation: str) -> str:
    """An annotation for readers: without what only type checkers need, `or` for the bar."""
    if annotation.startswith("ClassVar["):
        annotation = annotation.removeprefix("ClassVar[").removesuffix("]")
    is_simple = not re.search(r"\[[^]]*\|", annotation)
    return " or ".join(map(code, annotation.split(" | "))) if is_simple else code(annotation)


def methods(name: str, cls: type, members: tuple[str, ...] | None = None) -> Iterator[str]:
    """The public methods and properties that the class itself defines, as a list."""
    lines = []
    for key, value in vars(cls).items():
        function = _function(value)
        is_inherited = any(hasattr(base, key) for base in cls.__bases__)
        is_wanted = key in members if members else not key.startswith("_")
        if function is None or is_inherited or not is_wanted:
            continue
        shown = signature(function, is_method=True)
        if isinstance(value, property | cached_property):
            shown = f"{key}: {shown.rpartition(' -> ')[2]}"
        elif isinstance(value, classmethod):
            shown = f"{name}.{shown}"
        lines.append(f"- `{shown}`" + _indented(function.__doc__))
    if lines:
        yield "\n\n".join(lines)


def _function(value: Any) -> Callable[..., Any] | None:
    """The function of ours behind a member of a class; None for anything else."""
    for key in ("fget", "func", "__func__"):
        value = getattr(value, key, value)
    is_ours = inspect.isfunction(value) and value.__module__.startswith(OURS)
    return value if is_ours else None


def _indented(docstring: str | None) -> str:
    paragraphs = prose(docstring).split("\n\n") if docstring else []
    return "".join(f"\n\n    {one}" for one in paragraphs)
