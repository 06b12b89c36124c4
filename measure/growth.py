"""Whether memory grows: a slope that outliers do not move, with how sure it is.

The median of the slopes between all pairs of points (Theil 1950, Sen 1968), its interval by Kendall's rank
statistic. The points are medians of blocks of seconds, since neighbouring seconds say nearly the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_BLOCKS: Final = 40
_LEAST_BLOCKS: Final = 8
_LEAST_BLOCK: Final = 3
_NORMAL_95: Final = 1.96
_MATERIAL: Final = 0.02
"""A change over the time that was looked at, as a share of the memory, that matters."""
_HOUR_S: Final = 3600.0
_NEAR: Final = 0.05
_SETTLING: Final = 0.1

STABLE, GROWS, SHRINKS, NOT_SURE, TOO_SHORT = "stable", "grows", "shrinks", "cannot be told", "too short to say"


def judge(at_s: Sequence[float], mb: Sequence[float]) -> dict[str, Any] | None:
    """Judge a memory over time.

    :param at_s: when, ascending.
    :param mb: how much then.
    :returns: {verdict, mb, seconds, mb_per_hour, low_mb_per_hour, high_mb_per_hour}, the interval one of 95%. It
        is `stable` if the whole interval changes less than 2% of the memory in the time looked at, and `grows` if
        all of it grows by more. None if there is nothing to judge.
    """
    if not at_s:
        return None
    times_s, values_mb = np.asarray(at_s, dtype=np.float64), np.asarray(mb, dtype=np.float64)
    level_mb, span_s = float(np.median(values_mb)), float(times_s[-1] - times_s[0])
    found = {"verdict": TOO_SHORT, "mb": round(level_mb, 2), "seconds": round(span_s, 1)}
    blocks = min(_MOST_BLOCKS, len(times_s) // _LEAST_BLOCK)
    if blocks < _LEAST_BLOCKS or not span_s or not level_mb:
        return found | dict.fromkeys(("mb_per_hour", "low_mb_per_hour", "high_mb_per_hour"))
    middle_s = [float(np.median(block)) for block in np.array_split(times_s, blocks)]
    middle_mb = [float(np.median(block)) for block in np.array_split(values_mb, blocks)]
    low, slope, high = _theil_sen(np.array(middle_s), np.array(middle_mb))
    material = _MATERIAL * level_mb / span_s
    if -material <= low and high <= material:
        verdict = STABLE
    elif low > material or high < -material:
        verdict = GROWS if slope > 0 else SHRINKS
    else:
        verdict = NOT_SURE
    hourly = {
        name: round(per_s * _HOUR_S, 3)
        for name, per_s in (("mb_per_hour", slope), ("low_mb_per_hour", low), ("high_mb_per_hour", high))
    }
    return found | {"verdict": verdict} | hourly


def steadiest(levels: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """The longest time in which a level stayed near where it began, without the first tenth, which is settling.

    :param levels: (when, level), ascending.
    :returns: its first and last moment; None if the level was never above 0.
    """
    best: tuple[float, float] | None = None
    began: tuple[float, float] | None = None
    for at_s, level in levels:
        if began is None or abs(level - began[1]) > _NEAR * began[1]:
            began = (at_s, level) if level else None
        if began is not None and (best is None or at_s - began[0] > best[1] - best[0]):
            best = (began[0], at_s)
    return None if best is None else (best[0] + _SETTLING * (best[1] - best[0]), best[1])


def _theil_sen(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """(low, slope, high), 95%."""
    first, second = np.triu_indices(len(x), 1)
    slopes = np.sort((y[second] - y[first]) / (x[second] - x[first]))
    count = len(x)
    spread = _NORMAL_95 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(math.floor((len(slopes) - spread) / 2), 0)
    high = min(math.ceil((len(slopes) + spread) / 2), len(slopes) - 1)
    return float(slopes[low]), float(np.median(slopes)), float(slopes[high])
