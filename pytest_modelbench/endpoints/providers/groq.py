"""Groq: as OpenAI, and it fetches sound by itself."""

from __future__ import annotations

from pytest_modelbench.endpoints.providers.openai_form import OpenAiForm


class Groq(OpenAiForm):
    """`groq/whisper-large-v3-turbo`."""

    name = "groq"
    key_names = ("GROQ_API_KEY",)
    vendor_address = "https://api.groq.com/openai"
    takes = OpenAiForm.takes | {"use_url"}
