"""Whether the Hugging Face hub answers, told quickly."""

from __future__ import annotations

import os
import ssl
import threading
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PATIENCE_SECONDS = 5.0


def hub_endpoint() -> str:
    """The hub's address, without a trailing slash; `HF_ENDPOINT` names a mirror."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def hub_answers(patience_seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether anything answers at the hub's address within `patience_seconds`.

    The hub's own clients retry for minutes when packets are dropped. `HF_HUB_OFFLINE` and
    `HF_DATASETS_OFFLINE` count as no answer.
    """
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        if os.environ.get(variable, "").strip().upper() in {"1", "ON", "YES", "TRUE"}:
            return False
    answers: list[bool] = []
    # In a thread, because name resolution takes no timeout.
    asking = threading.Thread(
        target=lambda: answers.append(_answers(hub_endpoint(), patience_seconds)), daemon=True
    )
    asking.start()
    asking.join(patience_seconds)
    return any(answers)


def _answers(endpoint: str, patience_seconds: float) -> bool:
    try:
        with urlopen(Request(endpoint, method="HEAD"), timeout=patience_seconds):
            return True
    except HTTPError:
        return True
    except URLError as error:
        # Our certificates are not the client's: it may yet succeed, or say what is wrong.
        return isinstance(error.reason, ssl.SSLError)
    except (OSError, ValueError):
        return False
