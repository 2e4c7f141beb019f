"""Small pieces shared by the strict documents: suites, registries and runs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def blank_is_unset(value: Any) -> Any:
    """An empty or blank string counts as not given, as suites in the wild use it."""
    return None if isinstance(value, str) and not value.strip() else value


def lower_case(value: Any) -> Any:
    """Strings in lower case; anything else is left for the schema to refuse."""
    return value.strip().lower() if isinstance(value, str) else value


OptionalText = Annotated[str | None, BeforeValidator(blank_is_unset)]
"""A text that may be absent, null or blank."""

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
"""A text that says something."""
