"""Verdicts of paired comparisons: from recorded launches to what they show, and nothing else.

A series of launches is looked at after each second one, and each look may decide: regression,
pass, or go on (`decision.py` has the rule, `looks.py` how sure a look must be). A regression is
only one when a second series of fresh launches shows it again.

**From the record alone.** A verdict is replayed from the launches, look by look, so that it is the
same whenever it is asked for. The first look that decides, decides: what follows it was measured
because another metric was not decided yet, and would be one more chance to err. So the bound on
errors holds whatever else was asked. The estimate that is reported is of all launches all the
same: it is the better one. Should all of them no longer bear the decision out (a pass, when their
estimate is over the tolerance; a regression, when they would not show it at a last look), then it
is inconclusive. That can only take a decision back, never make one, and so adds no errors of
either kind.

**The end of a record.** A series also ends when its time is up. Where the record ends it is looked
at for the last time, in the place of a planned look that it did not come to. A question that would
have had more launches is undecided there, so a look is the last for it in the record exactly where
it was the last when it was measured.

**Two series.** Confirmation needs the same view of the metric (`measure.py`) to show the
regression at a level divided by the number of the session's verdicts. That it is not shown is
found out at the usual level: stopping early there only means not to accuse.
"""

from __future__ import annotations

from pytest_modelbench.judge.paired.data import PairedData
from pytest_modelbench.judge.paired.judgement import is_measured_in_pairs
from pytest_modelbench.judge.paired.next_step import next_step
from pytest_modelbench.judge.paired.verdict import paired_verdict

__all__ = ["PairedData", "is_measured_in_pairs", "next_step", "paired_verdict"]
