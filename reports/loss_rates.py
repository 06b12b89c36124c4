"""How sure a difference of two loss rates is. Pure but for numpy.

Deliveries are not independent trials: a broadcast that the backend drops is lost to all members at once, and a
slow minute loses many broadcasts. So a rate counts as measured on an *effective number* of deliveries, which is
their number divided by a design effect (Korn and Graubard 1998, "Confidence intervals for proportions with small
expected number of positive counts estimated from survey data"):

- If a run has lost something and its timeline has 10 seconds or more, the design effect is how much more the
  losses scatter between seconds, or between tenths of the run, than independent ones would.
- Otherwise each trigger is one trial: all deliveries that it makes may be lost together.

Each rate has Wilson's score interval, which works for a handful of trials and for rates of 0 and 1. The interval
of the difference is Newcombe's (1998, "Interval estimation for the difference between independent proportions",
method 10). The spread between runs of the same thing is added in quadrature: measured if both sides have enough
runs, and otherwise assumed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from loadtest.reports.resampling import Estimate, difference, student_t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.reports.resampling import Floats

_MIN_SECONDS: Final = 10
_LONG_BLOCKS: Final = 10
_MANY: Final = 1000.0
RUN_TO_RUN: Final = 0.3
"""The standard deviation between runs, of the odds of a loss, that is assumed where it cannot be measured."""


@dataclass(frozen=True, slots=True)
class LossSample:
    """The losses of one run.

    expected, lost: deliveries, by the run's accounts.
    triggers: how many triggers made them; 0 if that is not known.
    seconds: shape (seconds, 2), expected and lost deliveries of each second; may be empty.
    """

    expected: int
    lost: int
    triggers: int
    seconds: Floats

    @property
    def rate(self) -> float:
        """Lost of expected, from 0 to 1."""
        return self.lost / self.expected


@dataclass(frozen=True, slots=True)
class LossDifference:
    """The difference of two rates, and its interval.

    counted_low, counted_high: the interval as if runs of the same thing never differed.
    """

    value: float
    low: float
    high: float
    counted_low: float
    counted_high: float


def rate(side: Sequence[LossSample]) -> float | None:
    """Return the loss rate of all runs of a side together; None if nothing was expected."""
    expected = sum(run.expected for run in side)
    return sum(run.lost for run in side) / expected if expected else None


def compare_losses(
    before: Sequence[LossSample], after: Sequence[LossSample], confidence: float, *, enough_runs: bool
) -> LossDifference:
    """Return the difference of two sides, each with deliveries expected in all of its runs.

    :param enough_runs: whether both sides have enough runs to show how much runs differ.
    """
    probability = (1 + confidence) / 2
    effect, freedom = _design_effect([*before, *after])
    quantile = student_t(probability, freedom)
    rates, intervals = [], []
    for side in (before, after):
        side_rate = rate(side)
        assert side_rate is not None
        rates.append(side_rate)
        trials = sum(_effective_number(run, effect) for run in side)
        intervals.append(_wilson(side_rate, trials, quantile))
    value = rates[1] - rates[0]
    down = math.hypot(rates[1] - intervals[1][0], intervals[0][1] - rates[0])
    up = math.hypot(intervals[1][1] - rates[1], rates[0] - intervals[0][0])
    if enough_runs:
        sides = [[Estimate(run.rate, 0.0, _MANY) for run in side] for side in (before, after)]
        runs = difference(sides[0], sides[1])
        between = runs.error * student_t(probability, runs.freedom)
    else:
        spreads = [
            RUN_TO_RUN * one * (1 - one) / math.sqrt(len(side))
            for one, side in zip(rates, (before, after), strict=True)
        ]
        between = math.hypot(*spreads) * student_t(probability, _MANY)
    return LossDifference(
        value, value - math.hypot(down, between), value + math.hypot(up, between), value - down, value + up
    )


def _effective_number(run: LossSample, effect: float | None) -> float:
    if effect is not None:
        return run.expected / effect
    return float(min(run.triggers or len(run.seconds) or 1, run.expected))


def _design_effect(runs: Sequence[LossSample]) -> tuple[float | None, float]:
    """Return the largest design effect of all runs, and its degrees of freedom; None if no run can tell."""
    found = [
        one
        for run in runs
        if len(run.seconds) >= _MIN_SECONDS and 0 < run.seconds[:, 1].sum() < run.seconds[:, 0].sum()
        for one in (_scatter(run.seconds), _scatter(_joined(run.seconds)))
    ]
    if not found:
        return None, _MANY
    effect, freedom = max(found)
    return max(effect, 1.0), freedom


def _scatter(blocks: Floats) -> tuple[float, float]:
    """Return the variance of a rate over blocks, as a multiple of that of independent losses, and its freedom."""
    expected, lost = blocks.sum(axis=0)
    loss_rate = lost / expected
    count = len(blocks)
    squares = float(((blocks[:, 1] - loss_rate * blocks[:, 0]) ** 2).sum()) * count / (count - 1)
    return squares / float(expected * loss_rate * (1 - loss_rate)), float(count - 1)


def _joined(seconds: Floats) -> Floats:
    """Longer blocks see what goes on for longer than a second."""
    starts = np.linspace(0, len(seconds), _LONG_BLOCKS, endpoint=False).astype(int)
    joined: Floats = np.add.reduceat(seconds, starts)
    return joined


def _wilson(loss_rate: float, trials: float, quantile: float) -> tuple[float, float]:
    squared = quantile**2
    middle = (loss_rate + squared / (2 * trials)) / (1 + squared / trials)
    half = (
        quantile
        / (1 + squared / trials)
        * math.sqrt(loss_rate * (1 - loss_rate) / trials + squared / (2 * trials) ** 2)
    )
    return max(middle - half, 0.0), min(middle + half, 1.0)
