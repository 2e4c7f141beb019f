"""Both event loops, and certificates."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

Run = Callable[[Coroutine[Any, Any, Any]], Any]
SUBJECT = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
USE = "keyUsage=critical,digitalSignature,keyCertSign"
MAKE = ("req", "-x509", "-days", "2", "-addext", USE)
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine to its end, in each of the event loops that people have."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        bounded = asyncio.wait_for(coroutine, 60)
        if request.param == "asyncio":
            return asyncio.run(bounded)
        return uvloop.run(bounded)

    if request.param == "uvloop":
        uvloop = pytest.importorskip("uvloop")
    return run


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody has signed but itself, with its key (`key.pem`)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command, which makes certificates, is not there")
    folder = tmp_path_factory.mktemp("certificate")
    file = folder / "certificate.pem"
    made = subprocess.run(
        [openssl, *MAKE, *KEY, *SUBJECT, "-keyout", folder / "key.pem", "-out", file],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert made.returncode == 0, made.stderr
    return file


@pytest.fixture
def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


@pytest.fixture
def is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is one that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
