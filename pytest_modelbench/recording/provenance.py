"""When, from which code and on which machine a run was made."""

from __future__ import annotations

import os
import platform
import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, encodable
from pytest_modelbench.git import git
from pytest_modelbench.judge.launch_noise import launch_floor
from pytest_modelbench.recording.project import project_of
from pytest_modelbench.redaction import command_without_secrets
from pytest_modelbench.results.run import RunMetadata, SystemInfo
from pytest_modelbench.results.store import new_run_id

PACKAGES = (
    "pytest-modelbench",
    "pytest",
    "numpy",
    "openvino",
    "openvino-genai",
    "openvino-tokenizers",
    "optimum",
    "optimum-intel",
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "evaluate",
    "jiwer",
    "scipy",
    "soundfile",
    "soxr",
    "nvidia-ml-py",
)
KERNEL_FLAGS = ("sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16",
                "avx_vnni", "amx_bf16", "amx_int8", "amx_tile", "asimd", "sve")  # fmt: skip
_GIT_SECONDS = 10
_REQUEST_EVENTS = ("pull_request", "pull_request_target")


def run_metadata(
    argv: Sequence[str],
    folder: Path,
    *,
    dry_run: bool,
    quick: bool = False,
    run_id: str | None = None,
) -> RunMetadata:
    """Who and when; git facts of `folder`, null outside a repository. Without an id, a new one."""
    now = datetime.now(UTC)
    sha = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain") if sha else None
    return RunMetadata(
        run_id=run_id or new_run_id(now),
        timestamp=now.isoformat(timespec="milliseconds"),
        git_sha=sha or None,
        git_branch=_branch(folder, sha) if sha else None,
        git_dirty=None if status is None else bool(status),
        project=project_of(folder),
        command_line=command_without_secrets(encodable(shlex.join(argv))),
        dry_run=dry_run,
        quick=quick,
        modelbench_version=version("pytest-modelbench"),
        exit_status=None,
    )


def _branch(folder: Path, sha: str) -> str | None:
    """The branch that is checked out; where a CI system checked out a commit, what it says.

    A pull request is `pull/N`, whatever its branch is called: in a fork it may be called `main`.
    """
    found = _git(folder, "rev-parse", "--abbrev-ref", "HEAD") or None
    source = _variable("GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")
    is_of_request = source is not None or _variable("GITHUB_EVENT_NAME") in _REQUEST_EVENTS
    if is_of_request and found in ("HEAD", source):
        return _request() or "HEAD"
    # What it says is about the commit that it built, and not about any other.
    if found != "HEAD" or _variable("GITHUB_SHA", "CI_COMMIT_SHA") not in (None, sha):
        return found
    return _variable("GITHUB_REF_NAME", "CI_COMMIT_REF_NAME") or found


def _request() -> str | None:
    """The pull request of GitHub, or the merge request of GitLab, by its number."""
    github = re.match(r"refs/(pull/\d+)/", _variable("GITHUB_REF") or "")
    gitlab = _variable("CI_MERGE_REQUEST_IID")
    return github[1] if github else f"merge-requests/{gitlab}" if gitlab else None


def _variable(*names: str) -> str | None:
    """The first of these environment variables that is set to something."""
    return next(filter(None, (os.environ.get(name, "").strip() for name in names)), None)


def _git(folder: Path, *arguments: str) -> str | None:
    """git's answer; None when there is no git, no repository or no answer in time."""
    try:
        return git(folder, *arguments, seconds=_GIT_SECONDS)
    except ModelbenchError:
        return None


def system_info() -> SystemInfo:
    """This machine, as far as it can change a result."""
    import psutil

    gpu, cuda = _nvidia()
    return SystemInfo(
        hostname=platform.node() or "unknown",
        platform=platform.system() or "unknown",
        platform_version=platform.version() or "unknown",
        python_version=platform.python_version(),
        cpu_info=processor_name(),
        cpu_count=os.cpu_count() or 1,
        cpu_limit=_cpu_limit(),
        cpu_governor=_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        cpu_flags=_cpu_flags(),
        total_ram_gb=psutil.virtual_memory().total / 1e9,
        ram_limit_gb=_ram_limit_gb(),
        gpu_info=gpu,
        cuda_version=cuda,
        packages=_package_versions(),
        launch_floor=launch_floor()[0],
    )


def processor_name() -> str:
    return _cpu_field("model name") or platform.processor() or "unknown"


def _package_versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text().strip() or None
    except OSError:
        return None


def _cpu_field(name: str) -> str | None:
    for line in (_text("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip() or None
    return None


def _cpu_flags() -> list[str]:
    present = set((_cpu_field("flags") or _cpu_field("Features") or "").split())
    return [flag for flag in KERNEL_FLAGS if flag in present]


def _cpu_limit() -> float | None:
    """CPUs allowed by cgroup v2, such as 1.5."""
    quota, _, period = (_text("/sys/fs/cgroup/cpu.max") or "max").partition(" ")
    return None if quota == "max" or not period else int(quota) / int(period)


def _ram_limit_gb() -> float | None:
    limit = _text("/sys/fs/cgroup/memory.max")
    return int(limit) / 1e9 if limit and limit != "max" else None


def _nvidia() -> tuple[str | None, str | None]:
    """Name of the first NVIDIA GPU and the driver's CUDA version; None, None without one."""
    import pynvml

    try:
        pynvml.nvmlInit()
        name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(0))
        number = int(pynvml.nvmlSystemGetCudaDriverVersion())
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return None, None
    text = name.decode() if isinstance(name, bytes) else str(name)
    return text or None, f"{number // 1000}.{number % 1000 // 10}"
