"""One second of a run, over all workers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.latency import new_histogram, summarise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.measurement.first_receipts import BroadcastKey

TIMELINE_FIGURES: Final = ("count", "mean", "p50", "p90", "p99", "p999", "max")
"""What the time line has of each latency."""


@dataclass(slots=True)
class Spread:
    """The deliveries of one broadcast over all workers; times by the master's clock."""

    due_ns: int
    first_ns: int
    last_ns: int
    deliveries: int = 0
    slack_ns: int = 0

    def add(self, first_ns: int, last_ns: int, deliveries: int, slack_ns: int = 0) -> None:
        """Add some of its deliveries; see `FanOut`."""
        self.slack_ns = max(self.slack_ns, slack_ns)
        self.first_ns = min(self.first_ns, first_ns)
        self.last_ns = max(self.last_ns, last_ns)
        self.deliveries += deliveries


@dataclass(slots=True)
class Second:
    """One second of the time line over all workers; gauges by worker, as they were at its end.

    latencies: metric key -> histogram, see `names`.
    """

    at_s: int
    latencies: dict[str, Any] = field(default_factory=lambda: defaultdict(new_histogram))
    received: int = 0
    gauges: dict[str, dict[str, float]] = field(default_factory=dict)
    fan_outs: dict[BroadcastKey, Spread] = field(default_factory=dict)

    def fan_outs_us(self) -> dict[tuple[int, int], list[int]]:
        """(room, slot) -> of the broadcasts that more than one member received: from the first delivery to the
        last.
        """
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for (_, room, _, slot), spread in self.fan_outs.items():
            if spread.deliveries > 1:
                found[room, slot].append((spread.last_ns - spread.first_ns) // 1000)
        return found

    def fan_out_bounds_us(self) -> list[int]:
        """Return by how much the fan-out of each of these broadcasts may be wrong, because of reads together."""
        return [spread.slack_ns // 1000 for spread in self.fan_outs.values() if spread.deliveries > 1]

    def first_receipts(self) -> dict[BroadcastKey, tuple[int, int]]:
        """Return broadcast -> (when its trigger was due, its first receipt), by the master's clock."""
        return {broadcast: (spread.due_ns, spread.first_ns) for broadcast, spread in self.fan_outs.items()}

    def row(self, gauges: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
        """As a row of plain values: `<name>_<quantile>` in milliseconds.

        :param gauges: of all workers, those that did not report in this second included.
        """
        rows = gauges.values()
        cpu_percent = [row["cpu_percent"] for row in rows if "cpu_percent" in row]
        rss_mb = [row["rss_bytes"] / 1e6 for row in rows if "rss_bytes" in row]
        flat: dict[str, Any] = {
            "received": self.received,
            **{name: int(sum(row.get(name, 0) for row in rows)) for name in ("connected", "members")},
            "workers_cpu_percent": round(sum(cpu_percent) / max(len(cpu_percent), 1), 1),
            "workers_cpu_percent_max": round(max(cpu_percent, default=0.0), 1),
            "workers_rss_mb": round(sum(rss_mb), 2),
            "workers_rss_mb_max": round(max(rss_mb, default=0.0), 2),
        }
        for name, histogram in sorted(self.latencies.items()):
            figures = summarise(histogram)
            flat |= {f"{name}_{figure}": figures[figure] for figure in TIMELINE_FIGURES}
        return flat
