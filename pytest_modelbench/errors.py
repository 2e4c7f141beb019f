"""What goes wrong, in words that say how to mend it."""

from __future__ import annotations

import traceback

from pytest_modelbench.redaction import without_credentials

LONGEST_TRACE = 20_000
"""Characters kept of a traceback, from its end."""


class ModelbenchError(Exception):
    """A fault a person can mend; its text names the place, the value and what would be right."""


class WrongUsage(ModelbenchError):  # noqa: N818 - it is a person's slip, not an error
    """An option or argument that makes no sense, or names what there is not: exit code 2."""


class Unavailable(ModelbenchError):  # noqa: N818 - it is a reason to skip, not an error
    """A device, driver, package or setting is absent: the case is skipped, with this reason."""


def missing_extra(module: str, extra: str) -> Unavailable:
    """The one wording for an absent optional package: the exact line that installs it.

    >>> str(missing_extra("soundfile", "audio"))
    'soundfile is not installed: pip install "pytest-modelbench[audio]"'
    """
    return Unavailable(f'{module} is not installed: pip install "pytest-modelbench[{extra}]"')


def as_text(error: BaseException | None) -> str | None:
    """The traceback of `error` as text that a file can hold; None for None."""
    if error is None:
        return None
    text = encodable("".join(traceback.format_exception(error)))
    return text if len(text) <= LONGEST_TRACE else "..." + text[-LONGEST_TRACE:]


def cut(text: str, limit: int) -> str:
    """`text`, or its beginning and dots where it is longer than `limit` characters.

    >>> cut("latency", 6)
    'lat...'
    """
    return text if len(text) <= limit else text[: limit - 3] + "..."


def encodable(text: str) -> str:
    """`text` fit for a file: no half characters, as of file names, and no credentials of URLs."""
    return without_credentials(text.encode("utf-8", "replace").decode())


def one_line(error: BaseException, limit: int = 400) -> str:
    """`error` as one line: its type, unless the text is ours, and its first words.

    >>> one_line(ValueError("two\\nlines"))
    'ValueError: two lines'
    """
    try:
        said = str(error)
    except Exception:  # of an error that cannot say what it is, its type is known at least
        said = ""
    text = " ".join(encodable(said).split())
    if not isinstance(error, ModelbenchError):
        name = type(error).__name__
        text = f"{name}: {text}" if text else name
    return cut(text, limit)
