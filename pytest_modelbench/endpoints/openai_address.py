"""Where servers of the OpenAI kind are asked, and with which key."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from pytest_modelbench.endpoints.addresses import full_address
from pytest_modelbench.endpoints.keys import key_from_environment, optional_key
from pytest_modelbench.errors import Unavailable

BASE_URL_VARIABLE = "OPENAI_BASE_URL"
KEY_VARIABLE = "OPENAI_API_KEY"
VERSION = "/v1"


def openai_addresses(given: Sequence[str], where: str, path: str) -> tuple[str, ...]:
    """Those `given`, else that of the environment, with `path` (`/chat/completions`) after each.

    An address without a path gets `/v1` as well; one with a path is taken to end in the API's
    version, as the official client takes it. Raises `Unavailable` where there is none, and
    `ModelbenchError` for what cannot be an address.
    """
    if not given:
        given, where = [os.environ.get(BASE_URL_VARIABLE, "").strip()], BASE_URL_VARIABLE
    if not given[0]:
        raise Unavailable(
            "no address to ask: give base_url in params, such as http://localhost:8000/v1, or set "
            f"{BASE_URL_VARIABLE}"
        )
    return tuple(dict.fromkeys(_address(text, path, where) for text in given))


def openai_key(key_env: str | None) -> str | None:
    """The key to send: of the variable `key_env`, which must then be set, else the usual one's.

    Raises `Unavailable` where `key_env` is not set, `ModelbenchError` for what is no key.
    """
    if key_env:
        return key_from_environment([key_env], "the endpoint, by params.key_env,")
    return optional_key([KEY_VARIABLE])


def _address(text: str, path: str, where: str) -> str:
    has_path = bool(urlsplit(full_address(text, "", where)).path.strip("/"))
    return full_address(text, path if has_path else VERSION + path, where)
