"""Deliveries in Locust's own statistics."""

from __future__ import annotations

import numpy as np
import pytest
from locust.stats import RequestStats

from loadtest.measurement.names import key_of
from loadtest.run.worker import locust_stats


def test_locust_is_fed_real_times() -> None:
    stats = RequestStats()
    locust_stats.feed(stats, "agentLog", np.array([500, 147_000, 2_000]), 1000.5)
    locust_stats.feed(stats, "agentLog", np.array([8_000]), 1001.5)
    entry = stats.entries[("agentLog", "RECV")]
    assert (entry.num_requests, entry.min_response_time, entry.max_response_time) == (4, 0.5, 147.0)
    assert entry.total_response_time == 157.5
    assert dict(entry.response_times) == {0: 1, 150: 1, 2: 1, 8: 1}
    assert dict(entry.num_reqs_per_sec) == {1000: 3, 1001: 1}
    assert stats.total.num_requests == 4


def test_nothing_is_fed_where_nothing_came() -> None:
    stats = RequestStats()
    locust_stats.feed(stats, "agentLog", np.array([], dtype=np.int64), 1.0)
    assert not stats.entries


@pytest.mark.parametrize(
    ("event", "name"),
    [("agentLog", "agentLog"), ("=1+1", "'=1+1"), ("\x1b[2J\n", r"\x1b[2J\n"), ("trigger", "trigger (event)")],
)
def test_the_name_of_deliveries_in_locusts_statistics(event: str, name: str) -> None:
    assert locust_stats.name_of(key_of(event)) == name
