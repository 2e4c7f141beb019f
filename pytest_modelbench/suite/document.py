"""The suite document, exactly: every field a suite may have, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    field_validator,
)

from pytest_modelbench.catalogue import Better, better_of
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.strict import OptionalText, Text, blank_is_unset, lower_case
from pytest_modelbench.suite.compare import Compare
from pytest_modelbench.suite.expression import ExpressionError, check_constants, parse_expression
from pytest_modelbench.suite.tolerance import (
    Tolerance,
    ToleranceText,
    parse_tolerance,
    why_too_strict,
)

Number = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, BeforeValidator(lower_case), Field(min_length=1)]
Params = dict[Text, Any]
MARKS_WITH_ARGUMENTS = ("parametrize", "usefixtures", "skipif", "filterwarnings")


def _can_mark(name: str) -> str:
    if not name.isidentifier() or name.startswith("_"):
        raise ValueError(f"{name!r} is no pytest mark: letters, digits and _, a letter first")
    if name in MARKS_WITH_ARGUMENTS:
        raise ValueError(f"mark {name!r} needs arguments, which a suite cannot give")
    return name


Mark = Annotated[Text, AfterValidator(_can_mark)]
RUNNER_NAMES = (
    "whisper_asr",
    "embedding_text",
    "openvino_model",
    "transcription_api",
    "chat_api",
    "embedding_api",
    "command",
)


def _auto_or_list(value: Any) -> Any:
    if isinstance(value, str) and value != "auto":
        raise ValueError(f'{value!r} should be a list of devices, or "auto" for all present')
    return ["auto"] if value == "auto" else value


def _null_is(default: Any) -> Callable[[Any], Any]:
    """null counts as not given, as suites in the wild use it."""
    return lambda value: default if value is None else value


Devices = Annotated[
    list[Text],
    BeforeValidator(_auto_or_list),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "auto"},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ]
        }
    ),
]


class ModelSelector(StrictModel):
    """Models of the registry by what is known of them; strings may be globs; all must match."""

    version: Text | None = None
    model_type: Literal["base", "quantized", "distilled", "quantized+distilled"] | None = None
    base_model: Text | None = None
    distilled_from: Text | None = None
    quantization: Text | None = None
    active: bool | None = None
    last_good: bool | None = None

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if not given:
            yield 'an empty selector: {"version": "*"} selects every model'


def _kind_of_model(value: Any) -> str:
    return "selector" if isinstance(value, dict | ModelSelector) else "name"


Model = Annotated[
    Annotated[Text, Tag("name")] | Annotated[ModelSelector, Tag("selector")],
    Discriminator(_kind_of_model),
]


def _has(given: Mapping[str, Any], name: str) -> bool:
    return bool(blank_is_unset(given.get(name)))


def _cannot_regress(given: Mapping[str, Any]) -> Iterator[str]:
    """Why 'max_regression' makes no sense beside the other fields of a criterion."""
    if _has(given, "expression"):
        yield "'max_regression' needs a 'metric': an 'expression' is not measured on two sides"
    if lower_case(given.get("goal", "min")) == "target":
        yield "'max_regression' needs goal 'min' or 'max': with 'target' neither way is worse"
    if _has(given, "metric"):
        yield from _wrong_way(given)
    try:
        tolerance = parse_tolerance(given["max_regression"])
    except (ValueError, TypeError):
        return  # its own fault, told at its place
    if why := why_too_strict(str(given.get("metric")), tolerance):
        yield f"'max_regression' {why}"


def _wrong_way(given: Mapping[str, Any]) -> Iterator[str]:
    """A goal against the catalogue's, or none where the catalogue has none."""
    metric, goal = str(given.get("metric")), lower_case(given.get("goal"))
    known = better_of(metric)
    if goal is None and known is None:
        yield f"'max_regression' of {metric} needs a 'goal': 'min' if less is better, else 'max'"
    wanted = {"lower": "min", "higher": "max"}.get(known or "")
    if goal in ("min", "max") and wanted not in (None, goal):
        yield f"'goal' {goal!r} of {metric} should be {wanted!r} beside 'max_regression'"


