"""URLs that let whoever has them read a file for a while."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SIGNATURES = re.compile(
    r"(x-amz-.+|x-goog-.+|awsaccesskeyid|googleaccessid|key-pair-id|signature|policy|expires"
    r"|sig|s[evprkt]|sk[toevs]id|token|[\w-]*(?:key|token|signature))=.*",
    re.IGNORECASE | re.DOTALL,
)
"""What the stores of files call them, those of Amazon, Google and Microsoft among them."""


def without_signature(url: str) -> str:
    """`url` without what is another each time it is signed, and without a name and a password.

    >>> without_signature("https://host/a.wav?id=7&Expires=17&Signature=x~y")
    'https://host/a.wav?id=7'
    """
    parts = urlsplit(url)
    kept = [one for one in parts.query.split("&") if one and not _SIGNATURES.fullmatch(one)]
    where = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="&".join(kept))
    return where.geturl()
