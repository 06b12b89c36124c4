"""Evidence on which each rule fires, and on which none does."""

from __future__ import annotations

from typing import Any

from loadtest.measurement.evidence import Evidence
from loadtest.measurement.keys import KeyCounts

GOOD = Evidence(expected=1000, due=1000, loop_lag_p99_ms=1.0, cpu_percent=50.0)

FIRES: dict[str, dict[str, Any]] = {
    "nothing measured": {"expected": 0},
    "adapter failed": {"adapter_errors": 1},
    "ids never match": {"unmatched": 9, "keys": KeyCounts(learned=3)},
    "some ids do not match": {"unmatched": 9, "keys": KeyCounts(3, 2, 1, 4)},
    "throttled": {"throttled": 1, "refused": 1},
    "refused triggers": {"throttled": 1, "refused": 2},
    "missed sends": {"missed": 11},
    "some missed sends": {"missed": 2},
    "lost workers": {"lost_workers": ["2 (10 connections, 99 deliveries timed)"]},
    "worker was away": {"away_workers": ["2 (7 s)"]},
    "late triggers": {"late_triggers": 1},
    "unknown triggers": {"unknown_triggers": 1},
    "unowed deliveries": {"unowed": 1},
    "failed triggers": {"failed": 1, "foreign": 9, "lost": 2},
    "accounts differ": {"timed": 1},
    "missing reports": {"missing_reports": 1},
    "totals differ": {"uncounted_reports": 1},
    "out of descriptors or ports": {"exhausted": 1},
    "errors of our own": {"internal_errors": 1},
    "event loop stalled": {"loop_lag_p99_ms": 201.0},
    "event loop lags": {"loop_lag_p99_ms": 26.0},
    "generator stalled": {"generator_delay_p99_ms": 201.0},
    "generator delays": {"generator_delay_p99_ms": 26.0},
    "coalesced reads": {"bounded_ms": {"p50": (8.0, 5.9)}},
    "user-space times": {"user_space_workers": ["2 (1.1 ms)"], "user_space_lag_ms": 1.1},
    "connects were sent again": {"sent_again": 2, "connects": 1000},
    "negative latency": {"negative_latency": 1},
    "clock unknown": {"unbounded_latency": 1},
    "clocks too far apart": {"clock_bound_p99_ms": 10.1},
    "clock was set": {"clock_steps": 1},
    "busy worker": {"cpu_percent": 91.0},
    "cpu warning": {"cpu_warning": True},
    "overloaded throughout": {"overloaded": 91, "judged": 9},
    "cut short": {"interrupted": True},
}
