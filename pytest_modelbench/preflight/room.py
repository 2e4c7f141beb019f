"""Whether there is room: memory for models, disk for exports and for the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_modelbench.execution.physical_devices import uses_processor
from pytest_modelbench.folders import cache_folder, free_bytes
from pytest_modelbench.preflight.findings import Finding
from pytest_modelbench.preflight.subjects import Subject

LEAST_FREE_BYTES = 50_000_000
"""What a session should find for its run, whose size nobody knows before: journals, answers."""
_CGROUP = Path("/sys/fs/cgroup")


def in_words(size: float) -> str:
    """A number of bytes.

    >>> in_words(1_234_567), in_words(98_000_000_000)
    ('1.2 MB', '98 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            value = size / factor
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{max(1, round(size / 1e3))} kB"


def check_memory(subjects: Iterable[Subject], workers: int) -> Iterator[tuple[Finding, list[str]]]:
    """Models on the processor whose files alone are more than there is memory."""
    free = free_memory_bytes()
    sizes: dict[str, float] = {}
    names: dict[str, list[str]] = {}
    for subject in subjects:
        candidate = subject.case.candidate
        if candidate.file_size_mb is not None and uses_processor(subject.case.device):
            sizes[candidate.model_path] = candidate.file_size_mb * 1e6
            names.setdefault(candidate.model_path, []).append(subject.name)
    remedy = "free some, or leave the model out (--suite-model, -k)"
    for path, size in sizes.items():
        if size > free:
            what = (
                f"the files of {Path(path).name} are {in_words(size)}, and {in_words(free)} of "
                "memory are free"
            )
            yield Finding(what, remedy), names[path]
    at_once = sorted((size for size in sizes.values() if size <= free), reverse=True)[:workers]
    if sum(at_once) > free:
        yield (
            Finding(
                f"{len(at_once)} workers may load models of {in_words(sum(at_once))} at once, and "
                f"{in_words(free)} of memory are free",
                "take fewer workers (-n), or free some memory",
            ),
            [],
        )


def check_disk(runs: Path, exports_bytes: int) -> Iterator[Finding]:
    """Room for the run, and for models that are exported first."""
    free = free_bytes(runs)
    if free is not None and free < LEAST_FREE_BYTES:
        yield Finding(
            f"{in_words(free)} are free for the run in {runs}",
            "free some, or name another place with --suite-output-dir",
        )
    cache = cache_folder()
    free = free_bytes(cache)
    if free is not None and exports_bytes > free:
        yield Finding(
            f"models to be exported may take {in_words(exports_bytes)} in {cache}, and "
            f"{in_words(free)} are free",
            "free some, or name another place with XDG_CACHE_HOME",
        )


def free_memory_bytes() -> int:
    """What can be had without swapping: of the machine, or of what this control group allows."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit, used = _number("memory.max"), _number("memory.current")
    if limit is None or used is None:
        return free
    return min(free, max(0, limit - used + _reclaimable()))


def _number(name: str) -> int | None:
    try:
        return int((_CGROUP / name).read_text())
    except (OSError, ValueError):  # no control group, or "max"
        return None


def _reclaimable() -> int:
    """Files in memory that are dropped when it is needed."""
    try:
        lines = (_CGROUP / "memory.stat").read_text().split()
    except OSError:
        return 0
    found = dict(zip(lines[::2], lines[1::2], strict=False))
    return int(found.get("inactive_file", 0))
