"""How sure a quantile is, and a difference of two. Pure but for numpy; randomness comes in as an argument.

The deliveries of one second share a broadcast and a busy backend, so they are not independent samples: a bootstrap
over deliveries would find a difference between any two runs. So blocks of seconds are resampled (Künsch 1989), and
with several runs on each side the runs are the samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from loadtest.measurement.latency import bounds_us

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loadtest.reports.intervals import Counts

Floats = npt.NDArray[np.float64]

ROUNDS: Final = 500
_MOST_BLOCKS: Final = 30
_FEW_BLOCKS: Final = 10
_BLOCK_S: Final = 5
MIN_BLOCKS: Final = 3
_GRID: Final = 40_001
_MAX_FREEDOM: Final = 1000.0
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
    """Return how many blocks to cut a run into.

    At most 30 of 5 seconds or more; of a run that is too short for 10 of these, 10 of a second or more.
    """
    return max(min(seconds // _BLOCK_S, _MOST_BLOCKS), min(seconds, _FEW_BLOCKS))


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


def difference(before: Sequence[Estimate], after: Sequence[Estimate]) -> Estimate:
    """Return after minus before, where the runs of each side show how much runs differ from each other.

    Student's two-sample test with a pooled variance, which is never below the runs' own errors. It holds for any
    spread between runs, so nothing is assumed about that.

    :param before, after: together at least three runs.
    """
    freedom = len(before) + len(after) - 2
    variance = max(_pooled_variance(before, after), _own_variance(before, after))
    error = math.sqrt(variance * (1 / len(before) + 1 / len(after)))
    return Estimate(_mean(after) - _mean(before), error, freedom)


def difference_of_few(before: Sequence[Estimate], after: Sequence[Estimate], run_to_run: float) -> Estimate:
    """Return after minus before, where there are too few runs to show how much runs differ.

    :param run_to_run: the standard deviation between runs that is assumed; runs that differ more are believed.
    """
    own = _own_variance(before, after)
    variance = max(_pooled_variance(before, after), own + run_to_run**2)
    scale = 1 / len(before) + 1 / len(after)
    # Welch and Satterthwaite: only the part that was estimated from blocks has limited freedom.
    uncertain = sum(
        (run.error / len(side)) ** 4 / run.freedom for side in (before, after) for run in side if run.error
    )
    total = variance * scale
    freedom = min(total**2 / uncertain, _MAX_FREEDOM) if uncertain else _MAX_FREEDOM
    return Estimate(_mean(after) - _mean(before), math.sqrt(total), freedom)


def half_width(found: Estimate, confidence: float) -> float:
    """Half of the interval of an estimate."""
    return student_t((1 + confidence) / 2, found.freedom) * found.error


@lru_cache(maxsize=1024)
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


def _own_variance(*sides: Sequence[Estimate]) -> float:
    errors = [run.error**2 for side in sides for run in side]
    return sum(errors) / len(errors)


def _pooled_variance(*sides: Sequence[Estimate]) -> float:
    """The variance between runs of a side, of all sides together; 0 where each side has a single run."""
    freedom = sum(len(side) - 1 for side in sides)
    squares = sum((run.value - _mean(side)) ** 2 for side in sides for run in side)
    return squares / freedom if freedom else 0.0
