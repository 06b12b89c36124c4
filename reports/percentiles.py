"""Percentile distributions as HdrHistogram's plotters open them (`.hgrm`), in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loadtest.measurement.latency import bounds_us

if TYPE_CHECKING:
    from loadtest.reports.intervals import Counts

_TICKS_PER_HALF = 5


def render(counts: Counts) -> str:
    """The text of a histogram's distribution: value, percentile, count so far, 1/(1-percentile).

    :param counts: of a histogram that is not empty.
    """
    steps = np.flatnonzero(counts)
    reached = np.cumsum(counts[steps])
    lowest_us, widths_us = bounds_us(steps)
    highest_ms = (lowest_us + widths_us - 1) / 1000
    total = int(reached[-1])
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    level = 0.0
    place = 0
    while True:
        # Twice as many ticks for each half of the distance to 100%.
        place = int(np.searchsorted(reached, max(np.ceil(round(level * total, 6)), 1)))
        beyond = f"{1 / (1 - level):14.2f}" if level < 1 else ""
        lines.append(f"{highest_ms[place]:12.3f} {level:14.12f} {int(reached[place]):10d} {beyond}".rstrip())
        if level >= 1:
            break
        halves = int(np.log2(1 / (1 - level))) + 1
        level += 1 / (_TICKS_PER_HALF * 2**halves)
        if place == len(reached) - 1:
            level = 1.0
    counted = counts[steps]
    middle_ms = (lowest_us + widths_us // 2) / 1000
    mean = float(np.average(middle_ms, weights=counted))
    deviation = float(np.sqrt(np.average((middle_ms - mean) ** 2, weights=counted)))
    lines += [
        f"#[Mean    = {mean:12.3f}, StdDeviation   = {deviation:12.3f}]",
        f"#[Max     = {highest_ms[-1]:12.3f}, Total count    = {total:12d}]",
    ]
    return "\n".join(lines) + "\n"
