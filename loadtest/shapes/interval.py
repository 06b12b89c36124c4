"""How sure a mean of a few seconds is. Pure."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOK_CONFIDENCE: Final = 0.99
"""Confidence of one interval. A decision may use several, see `level`."""
# Two-sided 99% quantiles of Student's t, by degrees of freedom from 1. Above 30, the last is used, which is wider.
_T: Final = (
    *(63.66, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169, 3.106, 3.055, 3.012, 2.977, 2.947),
    *(2.921, 2.898, 2.878, 2.861, 2.845, 2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750),
)
_NONE_IN: Final = -math.log(1 - LOOK_CONFIDENCE)
"""If none of n deliveries is late, the true share is at most this / n (the rule of three, for 99%)."""


def half_width(shares: Sequence[float], count: int) -> float:
    """Return half the width of the 99% interval of a mean of shares.

    By batch means: what one second's deliveries have in common makes them no independent samples, so that seconds
    are the samples. Where all seconds agree, by the rule of three.

    :param shares: one for each second, at least two.
    :param count: the deliveries in all of them.
    """
    quantile = _T[min(len(shares) - 1, len(_T)) - 1]
    spread = quantile * statistics.stdev(shares) / math.sqrt(len(shares))
    return max(spread, _NONE_IN / max(count, 1))
