"""How sure a quantile is, and a difference of two. Pure but for numpy; randomness comes in as an argument.

What one second's deliveries have in common (a broadcast, a busy backend) makes them no independent samples: a
bootstrap over deliveries would find a difference between any two runs. So blocks of seconds are resampled (Künsch
1989), and where there are several runs a side, it is the runs that are the samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from measure.latency import bounds_us

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .intervals import Counts

Floats = npt.NDArray[np.float64]

ROUNDS: Final = 500
_MOST_BLOCKS: Final = 30
_FEW_BLOCKS: Final = 10
_LEAST_BLOCK_S: Final = 5
LEAST_BLOCKS: Final = 5
_GRID: Final = 40_001
_MANY: Final = 1000.0
_PRIOR_FREEDOM: Final = 4.0
_RESOLUTION: Final = 0.001 / math.sqrt(12)
"""The standard error that the histogram's own steps leave, of a value's logarithm."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its standard error.

    freedom: degrees of freedom that the error was estimated with.
    """

    value: float
    error: float
    freedom: float


def blocks_of(seconds: int) -> int:
    """Into how many blocks a time of so many seconds is cut: at most 30, of 5 seconds at least."""
    return min(seconds // _LEAST_BLOCK_S, _MOST_BLOCKS)


def log_quantile(blocks: Counts, per_100k: int, rng: np.random.Generator) -> Estimate:
    """The logarithm of a quantile (in µs), by a bootstrap of blocks.

    :param blocks: histograms' counts, shape (blocks, steps), at least two blocks, not all empty.
    """
    filled = np.flatnonzero(blocks.sum(axis=0))
    counts = blocks[:, filled].astype(np.float64)
    lowest_us, widths_us = bounds_us(filled)
    logs = np.log(lowest_us + (widths_us - 1) / 2)

    def at(counts: Floats) -> Floats:
        reached = np.cumsum(counts, axis=1)
        ranks = np.maximum(np.ceil(reached[:, -1:] * per_100k / 100_000), 1)
        values = logs[np.minimum((reached < ranks).sum(axis=1), len(logs) - 1)]
        # A round in which nothing was taken but empty blocks says nothing.
        return values[reached[:, -1] > 0]

    value = float(at(counts.sum(axis=0, keepdims=True))[0])
    error, freedom = _widest(counts, at, rng)
    return Estimate(value, math.hypot(error, _RESOLUTION), freedom)


def share(parts: Floats, wholes: Floats, rng: np.random.Generator) -> Estimate:
    """A share of sums, by a bootstrap of blocks; never surer than by one more of the parts.

    :param parts, wholes: one of each for every block, at least two.
    """
    whole = float(wholes.sum())

    def at(sums: Floats) -> Floats:
        owed = sums[sums[:, 1] > 0]
        return owed[:, 0] / owed[:, 1]

    error, freedom = _widest(np.column_stack([parts, wholes]), at, rng)
    return Estimate(float(parts.sum()) / whole, max(error, 1 / whole), freedom)


def _widest(
    blocks: Floats, statistic: Callable[[Floats], Floats], rng: np.random.Generator
) -> tuple[float, float]:
    """The standard error of a statistic of sums, and its degrees of freedom: by blocks as they are, or by longer
    ones, if that is more, since what goes on for longer than a block is not seen by it."""
    found = []
    for number in dict.fromkeys((len(blocks), min(len(blocks), _FEW_BLOCKS))):
        joined = np.add.reduceat(blocks, np.linspace(0, len(blocks), number, endpoint=False).astype(int))
        taken = rng.multinomial(number, [1 / number] * number, size=ROUNDS).astype(np.float64)
        spread = float(statistic(taken @ joined).std()) * math.sqrt(number / (number - 1))
        found.append((spread, float(number - 1)))
    return max(found)


def difference(before: Sequence[Estimate], after: Sequence[Estimate], run_to_run: float = 0.0) -> Estimate:
    """After less before.

    One run a side: their own errors, and what is taken for granted between runs. More: how much runs of a side
    differ from each other, of both sides together, and never less than their own errors. As a few runs say little
    of that, what is taken for granted has a say, too: as if it had been estimated with 4 degrees of freedom (Smyth
    2004, the moderated t-statistic).

    :param run_to_run: the standard deviation of runs of the same thing that is taken for granted.
    """
    value = _mean(after) - _mean(before)
    runs = len(before) + len(after) - 2
    if not runs:
        (one,), (other,) = before, after
        estimated = one.error**2 + other.error**2
        total = estimated + 2 * run_to_run**2
        # Welch and Satterthwaite's, where what is taken for granted is not estimated.
        freedom = total**2 / (one.error**4 / one.freedom + other.error**4 / other.freedom) if estimated else _MANY
        return Estimate(value, math.sqrt(total), min(freedom, _MANY))
    squares = sum((run.value - _mean(side)) ** 2 for side in (before, after) for run in side)
    errors = [run.error**2 for side in (before, after) for run in side]
    own = sum(errors) / len(errors)
    freedom = runs + _PRIOR_FREEDOM
    variance = max((squares + _PRIOR_FREEDOM * (own + run_to_run**2)) / freedom, own)
    return Estimate(value, math.sqrt(variance * (1 / len(before) + 1 / len(after))), freedom)


def half_width(found: Estimate, confidence: float) -> float:
    """Half of the interval of an estimate."""
    return student_t((1 + confidence) / 2, found.freedom) * found.error


def student_t(probability: float, freedom: float) -> float:
    """A quantile of Student's distribution, for a probability above one half.

    With x = √ν tan θ its density is cos^(ν-1) θ, which is summed up.
    """
    angles = np.linspace(-np.pi / 2, np.pi / 2, _GRID)
    densities = np.cos(angles).clip(0, 1) ** (freedom - 1)
    reached = np.concatenate([[0.0], np.cumsum((densities[1:] + densities[:-1]) / 2)])
    angle = np.interp(probability, reached / reached[-1], angles)
    return math.sqrt(freedom) * math.tan(angle)


def _mean(estimates: Sequence[Estimate]) -> float:
    return sum(estimate.value for estimate in estimates) / len(estimates)
