"""`serve` in a benchmark's `params`: the server to start, and how one knows that it is ready."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.redaction import is_secret_name, without_credentials
from pytest_modelbench.strict import Text

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65_535)]
PORT = "{port}"

_OF_A_SHELL = {"&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_KEY_OPTION = re.compile(
    r"--?(?:[\w-]*(?:api[-_]?key|access[-_]?key|secret|password|passwd)"
    r"|(?:(?:hf|auth|access|bearer)[-_])?token)(?:=|$)",
    re.IGNORECASE,
)


class Ready(StrictModel):
    """The server is ready once this is answered."""

    url: Text = "/health"
    """Asked again and again by GET: a path of the server, or a whole address."""
    timeout_seconds: Seconds = 600.0
    """After so long without the right answer the server is ended, and the case is an error."""
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    """The status of the right answer; without it any from 200 to 299."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        url = given.get("url")
        if not isinstance(url, str):
            return
        if not url.startswith(("/", "http://", "https://")):
            yield f"url {url!r} should be a path such as '/health', or begin with http:// or https://"
        elif re.search(r"\s", url):
            yield f"url {url!r} should have no spaces"
        elif not url.startswith("/") and not _has_host(url):
            yield f"url {without_credentials(url)!r} has no host, or a port that is none"
        elif without_credentials(url) != url:
            yield "url should have no name or password in it"


class ServeSpec(StrictModel):
    """A server that is started for a benchmark, and ended with all that it started.

    `{port}`, `{model}` (its path or name) and `{python}` (this Python) are replaced in `command`,
    in the values of `env` and in `ready.url`.
    """

    command: str | list[str]
    """As on a command line, or word by word. No shell looks at it."""
    ready: Ready = Ready()
    env: dict[Text, str] = {}
    """Environment variables beside those of the session."""
    cwd: Text | None = None
    """The directory it is started in; without it the session's."""
    port: Port | None = None
    """Where it listens; without it a free port of this machine is taken, and named `{port}`."""
    stop_timeout_seconds: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """How long it has to end when asked to, before it is killed."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        words = _words_of(given.get("command"))
        if isinstance(words, str):
            yield words
        elif words is not None:
            yield from _faults_of(words)
            if given.get("port") is None and not _names_port(words, given):
                yield (
                    "'command' has no {port}: put it where the server is told its port, or give "
                    "the 'port' at which it listens by itself"
                )
        env = given.get("env")
        yield from _faults_of_env(env) if isinstance(env, Mapping) else ()

    @property
    def words(self) -> list[str]:
        """The command, word by word."""
        return shlex.split(self.command) if isinstance(self.command, str) else list(self.command)


def _words_of(command: Any) -> list[str] | str | None:
    """The words; a sentence where there are none to be had; None for what is no command at all."""
    if isinstance(command, list):
        if not all(isinstance(word, str) for word in command):
            return None
        return command if command and command[0].strip() else "'command' should name a program"
    if not isinstance(command, str):
        return None
    try:
        return shlex.split(command) or "'command' should name a program"
    except ValueError as error:
        return f"'command' cannot be split into words ({error}): give a list of words"


def _faults_of(words: list[str]) -> Iterator[str]:
    if any("\0" in word for word in words):
        yield "'command' has a NUL character in it"
    if _ASSIGNMENT.match(words[0]):
        name = words[0].partition("=")[0]
        yield f"'command' sets {name} as a shell would: put it into 'env'"
    for word in words:
        if word in _OF_A_SHELL and not _is_shell(words):
            yield (
                f"'command' has {word!r}, which only a shell understands: give the program alone, "
                'or ["sh", "-c", "exec ..."]'
            )
            break
    for word in words:
        if _KEY_OPTION.match(word):
            option = word.partition("=")[0]
            yield (
                f"'command' gives a key by {option}, where everybody sees it who lists processes: "
                "let the server take it from the environment the session is started in"
            )


def _is_shell(words: list[str]) -> bool:
    return len(words) > 1 and words[1] in ("-c", "-ec", "-lc", "-xc")


def _names_port(words: list[str], given: Mapping[str, Any]) -> bool:
    env = given.get("env")
    values = env.values() if isinstance(env, Mapping) else ()
    return any(PORT in text for text in (*words, *values) if isinstance(text, str))


def _faults_of_env(env: Mapping[Any, Any]) -> Iterator[str]:
    for name, value in env.items():
        if not isinstance(name, str) or not isinstance(value, str):
            continue
        if "=" in name or "\0" in name + value:
            yield f"env {name!r} has a character that no variable has"
        elif is_secret_name(name) and value:
            yield (
                f"env {name!r} has a key in the suite: set it in the environment the session is "
                "started in, which the server inherits"
            )
        elif without_credentials(value) != value:
            yield f"env {name!r} has a name or a password in its URL"


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url.replace(PORT, "1"))
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
