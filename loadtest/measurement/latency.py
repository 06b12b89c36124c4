"""Latency histograms: recorded in microseconds, merged without loss, read in milliseconds.

HdrHistogram, 1 µs to 1 h with 3 significant digits: a quantile is at most 0.1% off. Shards are merged by adding
counts; quantiles are never averaged.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from hdrh.histogram import HdrHistogram

if TYPE_CHECKING:
    from collections.abc import Iterable

LOWEST_US = 1
HIGHEST_US = 3_600_000_000
SIGNIFICANT_DIGITS = 3
_STEP_BITS = 11

Samples = npt.NDArray[np.int64]

QUANTILES_PER_100K = {
    "p50": 50_000,
    "p90": 90_000,
    "p95": 95_000,
    "p99": 99_000,
    "p999": 99_900,
    "p9999": 99_990,
    "p99999": 99_999,
}
"""Name -> share of the values, in 1/100,000."""


def new_histogram() -> Any:
    """An empty histogram of the one configuration that is used everywhere."""
    return _untied(HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS))


def decode(encoded: bytes) -> Any:
    """A histogram from its encoded form; it raises what base64, zlib and ctypes raise if that is damaged."""
    return _untied(HdrHistogram.decode(encoded))


def _untied(histogram: Any) -> Any:
    """A histogram that goes when nobody needs it any more.

    The package ties it to its encoder in a circle, and Python's collector counts objects, not bytes: thousands of
    them, 90 KB each, would wait for it.
    """
    histogram.encoder.histogram = weakref.proxy(histogram)
    return histogram


def clip(samples_us: npt.ArrayLike) -> Samples:
    """Samples within the range: what lies outside is taken for its end, so that the count stays exact."""
    return np.asarray(samples_us, dtype=np.int64).clip(LOWEST_US, HIGHEST_US)


def steps_of(values_us: Samples) -> Samples:
    """The numbers of the steps that values within the range belong to."""
    # The histogram has 2048 steps up to 2048 µs, and 1024 for each power of two above; frexp's exponent is the
    # number of bits. Recording them one by one takes a hundred times as long.
    shift = np.maximum(np.frexp(values_us.astype(np.float64))[1].astype(np.int64) - _STEP_BITS, 0)
    return (shift << _STEP_BITS - 1) + (values_us >> shift)


def fold(histogram: Any, samples_us: npt.ArrayLike) -> None:
    """Record many samples."""
    values_us = clip(samples_us)
    if not len(values_us):
        return
    counts = np.frombuffer(histogram.counts, dtype=np.uint64)
    counts += np.bincount(steps_of(values_us), minlength=len(counts)).astype(np.uint64)
    histogram.total_count += len(values_us)
    histogram.min_value = min(histogram.min_value, int(values_us.min()))
    histogram.max_value = max(histogram.max_value, int(values_us.max()))


def quantiles_us(histogram: Any, per_100k: Iterable[int]) -> list[int]:
    """Quantiles of a histogram that is not empty, in µs, for shares in 1/100,000.

    A quantile is the smallest value that at least that share of all values does not exceed. (The package's own
    function rounds the rank to the nearest one, which is off by a whole value where there are few.)
    """
    return quantiles_of_counts_us(counts_of(histogram), per_100k)


def quantiles_of_counts_us(counts: Samples, per_100k: Iterable[int]) -> list[int]:
    """The same of a histogram's counts, as `counts_of` gives them, or of a sum of such."""
    reached = np.cumsum(counts)
    ranks = [-(-int(reached[-1]) * share // 100_000) for share in per_100k]
    lowest_us, widths_us = bounds_us(np.searchsorted(reached, ranks))
    return [int(value_us) for value_us in lowest_us + widths_us - 1]


def count_above(histogram: Any, limit_us: int) -> int:
    """How many values of a histogram are above a limit; those in the limit's own step are not."""
    counts = counts_of(histogram)
    steps = np.flatnonzero(counts)
    return int(counts[steps[bounds_us(steps)[0] > limit_us]].sum())


def summarise(histogram: Any) -> dict[str, float | int | None]:
    """Count, quantiles, mean and maximum in milliseconds; None for what an empty histogram does not have."""
    return summarise_counts(counts_of(histogram))


def summarise_counts(counts: Samples) -> dict[str, float | int | None]:
    """Summarize a histogram's counts in the same way; the maximum is known to three digits."""
    if not counts.any():
        return {"count": 0, "mean": None, **dict.fromkeys(QUANTILES_PER_100K), "max": None}
    steps = np.flatnonzero(counts)
    lowest_us, widths_us = bounds_us(steps)
    quantiles = quantiles_of_counts_us(counts, QUANTILES_PER_100K.values())
    return {
        "count": int(counts.sum()),
        "mean": round(float(np.average(lowest_us + widths_us // 2, weights=counts[steps])) / 1000, 3),
        **{name: value_us / 1000 for name, value_us in zip(QUANTILES_PER_100K, quantiles, strict=True)},
        "max": int(lowest_us[-1] + widths_us[-1] - 1) / 1000,
    }


def counts_of(histogram: Any) -> Samples:
    """The counts of all steps of a histogram: a view of its own memory.

    (The package's own iterator takes some 20 ms, in which nothing else can be done.)
    """
    return np.frombuffer(histogram.counts, dtype=np.int64)


def bounds_us(steps: Samples) -> tuple[Samples, Samples]:
    """The lowest values of steps, by their numbers, and their widths, in µs."""
    shift = np.maximum((steps >> _STEP_BITS - 1) - 1, 0)
    return steps - (shift << _STEP_BITS - 1) << shift, np.left_shift(1, shift)
