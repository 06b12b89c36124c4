"""How sure a mean of a few seconds is. Pure."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE: Final = 0.95
# Two-sided 95% quantiles of Student's t, by degrees of freedom from 1.
_T: Final = (
    *(12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_NORMAL: Final = 1.960
_RULE_OF_THREE: Final = 3.0


def half_width(shares: Sequence[float], count: int) -> float:
    """Half of the 95% interval of a mean of shares.

    By batch means: what one second's deliveries have in common makes them no independent samples, so that seconds
    are the samples. Where all seconds agree, by the rule of three.

    :param shares: one for each second, at least two.
    :param count: the deliveries in all of them.
    """
    freedom = len(shares) - 1
    quantile = _T[freedom - 1] if freedom <= len(_T) else _NORMAL
    spread = quantile * statistics.stdev(shares) / math.sqrt(len(shares))
    return max(spread, _RULE_OF_THREE / max(count, 1))
