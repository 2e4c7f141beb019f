"""Named extension points: runners, dataset sources and quality metrics, found lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from pytest_modelbench.errors import ModelbenchError

T = TypeVar("T")


def did_you_mean(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """A hint to append to a message, empty when nothing is near.

    >>> did_you_mean("whisper_asrr", ["embedding_text", "whisper_asr"])
    "; did you mean 'whisper_asr'?"
    """
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


class Registered(Generic[T]):
    """Things of one kind by name: the installed entry points of a group, plus those added here.

    An entry point is imported only when it is asked for, so listing names stays cheap.
    """

    def __init__(
        self, group: str, noun: str, *, folds_case: bool = False, is_called: bool = False
    ) -> None:
        self.group = group
        self.noun = noun
        self._is_called = is_called
        """Whether things are classes, of which each use makes an object."""
        self._folds_case = folds_case
        """Whether names in capitals are the same: suites write them in lower case."""
        self._added: dict[str, T] = {}
        self._loaded: dict[str, T] = {}
        self.missing: Sequence[str] = ()
        """In sentences, what should have added things here and could not."""

    @cached_property
    def _points(self) -> dict[str, EntryPoint]:
        # Reading the metadata of every installed package takes tens of milliseconds: do it once.
        return {self._key(point.name): point for point in entry_points(group=self.group)}

    def _key(self, name: str) -> str:
        return name.strip().lower() if self._folds_case else name

    def add(self, name: str, thing: T) -> None:
        """Register `thing`; a later one of the same name takes its place.

        Raises `ModelbenchError` for what can only be a slip.
        """
        if not isinstance(name, str):
            raise ModelbenchError(
                f"the name of a {self.noun} is {name!r}: it should be a text, and come first"
            )
        if self._is_called and not callable(thing):
            kind = type(thing).__name__
            raise ModelbenchError(
                f"{self.noun} {name!r} is added as an object of {kind}: add the class {kind} itself"
            )
        self._added[self._key(name)] = thing

    def forget_added(self, since: Mapping[str, T]) -> None:
        """Undo `add` back to what `added` was."""
        self._added = dict(since)

    @property
    def added(self) -> dict[str, T]:
        """What was added, by name."""
        return dict(self._added)

    def names(self) -> list[str]:
        """Every name that `get` accepts, sorted."""
        return sorted({*self._points, *self._added})

    def get(self, name: str) -> T:
        """The thing called `name`. Raises `ModelbenchError` naming what there is."""
        name = self._key(name)
        if name in self._added:
            return self._added[name]
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> T:
        if point := self._points.get(name):
            try:
                thing: T = point.load()
            except Exception as error:
                raise ModelbenchError(
                    f"{self.noun} {name!r} could not be imported from {point.value}: {error}"
                ) from error
            return thing
        known = self.names()
        raise ModelbenchError(
            f"{name!r} is not a {self.noun}{did_you_mean(name, known)} (known: {', '.join(known)})"
            + "".join(f"; {one}" for one in self.missing)
        )
