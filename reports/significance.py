"""Whether a figure is better or worse, and when that is sure enough to fail a build. Pure but for numpy.

Only several runs can show how much two runs of the same thing differ. With three runs or more on both sides they
decide: a figure is worse if the difference is larger than the runs' own spread explains. With fewer, a spread of
3% is assumed. That is good enough for a warning, but not for a failure: runs of the same thing often differ by
10%, and sometimes by 30%. So with fewer runs, a time fails only if its whole interval is beyond doubling. In the
simulations of tests/reports/test_significance.py no comparison of the same thing fails at a spread of 3% or 10%,
and 3 of 100 at 30%, if a run is slower or faster in all of its figures. (If all 12 figures varied by 30%
independently of each other, 28 of 100 would.) A run that is three times as slow fails.

Losses are counts, and a loss that was not there before is a fault of its own: they can fail a single run; see
`loss_rates`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from loadtest.reports import loss_rates
from loadtest.reports.resampling import difference, difference_of_few, half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.reports.loss_rates import LossSample
    from loadtest.reports.resampling import Estimate

ENOUGH_RUNS: Final = 3
"""Runs on each side that show how much runs differ."""
RUN_TO_RUN: Final = 0.03
"""The standard deviation between runs, of a time's logarithm, that is assumed with fewer."""
FAILS_BEYOND_PERCENT: Final = 100.0
"""With fewer runs, a time fails only if the whole interval of its change is beyond this."""
FAILS_BEYOND_MS: Final = 1.0
"""And only if it is longer by this much: below, a scheduler's hiccup doubles it."""
NOTICEABLE_LOSS: Final = 0.005
"""A loss rate that rises by this much is never passed over, even if the run is too short to be sure."""
FALSE_ALARMS: Final = 0.05
"""The share of comparisons of the same thing that may call a figure worse, or one better."""
_LOSS_PART: Final = 0.4
"""Of these, for losses; the times share the rest equally (Bonferroni)."""


class ChangeWord(Enum):
    """What became of one figure, in words for the reader."""

    BETTER = "better"
    WORSE = "worse"
    MAYBE_BETTER = "better, not sure"
    MAYBE_WORSE = "worse, not sure"
    SAME = "no difference that this data can show"
    UNKNOWN = "too little data"


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of both sides.

    before, after: in `unit`; None if not measured.
    change, low, high: the change and its interval, in percent; of a share (unit `%`), in percentage points.
    """

    figure: str
    unit: str
    before: float | None
    after: float | None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    word: ChangeWord = ChangeWord.UNKNOWN

    @property
    def is_share(self) -> bool:
        """Whether it is a share, which has no tolerance."""
        return self.unit == "%"


def enough(before: Sequence[object], after: Sequence[object]) -> bool:
    """Return whether both sides have enough runs to show how much runs differ."""
    return min(len(before), len(after)) >= ENOUGH_RUNS


def judge_time(figure: str, before: Sequence[Estimate], after: Sequence[Estimate], figures: int) -> Change:
    """Judge one time.

    :param before, after: the logarithm of the time in µs, one estimate for each run.
    :param figures: how many times are judged together.
    """
    sure = enough(before, after)
    found = difference(before, after) if sure else difference_of_few(before, after, RUN_TO_RUN)
    half = half_width(found, 1 - 2 * FALSE_ALARMS * (1 - _LOSS_PART) / figures)
    low, change, high = (100 * math.expm1(found.value + offset) for offset in (-half, 0.0, half))
    before_ms, after_ms = (math.exp(sum(run.value for run in side) / len(side)) / 1000 for side in (before, after))
    if low > 0:
        beyond = low > FAILS_BEYOND_PERCENT and after_ms - before_ms >= FAILS_BEYOND_MS
        word = ChangeWord.WORSE if sure or beyond else ChangeWord.MAYBE_WORSE
    elif high < 0:
        word = ChangeWord.BETTER if sure else ChangeWord.MAYBE_BETTER
    else:
        word = ChangeWord.SAME
    return Change(figure, "ms", before_ms, after_ms, change, low, high, word)


def judge_untested(figure: str, before_ms: float | None, after_ms: float | None) -> Change:
    """Return a time that too few deliveries back to have an interval; one that doubles is still a warning."""
    if not before_ms or after_ms is None:
        return Change(figure, "ms", before_ms, after_ms)
    percent = 100 * (after_ms / before_ms - 1)
    if percent <= FAILS_BEYOND_PERCENT or after_ms - before_ms < FAILS_BEYOND_MS:
        return Change(figure, "ms", before_ms, after_ms)
    return Change(figure, "ms", before_ms, after_ms, percent, word=ChangeWord.MAYBE_WORSE)


def judge_losses(before: Sequence[LossSample], after: Sequence[LossSample]) -> Change:
    """Judge how many of the expected deliveries were lost."""
    rates = [loss_rates.rate(side) for side in (before, after)]
    percent = [None if rate is None else 100 * rate for rate in rates]
    if not all(run.expected for run in (*before, *after)):
        return Change("lost", "%", percent[0], percent[1])
    confidence = 1 - 2 * FALSE_ALARMS * _LOSS_PART
    found = loss_rates.compare_losses(before, after, confidence, enough_runs=enough(before, after))
    if found.low > 0:
        word = ChangeWord.WORSE
    elif found.high < 0:
        word = ChangeWord.BETTER
    elif found.counted_low > 0 or found.value >= NOTICEABLE_LOSS:
        word = ChangeWord.MAYBE_WORSE
    elif found.counted_high < 0:
        word = ChangeWord.MAYBE_BETTER
    else:
        word = ChangeWord.SAME
    change, low, high = (100 * value for value in (found.value, found.low, found.high))
    return Change("lost", "%", percent[0], percent[1], change, low, high, word)
