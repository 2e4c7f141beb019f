"""What a server is started with: its program, its environment, its directory."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.execution.place import GIVEN_PYTHONPATH
from pytest_modelbench.paths import path_from
from pytest_modelbench.redaction import command_without_secrets
from pytest_modelbench.serving.spec import ServeSpec

_PLACE_HOLDER = re.compile(r"\{(port|model|python)\}")


def filled_in(text: str, port: int, model: str) -> str:
    """`text` with the place-holders that are ours; other braces are let be.

    >>> filled_in("--model={model} --json={} -p {port}", 8001, "tiny")
    '--model=tiny --json={} -p 8001'
    """
    values = {"port": str(port), "model": model, "python": sys.executable}
    return _PLACE_HOLDER.sub(lambda found: values[found[1]], text)


def environment_of(spec: ServeSpec, port: int, model: str) -> dict[str, str]:
    """The session's, and what the suite adds to it.

    A process that measures for a session has an import path of ours in its environment, which
    would be wrong in another Python's.
    """
    given = dict(os.environ)
    import_path = given.pop(GIVEN_PYTHONPATH, None)
    if import_path:
        given["PYTHONPATH"] = import_path
    elif import_path is not None:
        given.pop("PYTHONPATH", None)
    return given | {name: filled_in(value, port, model) for name, value in spec.env.items()}


def directory_of(spec: ServeSpec, base_dir: Path) -> str:
    """Raises `ModelbenchError` where there is none."""
    folder = path_from(spec.cwd, base_dir) if spec.cwd else base_dir
    if not folder.is_dir():
        raise ModelbenchError(f"serve.cwd {spec.cwd!r} is no directory in {base_dir}")
    return str(folder.absolute())


def words_of(spec: ServeSpec, port: int, model: str, search: str, folder: str) -> list[str]:
    """The command with the whole path of its program, which need not be in `search`, a PATH.

    What is installed beside this Python is found as well. Raises `Unavailable`.
    """
    program, *others = (filled_in(word, port, model) for word in spec.words)
    if os.path.dirname(program):  # noqa: PTH120 - "./serve" is another word than "serve"
        file = Path(folder, os.path.expanduser(program))  # noqa: PTH111 - raises on ~nobody
        if not os.access(file, os.X_OK) or file.is_dir():
            raise Unavailable(f"serve.command: {program!r} is no program that can be run")
        return [str(file), *others]
    beside = str(Path(sys.executable).parent)
    found = shutil.which(program, path=search) or shutil.which(program, path=beside)
    if found is None:
        raise Unavailable(
            f"serve.command: {program!r} is neither on the PATH nor beside {sys.executable}: "
            "install it, or give its whole path"
        )
    return [os.path.abspath(found), *others]  # noqa: PTH100 - a link's own name may matter


def recorded(spec: ServeSpec) -> Mapping[str, object]:
    """The server as it may stand in a run."""
    return {
        "command": [command_without_secrets(word) for word in spec.words],
        "env": dict(spec.env),
        "ready": spec.ready.url,
    }
