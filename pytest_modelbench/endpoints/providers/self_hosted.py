"""A server of one's own that is asked as OpenAI is: vLLM, `transformers serve`, Speaches, ..."""

from __future__ import annotations

from pytest_modelbench.endpoints.addresses import own_addresses
from pytest_modelbench.endpoints.keys import optional_key
from pytest_modelbench.endpoints.providers.openai_form import OpenAiForm


class SelfHosted(OpenAiForm):
    """`self_hosted/openai/whisper-tiny`: the model as the server calls it."""

    name = "self_hosted"
    key_names = ("MODELBENCH_API_KEY",)
    takes = OpenAiForm.takes | {"use_url"}  # as Groq has it; a server that has not will say so

    def _addresses(self) -> tuple[str, ...]:
        given, where = self._given_addresses()
        return own_addresses(given, self.path, where)

    def _key(self) -> str | None:
        return optional_key(self.key_names)
