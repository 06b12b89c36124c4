"""Feeds Locust's own statistics in bulk, about once a second, with real latencies; never with zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from locust.stats import StatsEntry, bucket_response_time

from loadtest.measurement import names

if TYPE_CHECKING:
    from locust.stats import RequestStats

    from loadtest.measurement.latency import Samples

METHOD = "RECV"


def name_of(key: str) -> str:
    """Return the name of deliveries in Locust's statistics: it stands on its page, on terminals and in its CSV."""
    event = names.event_of(key)
    return names.no_formula(key if event is None else names.label(event))


def feed(stats: RequestStats, key: str, latencies_us: Samples, now_s: float) -> None:
    """Add deliveries of one event, as if each had been a request.

    :param key: their metric key.
    :param latencies_us: one number for each delivery.
    """
    if not len(latencies_us):
        return
    name = name_of(key)
    entry = StatsEntry(stats, name, METHOD)
    entry.start_time = entry.last_request_timestamp = now_s
    entry.num_requests = len(latencies_us)
    entry.num_reqs_per_sec[int(now_s)] = len(latencies_us)
    # Locust declares whole milliseconds and takes fractions.
    totals: Any = entry
    positive_us = latencies_us.clip(min=0)
    totals.total_response_time = float(positive_us.sum()) / 1000
    totals.min_response_time = float(positive_us.min()) / 1000
    totals.max_response_time = float(positive_us.max()) / 1000
    # Locust's buckets are no finer than this, and each of its roundings takes as long as a delivery may.
    for value_ms, count in zip(*np.unique(np.rint(positive_us / 1000), return_counts=True), strict=True):
        entry.response_times[bucket_response_time(float(value_ms))] += int(count)
    stats.entries[(name, METHOD)].extend(entry)
    stats.total.extend(entry)