class Criterion(StrictModel):
    """One thing that counts: a metric or an expression, its goal and weight, and its bounds."""

    id: OptionalText = None
    """Defaults to `criterion_001`, ... in order."""
    metric: OptionalText = None
    """A metric's name; give this or `expression`."""
    expression: OptionalText = None
    """Arithmetic over metric names: `+ - * / ** %`, `abs min max sqrt log`."""
    goal: Annotated[Literal["min", "max", "target"], BeforeValidator(lower_case)] = "min"
    """Without it what the catalogue says of the metric, else `min`."""
    weight: Annotated[
        float, Field(gt=0, le=1e12, allow_inf_nan=False), BeforeValidator(_null_is(1.0))
    ] = 1.0
    target: Number | None = None
    """The best value; needed when `goal` is `target`."""
    runners: list[Name] = []
    """Only cases of these runners are scored by it; empty means all."""
    runner: OptionalText = None
    """A single runner, as another way to write `runners`."""
    min: Number | None = None
    """The gate: a case whose value is below fails."""
    max: Number | None = None
    """The gate: a case whose value is above fails."""
    max_regression: ToleranceText | None = None
    """The gate against a baseline: how much worse it may be, `"5%"` or a number in its unit."""

    @field_validator("expression")
    @classmethod
    def _parses(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                check_constants(parse_expression(value))
            except ExpressionError as error:
                raise ValueError(str(error)) from None
        return value

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if _has(given, "metric") == _has(given, "expression"):
            yield "give either 'metric' or 'expression' (one of them)"
        goal, target = lower_case(given.get("goal", "min")), given.get("target")
        if goal == "target" and target is None:
            yield "goal 'target' needs a number in 'target'"
        if goal in ("min", "max") and target is not None:
            yield f"'target' is only used with goal 'target', not with {goal!r}"
        least, most = given.get("min"), given.get("max")
        if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
            yield f"'min' ({least:g}) is more than 'max' ({most:g})"
        if _has(given, "runner") and _has(given, "runners"):
            yield "give either 'runner' or 'runners' (one of them)"
        if given.get("max_regression") is not None:
            yield from _cannot_regress(given)

    @property
    def better(self) -> Better:
        """Which way is better: as the suite says, else as the catalogue does."""
        if "goal" in self.model_fields_set:
            return "higher" if self.goal == "max" else "lower"
        return better_of(self.metric or "") or "lower"

    @property
    def aim(self) -> Literal["min", "max", "target"]:
        """The goal, be it that of the catalogue."""
        if self.goal == "target":
            return "target"
        return "max" if self.better == "higher" else "min"

    @property
    def tolerance(self) -> Tolerance | None:
        """`max_regression`, read."""
        return None if self.max_regression is None else parse_tolerance(self.max_regression)

    @property
    def scope(self) -> Sequence[str]:
        """The runners it applies to; empty for all."""
        return [self.runner.strip().lower()] if self.runner else self.runners

    @property
    def what(self) -> str:
        """The metric's name or the expression, for people."""
        return self.metric or self.expression or ""

    def applies_to(self, runner: str) -> bool:
        return not self.scope or runner in self.scope


_UNUSABLE_IN_ID = re.compile(r"[\[\]/\\]|::|[\x00-\x1f]")


def _usable_in_ids(value: str | None) -> str | None:
    if value is not None and _UNUSABLE_IN_ID.search(value):
        raise ValueError(f"{value!r} may not hold [ ] / \\ :: (it becomes part of a node id)")
    return value


Identifier = Annotated[OptionalText, AfterValidator(_usable_in_ids)]


class Benchmark(StrictModel):
    """One entry of a suite: a runner on models, devices and parameters."""

    id: Identifier = None
    """Defaults to `case_001`, ... in order. Part of the pytest node id."""
    description: str = ""
    runner: Annotated[
        Name,
        Field(json_schema_extra={"anyOf": [{"enum": list(RUNNER_NAMES)}, {"type": "string"}]}),
    ]
    model: OptionalText = None
    """One model: a registry version, a path relative to the suite, or a hub id."""
    models: Annotated[list[Model], Field(min_length=1)] | None = None
    """Several models: ids, paths, globs on the registry's versions, or selectors."""
    device: OptionalText = None
    devices: Devices | None = None
    """A list, or `"auto"` for every device present. Without either: the suite's, else CPU."""
    params: Annotated[Params, BeforeValidator(_null_is({}))] = {}
    matrix: dict[Text, Annotated[list[Any], Field(min_length=1)]] | None = None
    """Parameter name to the values it takes; all combinations are measured."""
    dataset: DatasetSpec | None = None
    """Overrides the suite's dataset key by key."""
    quality: list[Text] | None = None
    """Quality metrics instead of the runner's own: names, `module:attr`, `evaluate:name`."""
    measure: MeasureSpec | None = None
    load: LoadSpec | None = None
    """How an endpoint is loaded; overrides the suite's key by key."""
    compare: Compare | None = None
    """Overrides the suite's comparison as a whole."""
    marks: list[Mark] = []
    env: list[Text] = []

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        for one, many in (("model", "models"), ("device", "devices")):
            if _has(given, one) and given.get(many) is not None:
                yield f"give either {one!r} or {many!r} (one of them)"
        params, matrix = given.get("params"), given.get("matrix")
        if isinstance(params, dict) and isinstance(matrix, dict):
            for name in sorted(set(params) & set(matrix)):
                yield f"{name!r} stands in both 'params' and 'matrix': keep one"


class Suite(StrictModel):
    """What to measure: benchmarks, the data they run on, and what counts."""

    model_config = ConfigDict(title="pytest-modelbench suite")

    json_schema: str | None = Field(default=None, alias="$schema")
    """The address of this schema, for editors."""
    id: Identifier = None
    """Defaults to the file's name without `.json`."""
    description: str = ""
    registry: OptionalText = None
    """The registry file, relative to the suite."""
    dataset: DatasetSpec | None = None
    models: Annotated[list[Model], Field(min_length=1)] | None = None
    """Models of every benchmark that names none; without them, the whole registry."""
    devices: Devices | None = None
    matrix: dict[Text, Annotated[list[Any], Field(min_length=1)]] | None = None
    measure: MeasureSpec | None = None
    load: LoadSpec | None = None
    """How endpoints are loaded: so many requests at once, or so many a second."""
    compare: Compare | None = None
    """Measure sides against each other: models, devices, parameters, environments, revisions."""
    marks: list[Mark] = []
    """pytest marks on every case, for `-m`."""
    env: list[Text] = []
    """Environment variables that must be set; without them a case is skipped."""
    criteria: list[Criterion] = []
    benchmarks: Annotated[list[Benchmark], Field(min_length=1)]

    def benchmark_id(self, index: int) -> str:
        return self.benchmarks[index].id or f"case_{index + 1:03d}"

    def criterion_id(self, index: int) -> str:
        return self.criteria[index].id or f"criterion_{index + 1:03d}"
