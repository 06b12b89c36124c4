"""A run that goes on as Prometheus metrics, in base units: seconds, bytes and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from loadtest.measurement import families
from loadtest.measurement.families import PREFIX, by, gauge
from loadtest.measurement.latency import bounds_us, counts_of
from loadtest.measurement.names import sound
from loadtest.measurement.outcome import OutcomeWord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.core import Metric

BUCKETS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000)
_COUNTED: Final = ("expected", "delivered", "lost", "missed_offline", "duplicate", "reordered", "leaked")
_GAUGES: Final = {
    "connected": ("worker_connected_clients", "Clients connected."),
    "generator_delay_ms": (
        "worker_generator_delay_seconds",
        "How long what the kernel had received waited for the worker: p99 of its last second.",
    ),
    "loop_lag_ms": (
        "worker_loop_lag_seconds",
        "How late the worker's event loop woke up: p99 of its last second.",
    ),
    "offset_ms": ("worker_clock_offset_seconds", "The worker's clock against the master's."),
    "offset_bound_ms": ("worker_clock_bound_seconds", "By how much the offset may be wrong."),
    "cpu_percent": ("worker_cpu_ratio", "CPU of the worker's process: 1 is a core."),
    "rss_mb": ("worker_resident_memory_bytes", "Resident memory of the worker's process."),
}
_SCALES: Final = {"_ms": 1e-3, "_percent": 1e-2, "_mb": 1e6}


def render(snapshot: Mapping[str, Any], histograms: Mapping[str, Any]) -> bytes:
    """The text format.

    :param snapshot: see `live.snapshot`.
    :param histograms: event -> its latencies in µs.
    """
    registry = CollectorRegistry()
    registry.register(_Live(snapshot, histograms))
    return generate_latest(registry)


class _Live(Collector):
    def __init__(self, snapshot: Mapping[str, Any], histograms: Mapping[str, Any]) -> None:
        self._snapshot = snapshot
        self._histograms = histograms

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        snapshot = self._snapshot
        state = GaugeMetricFamily(PREFIX + "running", "1 while a run goes on.", labels=["run_id"])
        if run_id := snapshot.get("run_id"):
            state.add_metric([run_id], float(snapshot["state"] == "running"))
        yield state
        yield families.verdict(snapshot["verdict"])
        if word := snapshot.get("outcome"):
            yield from families.outcome(OutcomeWord(word), snapshot["exit_code"])
        if not snapshot.get("run_id"):
            return
        yield self._latency()
        yield from self._counts()
        yield by("triggers", "Triggers, by what became of them.", "outcome", snapshot["triggers"])
        connections = snapshot["connections"]
        yield gauge("connected_clients", "Clients connected.", connections["connected"])
        yield gauge("members", "Clients in a room.", connections["members"])
        yield _counter("connections_lost", "Connections that ended against our will.", connections["lost"])
        yield _counter("connects_failed", "Connections that could not be made.", snapshot["connect_ms"]["failed"])
        yield from families.objectives(snapshot["objectives"])
        yield from _workers(snapshot["workers"])

    def _latency(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            PREFIX + "delivery_latency_seconds",
            "From when a broadcast was due to when it was received.",
            labels=["event"],
        )
        for event, histogram in self._histograms.items():
            buckets, total_s = buckets_of(histogram)
            family.add_metric([sound(event)], buckets, total_s)
        return family

    def _counts(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            PREFIX + "deliveries",
            "Deliveries by what became of them, as last counted; in flight at the edge of a membership: neither.",
            labels=["event", "room_class", "outcome"],
        )
        for row in self._snapshot["rooms"]:
            for outcome in _COUNTED:
                family.add_metric([sound(row["event"]), row["room_class"], outcome], row[outcome])
        yield family
        other = {name: self._snapshot["deliveries"][name] for name in ("corrupt", "foreign", "coalesced")}
        yield by("odd_deliveries", "Deliveries that something is wrong with.", "kind", other)


def buckets_of(histogram: Any) -> tuple[list[tuple[str, float]], float]:
    """Cumulative buckets as the text format has them, with the sum in seconds.

    A value counts below a bound if its step ends there or before: to three digits.
    """
    counts = counts_of(histogram)
    steps = np.flatnonzero(counts)
    lowest_us, widths_us = bounds_us(steps)
    reached = np.cumsum(counts[steps])
    ends_us = lowest_us + widths_us - 1
    buckets = []
    for bound_ms in BUCKETS_MS:
        below = int(np.searchsorted(ends_us, bound_ms * 1000, side="right"))
        buckets.append((f"{bound_ms / 1000:g}", float(reached[below - 1]) if below else 0.0))
    buckets.append(("+Inf", float(reached[-1]) if len(reached) else 0.0))
    total_us = float(((lowest_us + widths_us // 2) * counts[steps]).sum())
    return buckets, total_us / 1e6


def _workers(rows: Iterable[Mapping[str, Any]]) -> Iterator[Metric]:
    rows = list(rows)
    for column, (name, text) in _GAUGES.items():
        scale = next((scale for unit, scale in _SCALES.items() if column.endswith(unit)), 1)
        family = GaugeMetricFamily(PREFIX + name, text, labels=["worker"])
        for row in rows:
            if row[column] != "":
                family.add_metric([str(row["worker"])], row[column] * scale)
        yield family


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + name, text, value=value)
