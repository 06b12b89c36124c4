"""Whether memory grows: a slope that outliers do not move, with its uncertainty.

The median of the slopes between all pairs of points (Theil 1950, Sen 1968), its interval by Kendall's rank
statistic. The points are medians of blocks of seconds, since neighboring seconds say nearly the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
_CLIENT_MB: Final = 0.25
"""Memory that a connected client may take while it is connected; Socket.IO servers take a tenth of it."""
_WARM_UP_MB: Final = 64.0
_WARM_UP_SHARE: Final = 0.5
_WARM_UP_S: Final = 180.0
"""In its first minutes a healthy runtime may grow by 64 MB, or by half if that is more: code, caches, garbage that
is not collected yet. After that it settles: over a longer time it may grow less, in proportion."""

STABLE, GROWS, SHRINKS, NOT_SURE, TOO_SHORT = "stable", "grows", "shrinks", "cannot be told", "too short to say"

Samples = list[tuple[float, float]]
"""(seconds, MB or clients), ascending."""


class Slope(NamedTuple):
    """The slope through points, with its 95% interval."""

    low: float
    middle: float
    high: float


def of_run(samples: Samples, connected: Samples) -> dict[str, Any] | None:
    """Judge a memory over a run, from the first connected client to the last.

    Over a steady load, small growth can be told. Over the whole run, whatever the load did, only growth that is
    beyond doubt can: see `sure_growth_percent`.

    :param samples: (seconds, MB), ascending.
    :param connected: (seconds, connected clients), ascending.
    :returns: as `judge`, with growth_percent, which is None if there are too few samples. None if there is no
        sample while somebody was connected.
    """
    steady_s = steadiest(connected)
    while_connected_s = [at_s for at_s, clients in connected if clients]
    loaded = [
        one for one in samples if while_connected_s and while_connected_s[0] <= one[0] <= while_connected_s[-1]
    ]
    if steady_s is None or not loaded:
        return None
    percent = sure_growth_percent(loaded, connected)
    steady = [one for one in samples if steady_s[0] <= one[0] <= steady_s[1]]
    found = judge(*zip(*(loaded if percent or not steady else steady), strict=True))
    assert found is not None
    return found | ({"verdict": GROWS} if percent else {}) | {"growth_percent": percent}


def sure_growth_percent(samples: Samples, connected: Samples) -> float | None:
    """Return by how many percent a memory grew beyond doubt.

    It is the low end of the 95% interval, without the first tenth of the time. It is 0 where more clients than
    before, or a runtime that warms up, may explain all of it.

    :param samples: (seconds, MB), ascending.
    :param connected: (seconds, connected clients), ascending.
    :returns: None if there are fewer than 8 samples, or no time between them.
    """
    settled_s = samples[0][0] + _SETTLING * (samples[-1][0] - samples[0][0])
    seen = [one for one in samples if one[0] >= settled_s]
    span_s = seen[-1][0] - seen[0][0]
    if len(seen) < _LEAST_BLOCKS or not span_s:
        return None
    at_s, mb = np.array(seen).T
    # Memory that was once used stays with the process when its clients leave: their peak counts.
    times_s, clients = np.array(connected, dtype=np.float64).T
    peaks = np.maximum.accumulate(clients)[np.clip(np.searchsorted(times_s, at_s, "right") - 1, 0, None)]
    blocks = min(_MOST_BLOCKS, max(len(seen) // _LEAST_BLOCK, _LEAST_BLOCKS))
    first_mb = float(np.median(np.array_split(mb, blocks)[0]))
    found = _block_slope(at_s, mb - _CLIENT_MB * (peaks - peaks[0]), blocks)
    if found is None or first_mb <= 0:
        return None
    sure_mb = found.low * span_s
    warm_up_mb = max(_WARM_UP_MB, _WARM_UP_SHARE * first_mb) * min(_WARM_UP_S / span_s, 1.0)
    doubtful = sure_mb <= max(warm_up_mb, _MATERIAL * first_mb)
    return 0.0 if doubtful else round(100 * sure_mb / first_mb, 2)


def judge(at_s: Sequence[float], mb: Sequence[float]) -> dict[str, Any] | None:
    """Judge a memory over time.

    :param at_s: seconds, ascending.
    :param mb: MB at those times.
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
    enough = blocks >= _LEAST_BLOCKS and span_s > 0 and level_mb > 0
    slope = _block_slope(times_s, values_mb, blocks) if enough else None
    if slope is None:
        return found | dict.fromkeys(("mb_per_hour", "low_mb_per_hour", "high_mb_per_hour"))
    material = _MATERIAL * level_mb / span_s
    if -material <= slope.low and slope.high <= material:
        verdict = STABLE
    elif slope.low > material or slope.high < -material:
        verdict = GROWS if slope.middle > 0 else SHRINKS
    else:
        verdict = NOT_SURE
    names = {"mb_per_hour": slope.middle, "low_mb_per_hour": slope.low, "high_mb_per_hour": slope.high}
    return found | {"verdict": verdict} | {name: round(per_s * _HOUR_S, 3) for name, per_s in names.items()}


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


def slope_of(x: Sequence[float], y: Sequence[float]) -> Slope | None:
    """Return the slope through points; None if no two of them differ in x.

    :param x: ascending.
    """
    return _theil_sen(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))


def _block_slope(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], blocks: int) -> Slope | None:
    """Return the slope through the medians of blocks."""
    middles = [np.array([np.median(block) for block in np.array_split(values, blocks)]) for values in (x, y)]
    return _theil_sen(*middles)


def _theil_sen(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> Slope | None:
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] > x[first]
    first, second = first[apart], second[apart]
    if not len(first):
        return None
    slopes = np.sort((y[second] - y[first]) / (x[second] - x[first]))
    count = len(x)
    spread = _NORMAL_95 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(math.floor((len(slopes) - spread) / 2), 0)
    high = min(math.ceil((len(slopes) + spread) / 2), len(slopes) - 1)
    return Slope(float(slopes[low]), float(np.median(slopes)), float(slopes[high]))
