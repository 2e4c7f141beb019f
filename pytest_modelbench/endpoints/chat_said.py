"""What a model said, in whatever form it came."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_modelbench.endpoints.openai_json import optional_text, token_count

Api = Literal["chat", "completions"]
TEXT_FIELDS: Mapping[Api, str] = {"chat": "content", "completions": "text"}
REASONING = ("reasoning_content", "reasoning")
"""Servers call it either, or both at once with the same text."""


@dataclass(slots=True)
class Said:
    """One answer, in whatever form it came."""

    texts: list[str] = field(default_factory=list)
    reasonings: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    token_ns: array[int] = field(default_factory=lambda: array("q"))
    """When each chunk came that has text of any of these kinds."""
    usage: Any = None
    finish_reason: str | None = None
    model: str | None = None

    @property
    def text(self) -> str:
        """What was said; where the model refused, in which words."""
        return "".join(self.texts or self.refusals)

    @property
    def generated(self) -> str:
        """All that was generated, reasoning included."""
        return "".join((*self.reasonings, *self.texts, *self.refusals))

    @property
    def notes(self) -> dict[str, Any]:
        """What stands beside the answer in a file of predictions."""
        usage = self.usage if isinstance(self.usage, Mapping) else {}
        read, generated = (usage.get(f"{kind}_tokens_details") for kind in ("prompt", "completion"))
        found = {
            "finish_reason": self.finish_reason,
            "model": self.model,
            "refused": True if self.refusals else None,
            "cached_input_tokens": token_count(read, "cached_tokens"),
            "reasoning_tokens": token_count(generated, "reasoning_tokens"),
        }
        return {name: value for name, value in found.items() if value is not None}

    def add(self, part: Mapping[str, Any], text_field: str) -> bool:
        """Take over the texts of a message, or of a chunk of one; whether there is any."""
        has_text = False
        if text := optional_text(part, text_field):
            self.texts.append(text)
            has_text = True
        for name in REASONING:
            if name in part and (reasoning := optional_text(part, name)):
                self.reasonings.append(reasoning)
                has_text = True
                break
        if "refusal" in part and (refusal := optional_text(part, "refusal")):
            self.refusals.append(refusal)
            has_text = True
        return has_text
