"""From a suite, a registry and devices to cases, with every fault found on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from pytest_modelbench.case import Case, case_label
from pytest_modelbench.catalogue import AUDIO_METRICS, TIMING_METRICS, metric_name
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.documents.problems import Location, Problem
from pytest_modelbench.documents.read import JsonDocument
from pytest_modelbench.endpoints.contract import ENDPOINT, EndpointRunner
from pytest_modelbench.errors import ModelbenchError, Unavailable, encodable
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.quality import QUALITY_METRICS
from pytest_modelbench.registry import Candidate, Registry
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Runner
from pytest_modelbench.suite.compare import BASELINE, Compare, Side
from pytest_modelbench.suite.dataset_fault import dataset_fault
from pytest_modelbench.suite.device_names import usual_device_name
from pytest_modelbench.suite.document import Benchmark, Suite
from pytest_modelbench.suite.models import distinct, find_models, is_selected
from pytest_modelbench.suite.param_faults import param_faults
from pytest_modelbench.suite.selection import Selection
from pytest_modelbench.suite.sides import SideFaultsError, plan_comparison
from pytest_modelbench.suite.wanted_models import starts_server, wanted_models

MOST_COMBINATIONS = 100_000


@dataclass
class Expander:
    """Expands one suite; afterwards `problems` holds everything that was wrong with it."""

    document: JsonDocument
    suite: Suite
    registry: Registry | None
    selection: Selection
    faulty: Sequence[Location] = ()
    """Places in the suite that are known to be wrong: what follows from them is no fault."""
    problems: list[Problem] = field(default_factory=list)
    models_seen: set[str] = field(default_factory=set)

    @property
    def suite_id(self) -> str:
        return self.suite.id or encodable(self.document.file.stem)

    @property
    def base_dir(self) -> Path:
        return self.document.file.parent

    def cases(self) -> list[Case]:
        made: list[Case] = []
        for index, benchmark in enumerate(self.suite.benchmarks):
            if isinstance(benchmark, Benchmark):  # not one whose faults left nothing to expand
                made.extend(self._cases_of(index, benchmark))
        return made

    def fault(self, location: Location, message: str) -> None:
        self.problems.append(self.document.problem(location, message))

    def _is_faulty(self, *places: Location) -> bool:
        """Whether something at one of them, or within, is known to be wrong."""
        return any(one[: len(place)] == place for one in self.faulty for place in places)

    def _cases_of(self, index: int, benchmark: Benchmark) -> Iterator[Case]:
        at: Location = ("benchmarks", index)
        runner = self._runner(at, benchmark)
        dataset = self._dataset(at, benchmark)
        candidates = self._candidates(at, benchmark, runner)
        measure = self._measure(at, benchmark)
        load = self._load(at, benchmark, runner)
        matrix = self._matrix(at, benchmark)
        self._check_quality(at, benchmark)
        if runner is None or dataset is None or measure is None or matrix is None:
            return
        devices = self._devices(at, benchmark, runner)
        for params in self._param_sets(at, benchmark, runner, matrix):
            for candidate, device in product(candidates, devices):
                varied = {name: params[name] for name in matrix}
                case = Case(
                    suite_id=self.suite_id,
                    suite_file=self.document.file,
                    benchmark_id=self.suite.benchmark_id(index),
                    runner=benchmark.runner,
                    candidate=candidate,
                    device=device,
                    params=params,
                    dataset=dataset,
                    measure=measure,
                    load=load,
                    quality=None if benchmark.quality is None else tuple(benchmark.quality),
                    env=(*self.suite.env, *benchmark.env),
                    marks=tuple(dict.fromkeys((*self.suite.marks, *benchmark.marks))),
                    varied=tuple(matrix),
                    line=self.document.line(at) or 1,
                    label=case_label(candidate, device, varied),
                )
                yield self._compared(at, benchmark, case)

    def _compared(self, at: Location, benchmark: Benchmark, case: Case) -> Case:
        """The case with its sides, where it is to be measured against something."""
        compare, against = benchmark.compare or self.suite.compare, self.selection.against
        if against is not None:
            compare = (compare or Compare()).model_copy(update={"baseline": against})
        if compare is None:
            return case
        if compare.baseline is None:
            if self.selection.checks_sides and case.load is None:
                self._planned(at, benchmark, case, compare.model_copy(update={"baseline": Side()}))
            return case
        if case.load is not None:
            where = "--suite-against" if against is not None else "compare"
            self.fault(
                (*at, "runner"),
                f"{where!r} measures models that are loaded here in turns, which runner "
                f"{case.runner!r} cannot: compare two runs of it by --suite-baseline",
            )
            return case
        return self._planned(at, benchmark, case, compare)

    def _planned(self, at: Location, benchmark: Benchmark, case: Case, compare: Compare) -> Case:
        """The case with these sides, or by itself where one of them cannot be."""
        try:
            return plan_comparison(case, compare, self.registry)
        except SideFaultsError as error:
            place = (*at, "compare") if benchmark.compare else ("compare",)
            for fault in error.faults:
                where = f"{fault.side}.{fault.field}"
                if fault.side == BASELINE and self.selection.against is not None:
                    where = "--suite-against"
                problem = self.document.problem(place, f"{where}: {fault.message}")
                if problem not in self.problems:
                    self.problems.append(problem)
            return case

    def _runner(self, at: Location, benchmark: Benchmark) -> Runner | None:
        try:
            return RUNNERS.get(benchmark.runner)()
        except ModelbenchError as error:
            self.fault((*at, "runner"), str(error))
            return None

    def _check_quality(self, at: Location, benchmark: Benchmark) -> None:
        names = [metric_name(name) for name in benchmark.quality or ()]
        for index, name in enumerate(benchmark.quality or ()):
            short = names[index]
            if not short.strip():
                message = f"{name!r} names no metric: write module:callable or evaluate:NAME"
                self.fault((*at, "quality", index), message)
            elif short in (*TIMING_METRICS, *AUDIO_METRICS):
                message = f"{name!r} would be called {short!r}, which is measured for every case"
                self.fault((*at, "quality", index), message)
            elif short in names[:index]:
                self.fault((*at, "quality", index), f"{name!r}: there are two called {short!r}")
            if ":" not in name:  # `module:attr` and `evaluate:name` are looked up when they run
                try:
                    QUALITY_METRICS.get(name)
                except ModelbenchError as error:
                    self.fault((*at, "quality", index), str(error))

    def _measure(self, at: Location, benchmark: Benchmark) -> MeasureSpec | None:
        general, own = self.suite.measure or MeasureSpec(), benchmark.measure or MeasureSpec()
        try:
            return MeasureSpec.completed(general.overridden_by(own))
        except ValueError as error:
            where = (*at, "measure") if benchmark.measure else ("measure",)
            self.fault(where, str(error))
            return None

    def _load(self, at: Location, benchmark: Benchmark, runner: Runner | None) -> LoadSpec | None:
        """How the endpoint is loaded; None for a runner that asks none, or for a fault."""
        if not isinstance(runner, EndpointRunner):
            if runner is not None and benchmark.load is not None:
                message = f"runner {benchmark.runner!r} asks no endpoint: take 'load' out"
                self.fault((*at, "load"), message)
            return None
        general, own = self.suite.load or LoadSpec(), benchmark.load or LoadSpec()
        try:
            return general.overridden_by(own)
        except ValueError as error:
            self.fault((*at, "load") if benchmark.load else ("load",), str(error))
            return None

    def _matrix(self, at: Location, benchmark: Benchmark) -> dict[str, list[Any]] | None:
        # What a benchmark says itself, in either field, takes precedence over the suite.
        general = {
            name: values
            for name, values in (self.suite.matrix or {}).items()
            if name not in benchmark.params
        }
        matrix = {**general, **(benchmark.matrix or {})}
        count = math.prod(len(values) for values in matrix.values())
        if count > MOST_COMBINATIONS:
            where = (*at, "matrix") if benchmark.matrix else ("matrix",)
            self.fault(where, f"makes {count} combinations: at most {MOST_COMBINATIONS} fit")
            return None
        return matrix

    def _dataset(self, at: Location, benchmark: Benchmark) -> DatasetSpec | None:
        spec, own = self.suite.dataset, benchmark.dataset
        where: Location = (*at, "dataset") if own else ("dataset",) if spec else at
        if own is not None:
            spec = spec.overridden_by(own) if spec else own
        if spec is None:
            if not self._is_faulty(("dataset",), (*at, "dataset")):
                self.fault(at, "has no dataset: give 'dataset' here or in the suite")
            return None
        if fault := dataset_fault(spec, self.base_dir):
            field, message = fault
            # What a source needs is missing where the source was named.
            mine = own is not None and not {field, "source"}.isdisjoint(own.model_fields_set)
            self.fault((*where, field) if mine or spec is own else ("dataset", field), message)
        return spec

    def _candidates(
        self, at: Location, benchmark: Benchmark, runner: Runner | None
    ) -> list[Candidate]:
        wanted, where = wanted_models(self.suite, benchmark, at, self.selection.against)
        if not wanted:
            if self.registry is None:
                own: list[Location] = [(*at, "model"), (*at, "models")]
                if not self._is_faulty(("models",), ("registry",), *own):
                    self.fault(at, "has no model: give 'model', 'models' or a registry")
                return []
            found = self.registry.candidates()
            if not found and not self._is_faulty(("registry",)):
                self.fault(at, f"has no model: there is none in {self.registry.file}")
        else:
            found = []
            is_up = isinstance(runner, EndpointRunner) and not starts_server(self.suite, benchmark)
            for index, one in enumerate(wanted):
                place = where if benchmark.model else (*where, index)
                try:
                    found.extend(find_models(one, self.registry, self.base_dir, is_up=is_up))
                except ModelbenchError as error:
                    self.fault(place, str(error))
        candidates = distinct(found)
        self.models_seen.update(candidate.version for candidate in candidates)
        return [one for one in candidates if is_selected(one, self.selection.models)]

    def _devices(self, at: Location, benchmark: Benchmark, runner: Runner) -> list[str]:
        own = [benchmark.device] if benchmark.device else benchmark.devices
        if isinstance(runner, EndpointRunner):  # where its server computes is not ours to say
            if own and set(own) - {ENDPOINT, "auto"}:
                field = "device" if benchmark.device else "devices"
                message = (
                    f"runner {benchmark.runner!r} has no device but {ENDPOINT!r}: leave it out"
                )
                self.fault((*at, field), message)
            return [ENDPOINT]
        wanted: Sequence[str] = self.selection.devices
        if not wanted:
            wanted = own or self.suite.devices or ["CPU"]
        devices: list[str] = []
        for name in wanted:
            devices.extend(_present(runner) if name == "auto" else [usual_device_name(name)])
        return list(dict.fromkeys(devices))

    def _param_sets(
        self,
        at: Location,
        benchmark: Benchmark,
        runner: Runner,
        matrix: Mapping[str, Sequence[Any]],
    ) -> Iterator[dict[str, Any]]:
        for values in product(*matrix.values()):
            varied = dict(zip(matrix, values, strict=True))
            params = {**benchmark.params, **varied}
            if self._params_fit(at, runner, params, varied):
                yield params

    def _params_fit(
        self,
        at: Location,
        runner: Runner,
        params: Mapping[str, Any],
        varied: Mapping[str, Any],
    ) -> bool:
        if runner.params_model is None:
            return True
        faults = param_faults(runner.params_model, params)
        for location, message in faults:
            group = "matrix" if location and location[0] in varied else "params"
            problem = self.document.problem((*at, group, *location), message)
            if problem not in self.problems:
                self.problems.append(problem)
        return not faults


def _present(runner: Runner) -> Sequence[str]:
    """The devices `"auto"` stands for; without the runner's packages, one case to say so."""
    try:
        return runner.devices() or ["CPU"]
    except Unavailable:
        return ["CPU"]
