"""On which machine and from which code: as far as it can change a result."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_modelbench.report.html.conditions import conditions_table
from pytest_modelbench.report.html.markup import Child, Markup, joined, tag
from pytest_modelbench.report.html.summary import suite_file
from pytest_modelbench.report.html.table import Column, Row, folded, table
from pytest_modelbench.report.html.view import Report
from pytest_modelbench.report.markdown_text import counted
from pytest_modelbench.report.notes import disturbances
from pytest_modelbench.report.numbers import NOTHING, shown
from pytest_modelbench.results.run import BenchmarkRun


def machine_section(report: Report) -> Markup:
    """Without the machine's name, which is nobody's business where a report is published."""
    said = [
        tag("li", f"{suite.record.id}: {line.removeprefix('note: ')}")
        for suite in report.suites
        for line in disturbances(suite.results)
    ]
    conditions = conditions_table(report)
    return joined(
        tag("h3", "What disturbed the measurements"),
        tag("ul", said) if said else tag("p", "Nothing is known to have."),
        folded("Conditions of every case", conditions) if conditions else None,
        *(part for run in report.shown_runs for part in _of_run(report, run)),
        _models(report),
    )


def _of_run(report: Report, run: BenchmarkRun) -> Iterator[Markup]:
    several = len(report.shown_runs) > 1
    title = "Machine, code and versions"
    yield tag("h3", f"{title} of run {run.metadata.run_id}" if several else title)
    yield tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", value)) for name, value in _facts(report, run)),
        class_="facts",
    )
    packages = run.system_info.packages
    if packages:
        rows = [Row(list(one)) for one in packages.items()]
        columns = [Column("package"), Column("version")]
        versions = table("Versions of packages that results depend on", columns, rows)
        yield folded(f"{counted(len(packages), 'package')}", versions, kind="printed")


def _facts(report: Report, run: BenchmarkRun) -> Iterator[tuple[str, Child]]:
    about, machine = run.metadata, run.system_info
    yield "Run", tag("code", about.run_id)
    yield "Began", about.timestamp
    yield "Command", tag("code", about.command_line)
    if about.git_sha:
        dirty = ", with changes that are not committed" if about.git_dirty else ""
        branch = f", branch {about.git_branch}" if about.git_branch else ""
        yield "Commit", joined(tag("code", about.git_sha), f"{branch}{dirty}")
    files = [suite_file(suite) for suite in report.suites if suite.run is run]
    yield "Suite files", ", ".join(files) or NOTHING
    limit = f", of which {machine.cpu_limit:g} are allowed" if machine.cpu_limit else ""
    yield "Processor", f"{machine.cpu_info}, {counted(machine.cpu_count, 'CPU')}{limit}"
    yield "Frequency governor", machine.cpu_governor or "not known"
    yield "Instruction sets", " ".join(machine.cpu_flags) or "not known"
    allowed = (
        f", of which {machine.ram_limit_gb:.3g} GB are allowed" if machine.ram_limit_gb else ""
    )
    yield "Memory", f"{machine.total_ram_gb:.3g} GB{allowed}"
    cuda = f", CUDA {machine.cuda_version}" if machine.cuda_version else ""
    yield "GPU", f"{machine.gpu_info}{cuda}" if machine.gpu_info else "no NVIDIA GPU"
    yield "System", f"{machine.platform} {machine.platform_version}"
    yield "Python", machine.python_version
    yield "pytest-modelbench", about.modelbench_version
    floor = f"{100 * machine.launch_floor:.2g} % (standard deviation)"
    yield "Launches of the same code differ by", floor
    status = "not known" if about.exit_status is None else str(about.exit_status)
    yield "pytest's exit status", status


def _models(report: Report) -> Markup | None:
    found = {
        (one.version, one.model_path): one for run in report.shown_runs for one in run.candidates
    }
    if not found:
        return None
    titles = ("model", "kind", "base model", "quantization", "distilled from")
    rows = [
        Row(
            [
                one.version,
                one.model_type,
                one.base_model or NOTHING,
                one.quantization or NOTHING,
                one.distilled_from or NOTHING,
                NOTHING if one.file_size_mb is None else shown(one.file_size_mb),
            ]
        )
        for one in found.values()
    ]
    head = [*map(Column, titles), Column("files MB", is_number=True)]
    models = table("Models", head, rows)
    return folded(counted(len(found), "model"), models)
