"""What a runner is: how one kind of model is loaded and called.

Subclass `Runner` and `Session` (both have working defaults), or write classes of the same shape.
The order of calls is: `Runner.fetch` and `Runner.load` once; for every sample `Session.prepare`,
for every batch of them `Session.prepare_batch` (untimed); `Session.predict` on a batch (timed, and
nothing else is; `Session.start` where several calls may be under way at once); `Session.finish`
(untimed); `Session.summarize` once; `Session.close`.

`finish` is called when many calls have been timed: answers must stay as they are until then. One
session may serve several cases: keep nothing in it from sample to sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_modelbench.errors import Unavailable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pytest_modelbench.datasets.samples import Sample
    from pytest_modelbench.datasets.spec import InputKind
    from pytest_modelbench.measure.in_flight import Done
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.results.metric import Metric


@dataclass(frozen=True, slots=True)
class Requirement:
    """A module a runner imports and the extra of this package (or the pip name) that brings it."""

    module: str
    extra: str | None = None
    """An extra of pytest-modelbench; None when `pip_name` says what to install."""
    pip_name: str | None = None
    alternative: str = ""
    """What else would do, such as another parameter; told when the module is absent."""

    @property
    def install_line(self) -> str:
        """The exact command that brings the module.

        >>> Requirement("openvino", extra="openvino").install_line
        'pip install "pytest-modelbench[openvino]"'
        """
        if self.extra:
            return f'pip install "pytest-modelbench[{self.extra}]"'
        return f"pip install {self.pip_name or self.module}"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What can be told of a model before anything is loaded."""

    problem: str = ""
    """Why it cannot be measured, and what would be right; empty when nothing is known."""
    note: str = ""
    """What will be done first, such as a download."""
    writes_bytes: int = 0
    """Roughly what `Runner.fetch` will write to the user's cache."""


@dataclass(slots=True)  # not frozen, which would triple the cost of making one
class Prediction:
    """A model's answer to one sample, ready to be scored."""

    value: Any
    """What quality metrics compare with the sample's reference."""
    tokens: int | None = None
    """Tokens the model generated (or read, for an encoder), by its own tokenizer."""


class Session:
    """A loaded model on a device."""

    batch_size: int = 1
    """How many prepared samples one call is given, at most."""
    max_in_flight: int = 1
    """How many calls may be under way at once; above 1, `start` is called instead of `predict`."""
    prepared_bytes: int | None = None
    """Roughly what one prepared sample holds until it is finished, where that may be more than the
    sample itself: a long dataset is then prepared in smaller portions."""
    compile_seconds: float | None = None
    """The part of loading in which the model was compiled for its device; None where the library
    does not let it be told apart."""
    properties: Mapping[str, Any] = {}
    """What could change the result: effective precision, threads, device properties. JSON only."""
    timed: str = "Session.predict"
    """In a few words, what one timed call covers."""

    def prepare(self, sample: Sample) -> Any:
        """Turn a sample into what `predict` takes. Untimed."""
        return sample.input

    def prepare_batch(self, prepared: Sequence[Any]) -> Sequence[Any]:
        """Turn the prepared samples of one call into the batch it gets, of as many. Untimed."""
        return prepared

    def predict(self, batch: Sequence[Any]) -> Sequence[Any]:
        """Answer each of `batch`, in order. The only timed call; must return when work is done.

        Answers must stay valid until `finish`, which comes after the timing: of an output buffer
        that the next call writes to, give a copy.
        """
        raise NotImplementedError

    def start(self, batch: Sequence[Any], done: Done) -> None:
        """Begin a call and return; `done` is given its answers, or what it raised, once.

        At most `max_in_flight` calls are under way, which may be of one batch. A call is timed from
        here until `done`, which may be called from any thread; or until the `perf_counter_ns` that
        `done` is given as well, where the call is known to have ended before. Answers must stay
        valid until `finish`, as those of `predict`.
        """
        raise NotImplementedError

    def wait(self) -> bool:
        """Return when a call under way is answered, having given `done` its answer; then True.

        For a library that can be waited for: the thread that begins calls then does so, which
        saves handing each answer from one thread to another. False when other threads call `done`.
        """
        return False

    def finish(self, sample: Sample, answer: Any) -> Prediction:
        """Turn an answer of `predict` into what is scored. Untimed."""
        return Prediction(answer)

    def summarize(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction | None]
    ) -> Mapping[str, Metric]:
        """The runner's own metrics over all samples; None stands for a sample that failed.

        Compute them from what is given: the session may have served other cases before.
        """
        return {}

    def close(self) -> None:
        """Give the device back."""


_DEFAULTS = Session()


def part_of(session: Any, name: str) -> Any:
    """What `session` has under `name`; the default where a class that is no `Session` lacks it."""
    return getattr(session, name, getattr(_DEFAULTS, name))


def input_kind_of(runner: Any, params: Mapping[str, Any]) -> InputKind:
    """How `runner` wants its input; of a class that is no `Runner`, as its `input_kind` says."""
    ask = getattr(runner, "input_kind_of", None)
    kind: InputKind = runner.input_kind if ask is None else ask(params)
    return kind


class Runner:
    """A kind of model. Stateless: all state is in the sessions it loads."""

    name: ClassVar[str] = ""
    """The name suites use."""
    version: ClassVar[str] = "1"
    """Changes when the same case could give another result; part of a case's fingerprint."""
    input_kind: ClassVar[InputKind] = "any"
    """`audio`: decoded sound; `audio_url`: where it is; `text`: a string, or a pair; `any`: the
    column as it is."""
    metrics: ClassVar[tuple[str, ...]] = ()
    """Names `Session.summarize` yields, so that a suite's criteria can be checked beforehand."""
    quality: ClassVar[tuple[str, ...]] = ()
    """Quality metrics computed when the dataset has references."""
    params_model: ClassVar[type[BaseModel] | None] = None
    """Checks `params` at collection; None accepts anything."""

    def suited_to(self, params: Mapping[str, Any]) -> Runner:
        """The runner to ask instead, where what is said of a class depends on `params`.

        They need not be valid.
        """
        return self

    def input_kind_of(self, params: Mapping[str, Any]) -> InputKind:
        """How it wants its input with these parameters: `input_kind`, unless they say otherwise."""
        return self.input_kind

    def requirements(self, params: Mapping[str, Any]) -> Sequence[Requirement]:
        """What must be importable before `load`; missing ones skip the case."""
        return ()

    def quality_options(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keyword arguments for quality metrics that take them, such as `normalizer`."""
        return {}

    def devices(self) -> Sequence[str]:
        """The devices of this kind present on this machine. Raises `Unavailable` if unknowable."""
        return ("CPU",)

    def check_device(self, device: str) -> None:
        """Raises `Unavailable`, naming what is present, when `device` cannot be measured here."""
        present = self.devices()
        if device not in present:
            raise Unavailable(f"device {device!r} is not present; present: {', '.join(present)}")

    def foresee(self, candidate: Candidate, params: Mapping[str, Any]) -> Foreseen:
        """Look at the model's files before a session measures anything.

        Quickly, in the session's own process: nothing heavy may be imported, no network asked, no
        device touched.
        """
        return Foreseen()

    def fetch(self, candidate: Candidate, params: Mapping[str, Any]) -> None:
        """Import libraries and bring files into place. Untimed; must touch no device."""

    def load(self, candidate: Candidate, device: str, params: Mapping[str, Any]) -> Session:
        """Load `candidate` on `device`. Raises `Unavailable` to skip, anything else is an error."""
        raise NotImplementedError
