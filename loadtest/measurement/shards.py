"""A worker's samples of one interval on their way to the master: which steps of the histogram were met, how often.

HdrHistogram's own form holds every step up to the largest, and reading and adding those takes a master of some
hundred workers half of a core. This one is for the way alone: records keep the package's form.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from loadtest.measurement.latency import HIGHEST_US, LOWEST_US, SIGNIFICANT_DIGITS, Samples, clip, steps_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONFIGURATION: Final = (LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
_HEADER: Final = struct.Struct("<QQBQQI")
"""Configuration, least and largest value in µs, how many steps; their numbers (16 bits) and counts (32) follow."""


def pack(samples_us: Samples) -> bytes:
    """Samples that are not empty."""
    values_us = clip(samples_us)
    steps, counts = np.unique(steps_of(values_us), return_counts=True)
    head = _HEADER.pack(*_CONFIGURATION, int(values_us.min()), int(values_us.max()), len(steps))
    return head + steps.astype("<u2").tobytes() + counts.astype("<u4").tobytes()


def pack_all(samples_us: Mapping[str, Samples]) -> dict[str, bytes]:
    """Name -> packed, of all samples that are not empty."""
    return {name: pack(values_us) for name, values_us in samples_us.items() if len(values_us)}


def merge_packed(packed: bytes, *histograms: Any) -> None:
    """Add packed samples to histograms.

    :raises ValueError: if they were packed for another configuration.
    """
    *configuration, least_us, largest_us, length = _HEADER.unpack_from(packed)
    if tuple(configuration) != _CONFIGURATION:
        raise ValueError(f"a histogram of {tuple(configuration)} cannot be added to one of {_CONFIGURATION}")
    steps = np.frombuffer(packed, "<u2", length, _HEADER.size)
    counts = np.frombuffer(packed, "<u4", length, _HEADER.size + 2 * length)
    total = int(counts.sum())
    for histogram in histograms:
        # Each step is there once, so that nothing is lost by adding to all of them at once.
        np.frombuffer(histogram.counts, dtype=np.uint64)[steps] += counts
        histogram.total_count += total
        histogram.min_value = min(histogram.min_value, least_us)
        histogram.max_value = max(histogram.max_value, largest_us)
