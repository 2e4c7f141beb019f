"""Whether what must hold does: of a window as a whole, and of each request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from pytest_modelbench.load.spec import Slo
from pytest_modelbench.load.window import Window
from pytest_modelbench.results.metric import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_LATER_IS_LONGER = ("_ttft_ms", "_latency_ms")
"""What counts from a time that no delay can move: a client that is late can only add to it."""


def broken(metrics: Mapping[str, Metric], slo: Slo) -> list[str]:
    """What of `slo` does not hold, in sentences; what cannot be told does not.

    What holds with all that a late client has added holds without it all the more.
    """
    found = []
    for name, most in bounds(slo).items():
        metric = metrics[name]
        if metric.value is None:
            found.append(f"{name} is not known: {metric.error_message}")
        elif metric.is_client_limited and not (
            metric.value <= most and name.endswith(_LATER_IS_LONGER)
        ):
            found.append(f"{name} is not known: the client was the bottleneck")
        elif metric.value > most:
            found.append(f"{name} is {metric.value:.4g} ms, more than {most:g}")
    share = metrics["error_share"].value
    if share is None:
        found.append("no request was sent")
    elif share > slo.max_error_share:
        found.append(f"{share:.2%} of the requests failed, more than {slo.max_error_share:.2%}")
    return found


def bounds(slo: Slo) -> dict[str, float]:
    """The latencies that are bounded, by the name of their metric."""
    given = slo.model_dump(exclude_none=True)
    return {name: most for name, most in given.items() if name != "max_error_share"}


def without(slo: Slo, names: Collection[str]) -> Slo:
    """What else must hold."""
    return slo.model_copy(update={name: None for name in bounds(slo) if name in names})


def meets(window: Window, slo: Slo) -> int:
    """How many requests kept within the bounds, each for itself.

    Of several bounds of one latency the loosest counts: what is beyond a median may still be
    within the 99th percentile. For gaps it is the request's own percentile of them. An answer of
    which a bounded latency is not known, since it came whole or in one chunk, does not meet it;
    but one chunk has no gaps that could be too long.
    """
    import numpy as np

    times = window.times
    good = np.ones(len(times.latency_ms), dtype=bool)
    for kind, (percent, most) in _loosest(slo).items():
        if kind == "latency":
            good &= times.latency_ms <= most
            continue
        held = times.has_chunks.copy()
        if kind == "ttft":
            held[times.has_chunks] = times.ttft_ms <= most
        elif kind == "tpot":
            within = np.ones(len(times.has_tpot), dtype=bool)
            within[times.has_tpot] = times.tpot_ms <= most
            held[times.has_chunks] = within
        else:
            held[times.has_chunks] = [
                _percentile(gaps, percent) <= most for gaps in times.gaps_of_requests()
            ]
        good &= held
    return int(good.sum())


def _percentile(gaps: NDArray[np.float64], percent: float) -> float:
    import numpy as np

    return float(np.percentile(gaps, percent)) if len(gaps) else 0.0


def _loosest(slo: Slo) -> dict[str, tuple[float, float]]:
    """The kind of latency to the percentile and the bound that a request is held against."""
    found: dict[str, tuple[float, float]] = {}
    for name, most in bounds(slo).items():
        statistic, kind = name.removesuffix("_ms").split("_", 1)
        percent = 50.0 if statistic == "mean" else float(statistic[1:])
        if kind not in found or most > found[kind][1]:
            found[kind] = percent, most
    return found
