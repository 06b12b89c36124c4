"""Feeds Locust's own statistics in bulk, about once a second, with real latencies; never with zeros."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from locust.stats import StatsEntry, bucket_response_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from locust.stats import RequestStats

METHOD = "RECV"


def feed(stats: RequestStats, name: str, latencies_us: Iterable[int], now_s: float) -> None:
    """Add deliveries of one event, as if each had been a request.

    :param latencies_us: one number for each delivery.
    """
    latencies_ms = [max(latency_us, 0) / 1000 for latency_us in latencies_us]
    if not latencies_ms:
        return
    entry = StatsEntry(stats, name, METHOD)
    entry.start_time = entry.last_request_timestamp = now_s
    entry.num_requests = len(latencies_ms)
    entry.num_reqs_per_sec[int(now_s)] = len(latencies_ms)
    # Locust declares whole milliseconds and takes fractions.
    totals: Any = entry
    totals.total_response_time = sum(latencies_ms)
    totals.min_response_time = min(latencies_ms)
    totals.max_response_time = max(latencies_ms)
    entry.response_times.update(Counter(bucket_response_time(latency_ms) for latency_ms in latencies_ms))
    stats.entries[(name, METHOD)].extend(entry)
    stats.total.extend(entry)
