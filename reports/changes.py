"""Where a series of runs has changed. Pure but for numpy; randomness comes in as an argument.

The place at which the ranks before and after differ most, if a random order of the same runs hardly ever differs
as much; then the same on both sides of it. Ranks, so that one run that is far off is no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAST: Final = 4
"""Runs on each side of a change."""
_SURE: Final = 0.998
_ORDERS: Final = 4999


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """at: the first run after it. before, after: the medians on both sides, to the next change."""

    at: int
    before: float
    after: float


def change_points(values: Sequence[float], rng: np.random.Generator) -> list[ChangePoint]:
    """The changes in a series, in its order.

    :param values: one of each run, without gaps.
    """
    if not len(values):
        return []
    places = [0, *sorted(_split(np.asarray(values, dtype=np.float64), 0, rng)), len(values)]
    medians = [float(np.median(values[start:stop])) for start, stop in pairwise(places)]
    return [ChangePoint(place, *pair) for place, pair in zip(places[1:-1], pairwise(medians), strict=True)]


def _split(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], offset: int, rng: np.random.Generator
) -> list[int]:
    count = len(values)
    if count < 2 * _LEAST:
        return []
    ranks = _ranks(values)
    orders = rng.permuted(np.tile(ranks, (_ORDERS, 1)), axis=1)
    splits = np.arange(_LEAST, count - _LEAST + 1)
    scale = np.sqrt(splits * (count - splits) / count)
    sums = np.abs(np.cumsum(np.vstack([ranks, orders]), axis=1)[:, splits - 1]) / scale
    most = sums.max(axis=1)
    if np.mean(most >= most[0]) > 1 - _SURE or not most[0]:
        return []
    place = int(splits[int(sums[0].argmax())])
    return [
        *_split(values[:place], offset, rng),
        offset + place,
        *_split(values[place:], offset + place, rng),
    ]


def _ranks(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Ranks about 0; equal values have their mean."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: np.ndarray[tuple[int], np.dtype[np.float64]] = (ends - (counts - 1) / 2)[which]
    return ranks - ranks.mean()
