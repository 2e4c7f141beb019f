"""Under which conditions a case was measured."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.results.fields import Amount, Count, Finite, Ordinal, Share, Text


class Limits(StrictModel):
    """What a case was allowed to use."""

    memory_limit_mb: Annotated[Finite, Field(gt=0)] | None
    """Resident memory of its processes (10^6 bytes); None without a limit."""
    threads: Ordinal | None
    """Processors left to its process; None for all of them."""
    enforced: bool
    """False in the session's own process (`--suite-engine=inline`), which limits nothing."""


class Conditions(StrictModel):
    """What went on beside a case during its timed calls; None for what the system does not say."""

    workers: Ordinal
    """Parallel workers of the session (pytest-xdist)."""
    lock: Text
    """What nobody else of this user measured on meanwhile: `host`, `device` or `none`."""
    waited_seconds: Amount
    """Time spent waiting for a turn, which counts for nothing else."""
    load_average_start: Amount | None
    """Runnable processes, mean of the last minute."""
    load_average_end: Amount | None
    steal_share: Share | None
    """Processor time that the hypervisor gave to others, of all there was."""
    other_cpu_share: Share | None
    """Processor time that other processes used, of all there was."""
    involuntary_context_switches: Count | None
    """How often a thread of the measuring process lost its processor to another, whosever."""
    frequency_mhz_mean: Amount | None
    """Of the fastest processor, before the timed calls and after each part of them."""
    frequency_mhz_min: Amount | None
    thermal_throttle_count: Count | None
    """How often a processor was slowed down because of its heat."""
    quota_throttled_seconds: Amount | None
    """How long the control group's processor quota stopped it, summed over processors."""
    disturbances: list[Text]
    """What disturbed the measurement, in words; empty when nothing is known to have."""
