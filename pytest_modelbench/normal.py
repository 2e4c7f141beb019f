"""The normal distribution's one figure that many intervals need."""

from __future__ import annotations

from statistics import NormalDist

Z_95_PERCENT = NormalDist().inv_cdf(0.975)
"""Standard errors from the middle of a 95 % interval to either end."""
