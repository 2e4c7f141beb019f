"""What `--suite-against` says, as a side of a comparison."""

from __future__ import annotations

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.suite.compare import Side

_KINDS = ("model", "device", "python")


def side_against(text: str) -> Side:
    """`model:NAME`, `device:NAME`, `python:PATH`; anything else is a git revision.

    Raises `ModelbenchError` for a kind without a name.

    >>> side_against("device:GPU").device, side_against("merge-base:main").revision
    ('GPU', 'merge-base:main')
    """
    kind, colon, rest = text.partition(":")
    if not text.strip() or (colon and not rest.strip()):
        raise ModelbenchError(
            f"--suite-against {text!r} should be a git revision (main, HEAD~1, merge-base:main), "
            "model:NAME, device:NAME or python:PATH"
        )
    if colon and kind in _KINDS:
        return Side.model_validate({kind: rest.strip()})
    return Side(revision=text.strip())
