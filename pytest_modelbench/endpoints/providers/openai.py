"""OpenAI."""

from __future__ import annotations

from pytest_modelbench.endpoints.providers.openai_form import OpenAiForm


class OpenAi(OpenAiForm):
    """`openai/whisper-1`, `openai/gpt-4o-transcribe`."""

    name = "openai"
    key_names = ("OPENAI_API_KEY",)
    vendor_address = "https://api.openai.com"
