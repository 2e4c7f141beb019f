"""What goes wrong, in words that say how to mend it."""

from __future__ import annotations


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


def one_line(error: BaseException, limit: int = 400) -> str:
    """`error` as one line: its type, unless the text is ours, and its first words.

    >>> one_line(ValueError("two\\nlines"))
    'ValueError: two lines'
    """
    # A file name that is not UTF-8 stands in a message as half characters, which no file can hold.
    text = " ".join(str(error).encode("utf-8", "replace").decode().split())
    if not isinstance(error, ModelbenchError):
        name = type(error).__name__
        text = f"{name}: {text}" if text else name
    return text if len(text) <= limit else text[: limit - 3] + "..."
