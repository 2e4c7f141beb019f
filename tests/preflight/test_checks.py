"""What a look at one case finds, and what it does not do for that."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.importable import is_importable
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.preflight.look import Look
from pytest_modelbench.preflight.room import check_disk, check_memory, free_memory_bytes
from pytest_modelbench.preflight.subjects import subjects_of
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Foreseen, Runner
from pytest_modelbench.runners.openvino_model import OpenvinoModel
from pytest_modelbench.runners.whisper_asr import WhisperAsr

MakeCase = Callable[..., Case]


class Plain(Runner):
    name = "plain"
    input_kind = "text"


class Listening(Runner):
    name = "listening"
    input_kind = "audio"


@pytest.fixture(autouse=True)
def _runners() -> Any:
    before = RUNNERS.added
    RUNNERS.add("plain", Plain)
    RUNNERS.add("listening", Listening)
    yield
    RUNNERS.forget_added(before)


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_case(tmp_path: Path) -> MakeCase:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "ref": "A"}\n{"text": "b"}\n')

    def make(runner: str = "plain", model: str = "m", **fields: Any) -> Case:
        dataset = fields.pop("dataset", {"source": "jsonl", "path": "rows.jsonl"})
        usual: dict[str, Any] = {
            "suite_id": "s",
            "suite_file": tmp_path / "s.json",
            "benchmark_id": "b",
            "runner": runner,
            "candidate": Candidate(Path(model).name, model),
            "device": "CPU",
            "params": {},
            "dataset": DatasetSpec.model_validate(dataset),
            "measure": MeasureSpec(),
            "label": f"{model}-CPU",
        }
        return Case(**{**usual, **fields})

    return make


def found(case: Case, *, problems: bool = True) -> list[str]:
    look = Look([case], case.base_dir)
    look.quickly()
    return [line.partition(": ")[2] for line in look.findings.lines(problems=problems)]


def test_a_case_that_has_all_it_needs_is_none_of_its_business(make_case: MakeCase) -> None:
    assert found(make_case()) == found(make_case(), problems=False) == []


def test_a_runner_with_no_devices_but_the_usual_one_is_asked_at_once(make_case: MakeCase) -> None:
    assert found(make_case(device="GPU")) == ["device 'GPU' is not present; present: CPU"]


@pytest.mark.parametrize(
    ("text", "dataset", "words"),
    [
        ("", {}, "is empty; write a JSON list of rows"),
        ("[]", {"path": "rows.json", "source": "json"}, "'rows.json' is empty: give one with rows"),
        ('{"text": 1', {}, "line 1: not one complete JSON object"),
        ('{"text": "a"}\n', {"reference_column": "ref"}, "no column 'ref' (reference_column) in "),
        ('{"txet": "a"}\n', {}, "in its only row: it has txet; did you mean 'txet'?"),
        ('{"a": 1}\n' * 2000, {}, "no column 'text' (input_column) in its first 1000 rows"),
        ('{"a": 1}\n' * 900 + '{"text": "a"}\n', {}, None),
        ('{"text": "a", "b": "c"}\n', {"input_column": ["text", "b"]}, None),
    ],
)
def test_a_dataset_is_known_by_its_first_rows(
    make_case: MakeCase, tmp_path: Path, text: str, dataset: dict[str, Any], words: str | None
) -> None:
    spec = {"source": "jsonl", "path": "rows.jsonl", **dataset}
    (tmp_path / spec["path"]).write_text(text)
    problems = found(make_case(dataset=spec))
    assert [words in problem for problem in problems] == ([] if words is None else [True])


def test_of_sound_some_file_should_be_there(make_case: MakeCase, tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    dataset = {"source": "jsonl", "path": "rows.jsonl", "input_column": "audio"}
    rows = [{"audio": f"{number}.wav"} for number in range(3)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (problem,) = found(make_case("listening", dataset=dataset))
    assert "no audio file of its first 3 rows is there, such as '0.wav': paths are" in problem
    (tmp_path / "2.wav").write_bytes(b"")
    assert found(make_case("listening", dataset=dataset)) == []
    pair = {**dataset, "input_column": ["audio", "text"]}
    (problem,) = found(make_case("listening", dataset=pair))
    assert "an audio model takes one" in problem


def test_model_files_are_looked_at(make_case: MakeCase, tmp_path: Path) -> None:
    (problem,) = found(make_case(model=str(tmp_path / "none")))
    assert problem.startswith(f"model path does not exist: {tmp_path}/none: put the model there")
    (tmp_path / "empty").mkdir()
    (problem,) = found(make_case(model=str(tmp_path / "empty")))
    assert problem.startswith(f"model path is an empty directory: {tmp_path}/empty")


def test_a_hub_id_is_downloaded_or_offline_a_problem_or_here_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = Candidate("org/name", "org/name")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for runner in (OpenvinoModel(), WhisperAsr()):
        note = "model 'org/name' will be downloaded from the hub"
        assert runner.foresee(candidate, {}) == Foreseen(note=note)
        with monkeypatch.context() as offline:
            offline.setenv("HF_HUB_OFFLINE", "1")
            said = runner.foresee(candidate, {}).problem
        assert said.startswith("model 'org/name' is not in the local cache of the hub, and HF_HUB")
    (tmp_path / "hub" / "models--org--name" / "snapshots" / "abc").mkdir(parents=True)
    assert OpenvinoModel().foresee(candidate, {}) == Foreseen()


def test_a_dataset_of_the_hub_is_read_there_or_offline_a_problem(
    make_case: MakeCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_importable("datasets"):
        pytest.skip("datasets is not installed")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    case = make_case(dataset={"source": "hf", "id": "org/rows"})
    assert found(case, problems=False) == ["dataset 'org/rows' will be read from the hub"]
    assert found(case) == []
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    (problem,) = found(case)
    assert "neither a directory nor in the local cache of the hub" in problem
    (tmp_path / "hf" / "datasets" / "org___rows" / "default").mkdir(parents=True)
    assert found(case) == []
    (tmp_path / "rows").mkdir()
    assert found(make_case(dataset={"source": "hf", "id": "rows"}), problems=False) == []


def test_our_runners_say_what_is_wrong_with_a_directory(tmp_path: Path) -> None:
    candidate = Candidate("mine", str(tmp_path))
    said = OpenvinoModel().foresee(candidate, {}).problem
    assert "has no OpenVINO IR (.xml) and no ONNX file" in said
    assert "has neither openvino_encoder_model.xml" in WhisperAsr().foresee(candidate, {}).problem
    genai = WhisperAsr().foresee(candidate, {"backend": "genai"}).problem
    assert "has no openvino_encoder_model.xml, which backend 'genai' needs" in genai
    (tmp_path / "openvino_encoder_model.xml").write_text("<net/>")
    assert WhisperAsr().foresee(candidate, {}) == Foreseen()
    assert OpenvinoModel().foresee(candidate, {}) == Foreseen()


def test_a_model_without_an_ir_will_be_exported(tmp_path: Path) -> None:
    if not is_importable("optimum.intel.openvino"):
        pytest.skip("optimum-intel is not installed")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1000)
    foreseen = WhisperAsr().foresee(Candidate("mine", str(tmp_path)), {})
    assert foreseen == Foreseen(writes_bytes=2000)


def test_exports_that_do_not_fit_on_the_disk_are_told(tmp_path: Path) -> None:
    assert list(check_disk(tmp_path / "runs", 1000)) == []
    (finding,) = check_disk(tmp_path / "runs", 10**18)
    assert str(finding).startswith("models to be exported may take 1000000000 GB in ")


def test_models_that_fit_one_by_one_may_not_fit_at_once(
    make_case: MakeCase, tmp_path: Path
) -> None:
    size = int(free_memory_bytes() * 0.7)
    cases = []
    for name in ("one", "two"):
        try:
            with (tmp_path / name).open("wb") as file:
                file.truncate(size)
        except OSError:
            pytest.skip("this file system has no files of that size")
        cases.append(make_case(model=str(tmp_path / name)))
    subjects = list(subjects_of(cases))
    assert list(check_memory(subjects, workers=1)) == []
    ((finding, names),) = check_memory(subjects, workers=2)
    assert str(finding).startswith("2 workers may load models of ")
    assert names == []


def test_a_look_imports_nothing_heavy(make_case: MakeCase, tmp_path: Path) -> None:
    """Neither what a runner needs, nor what reads datasets, nor NumPy."""
    script = (
        "import pickle, sys\n"
        "from pathlib import Path\n"
        "cases = pickle.load(sys.stdin.buffer)\n"
        "before = set(sys.modules)\n"
        "from pytest_modelbench.preflight.look import Look\n"
        "look = Look(cases, Path('.'))\n"
        "look.quickly()\n"
        "print(look.findings.lines(problems=True))\n"
        "heavy = {'numpy', 'scipy', 'openvino', 'optimum', 'torch', 'transformers', 'datasets',\n"
        "         'soundfile', 'huggingface_hub'}\n"
        "print(sorted(heavy & (set(sys.modules) - before)))\n"
    )
    cases = [
        make_case("embedding_text", "org/name"),
        make_case("whisper_asr", "org/name", dataset={"source": "hf", "id": "org/rows"}),
        make_case("openvino_model", "org/name", dataset={"source": "generated"}),
        make_case("whisper_asr", str(tmp_path), params={"backend": "genai"}),
    ]
    done = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps(cases), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().splitlines()[-1] == "[]"


def test_a_module_is_looked_for_without_importing_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loud" / "inner").mkdir(parents=True)
    (tmp_path / "loud" / "__init__.py").write_text("raise RuntimeError('it was imported')")
    (tmp_path / "loud" / "inner" / "__init__.py").write_text("raise RuntimeError('it, too')")
    (tmp_path / "loud" / "inner" / "leaf.py").write_text("")
    (tmp_path / "space" / "within").mkdir(parents=True)
    (tmp_path / "space" / "within" / "leaf.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert is_importable("loud.inner.leaf")
    assert not is_importable("loud.inner.twig")
    assert not is_importable("loud.outer.leaf")
    assert is_importable("space.within.leaf")
    assert not is_importable("nothing_of_that_name.at_all")
