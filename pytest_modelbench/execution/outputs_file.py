"""The answers of a case in a file, for another process to compare number by number.

A NumPy archive without pickle. Answers are taken apart: numbers go into one long series for each
type, texts into a list, and what is left of an answer is its form, which most answers share.
"""

from __future__ import annotations

import json
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modelbench.errors import ModelbenchError, one_line
from pytest_modelbench.execution.content import as_array, plain_repr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_BYTES = 2_000_000_000
_FAILED = -1
_NUMBERS = frozenset("biufc")
_DOCUMENT, _FORM_OF = "document", "form_of"


class OutputsFileError(ModelbenchError):
    """Why the answers of a side cannot be had."""


def write_outputs(file: Path, values: Sequence[Any]) -> None:
    """Leave `values` in `file`, None for a sample that failed. What prevents that stands there."""
    try:
        members = _Writer().members(values)
    except Exception as error:
        members = _Writer().faulty(one_line(error))
    with suppress(OSError):  # who reads it says that it is not there
        _save(file, members)


def read_outputs(file: Path) -> list[Any]:
    """What was answered: arrays, texts, None, and lists and dictionaries of those.

    Raises `OutputsFileError`.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(one.file_size for one in archive.infolist())
        if size > LARGEST_BYTES:
            raise OutputsFileError(_too_large(size))
        return _read(file)
    except FileNotFoundError:
        raise OutputsFileError(f"{file}: the measuring process left no answers there") from None
    except OutputsFileError as fault:
        raise OutputsFileError(f"{file}: {fault}") from None
    except (
        *(OSError, EOFError, MemoryError, RecursionError, zipfile.BadZipFile, zlib.error),
        *(struct.error, ValueError, TypeError, KeyError, IndexError, AttributeError),
    ) as error:
        cause = one_line(error)
        raise OutputsFileError(f"{file}: does not hold answers of a case ({cause})") from None


def _too_large(size: int) -> str:
    return (
        f"the answers take {size / 1e9:.1f} GB, and at most {LARGEST_BYTES / 1e9:g} GB are "
        "compared: 'max_samples' of the dataset makes them fewer"
    )


def _save(file: Path, members: Mapping[str, NDArray[Any]]) -> None:
    import numpy as np

    with file.open("wb") as opened:
        np.savez(opened, **members)  # type: ignore[arg-type] # of numbers, without any object


class _Writer:
    def __init__(self) -> None:
        self._texts: list[str] = []
        self._series: dict[str, list[NDArray[Any]]] = {}
        self._bytes = 0

    def members(self, values: Sequence[Any]) -> dict[str, NDArray[Any]]:
        import numpy as np

        forms: dict[str, int] = {}
        form_of = np.full(len(values), _FAILED, dtype=np.int32)
        for place, value in enumerate(values):
            if value is not None:
                form = json.dumps(self._form(value))
                form_of[place] = forms.setdefault(form, len(forms))
        document = {"forms": [json.loads(form) for form in forms], "texts": self._texts}
        series = {name: np.concatenate(parts) for name, parts in self._series.items()}
        return {_DOCUMENT: _encoded(document), _FORM_OF: form_of, **series}

    def faulty(self, fault: str) -> dict[str, NDArray[Any]]:
        return {_DOCUMENT: _encoded({"fault": fault})}

    def _form(self, value: Any) -> Any:
        numbers = as_numbers(value)
        if numbers is not None:
            return self._add_numbers(numbers)
        if isinstance(value, Mapping):
            return {"keys": [str(key) for key in value], "of": [*map(self._form, value.values())]}
        if isinstance(value, list | tuple):
            return {"of": [*map(self._form, value)]}
        array = as_array(value)
        if array is not None:
            return {"of": [*map(self._form, array.ravel().tolist())]}
        if value is None:
            return None
        self._texts.append(value if isinstance(value, str) else plain_repr(value))
        self._grow(len(self._texts[-1]))
        return "text"

    def _add_numbers(self, numbers: NDArray[Any]) -> Any:
        numbers = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
        self._grow(numbers.nbytes)
        self._series.setdefault(numbers.dtype.str, []).append(numbers.ravel())
        return [numbers.dtype.str, list(numbers.shape)]

    def _grow(self, count: int) -> None:
        self._bytes += count
        if self._bytes > LARGEST_BYTES:
            raise OutputsFileError(_too_large(self._bytes))


def as_numbers(value: Any) -> NDArray[Any] | None:
    """A number, an array of them, or lists of them of equal lengths, as an array; else None."""
    import numpy as np

    if isinstance(value, list | tuple):
        return _list_as_numbers(value)
    array = np.asarray(value) if isinstance(value, int | float | complex) else as_array(value)
    if array is not None and array.dtype.name == "bfloat16":  # of a library beside NumPy
        return array.astype(np.float32)
    if array is not None and array.dtype.itemsize > 8 and array.dtype.kind == "f":
        return array.astype(np.float64)  # a long double is another type on another machine
    return array if array is not None and array.dtype.kind in _NUMBERS else None


def _list_as_numbers(values: Sequence[Any]) -> NDArray[Any] | None:
    import numpy as np

    if values and all(issubclass(kind, int | float | complex) for kind in set(map(type, values))):
        array = np.asarray(values)
        return array if array.dtype.kind in _NUMBERS else None
    parts = [as_numbers(one) for one in values]
    known = [one for one in parts if one is not None]
    if not known or len(known) < len(parts) or len({one.shape for one in known}) > 1:
        return None
    return np.stack(known)


def _encoded(document: Any) -> NDArray[np.uint8]:
    import numpy as np

    return np.frombuffer(json.dumps(document).encode("ascii"), dtype=np.uint8)


def _read(file: Path) -> list[Any]:
    import numpy as np

    with np.load(file, allow_pickle=False) as archive:
        members = {name: archive[name] for name in archive.files}
    document = json.loads(members.pop(_DOCUMENT).tobytes())
    if "fault" in document:
        raise OutputsFileError(str(document["fault"]))
    form_of = members.pop(_FORM_OF).tolist()
    reader = _Reader(members, document["texts"])
    forms = document["forms"]
    values = [None if one == _FAILED else reader.value(forms[one]) for one in form_of]
    reader.end()
    return values


class _Reader:
    def __init__(self, series: Mapping[str, NDArray[Any]], texts: Sequence[str]) -> None:
        self._series = series
        self._taken = dict.fromkeys(series, 0)
        self._texts: Iterator[str] = iter(texts)

    def value(self, form: Any) -> Any:
        if form is None:
            return None
        if form == "text":
            return _text(next(self._texts, None))
        if isinstance(form, list):
            return self._numbers(*form)
        parts = [self.value(one) for one in form["of"]]
        return dict(zip(form["keys"], parts, strict=True)) if "keys" in form else parts

    def _numbers(self, kind: str, shape: list[int]) -> NDArray[Any]:
        start, count = self._taken[kind], math.prod(shape)
        self._taken[kind] += count
        return self._series[kind][start : start + count].reshape(shape)

    def end(self) -> None:
        left = [kind for kind, taken in self._taken.items() if taken != len(self._series[kind])]
        if left or next(self._texts, None) is not None:
            raise ValueError("there is more than its forms need")


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise ValueError("a text is missing")
    return found
