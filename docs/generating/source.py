"""What stands in the source and nowhere else: the texts under fields, and signatures as written."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

OURS = "pytest_modelbench"
LONGEST = 96
NEW_LINE = "\n"


class Field(NamedTuple):
    """A field in the body of a class."""

    name: str
    type: str
    default: str | None
    text: str


def written(node: ast.expr) -> str:
    """An expression as it is written here: with double quotes."""
    text = ast.unparse(node)
    return text if '"' in text else text.replace("'", '"')


def body_of(cls: type) -> ast.ClassDef:
    """The class as it is written."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(tree, ast.ClassDef)
    return tree


def own_fields(cls: type) -> Iterator[Field]:
    """Annotated names of the class's own body, each with the text under it."""
    statements = body_of(cls).body
    for index, one in enumerate(statements):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            default = None if one.value is None else written(one.value)
            yield Field(
                one.target.id, written(one.annotation), default, _text(statements[index + 1 :])
            )


def _text(after: list[ast.stmt]) -> str:
    if after and isinstance(after[0], ast.Expr) and isinstance(after[0].value, ast.Constant):
        value = after[0].value.value
        return " ".join(value.split()) if isinstance(value, str) else ""
    return ""


def texts_of_fields(cls: type) -> dict[str, str]:
    """Field name to the text under it, those of base classes included."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith(OURS):
            found |= {field.name: field.text for field in own_fields(base) if field.text}
    return found


def text_of_name(module: Any, name: str) -> str:
    """The text under an assignment of a module."""
    statements = ast.parse(inspect.getsource(module)).body
    index = next(index for index, one in enumerate(statements) if _assigns_to(one, name))
    below = statements[index + 1]
    assert isinstance(below, ast.Expr)
    assert isinstance(below.value, ast.Constant)
    return inspect.cleandoc(str(below.value.value))


def value_of_name(module: Any, name: str) -> str:
    """What a module assigns to a name, as written."""
    statements = ast.parse(inspect.getsource(module)).body
    return next(written(one.value) for one in statements if _assigns_to(one, name))


def _assigns_to(statement: ast.stmt, name: str) -> bool:
    target = getattr(statement, "target", None)
    return isinstance(target, ast.Name) and target.id == name


def signature(function: Callable[..., Any], *, is_method: bool = False) -> str:
    """A function's signature as it is written, but without `self`; on several lines if it is long.

    >>> signature(value_of_name)
    'value_of_name(module: Any, name: str) -> str'
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    parts = list(_arguments(tree.args))[1 if is_method else 0 :]
    returns = f" -> {written(tree.returns)}" if tree.returns else ""
    line = f"{tree.name}({', '.join(parts)}){returns}"
    if len(line) <= LONGEST or is_method:
        return line
    return f"{tree.name}(\n{''.join(f'    {part},{NEW_LINE}' for part in parts)}){returns}"


def _arguments(given: ast.arguments) -> Iterator[str]:
    positional = [*given.posonlyargs, *given.args]
    without = len(positional) - len(given.defaults)
    for one, default in zip(positional, [*[None] * without, *given.defaults], strict=True):
        yield _argument(one, default)
    if given.vararg:
        yield f"*{_argument(given.vararg, None)}"
    elif given.kwonlyargs:
        yield "*"
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _argument(one, default)
    if given.kwarg:
        yield f"**{_argument(given.kwarg, None)}"


def _argument(one: ast.arg, default: ast.expr | None) -> str:
    shown = f"{one.arg}: {written(one.annotation)}" if one.annotation else one.arg
    equals = " = " if one.annotation else "="
    return shown if default is None else f"{shown}{equals}{written(default)}"
