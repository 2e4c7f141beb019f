"""What goes wrong, in words that say how to mend it."""

from __future__ import annotations

import traceback


class ModelbenchError(Exception):
    """A fault a person can mend; its text names the place, the value and what would be right."""


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
    return None if error is None else encodable("".join(traceback.format_exception(error)))


def encodable(text: str) -> str:
    """`text` without half characters, which stand for what is not UTF-8 in a file name."""
    return text.encode("utf-8", "replace").decode()


def one_line(error: BaseException, limit: int = 400) -> str:
    """`error` as one line: its type, unless the text is ours, and its first words.

    >>> one_line(ValueError("two\\nlines"))
    'ValueError: two lines'
    """
    text = " ".join(encodable(str(error)).split())
    if not isinstance(error, ModelbenchError):
        name = type(error).__name__
        text = f"{name}: {text}" if text else name
    return text if len(text) <= limit else text[: limit - 3] + "..."
