"""One second of a run, over all workers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .latency import new_histogram, summarise

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMELINE_FIGURES: Final = ("count", "mean", "p50", "p90", "p99", "p999", "max")
"""What the time line has of each latency."""


@dataclass(slots=True)
class Second:
    """One second of the time line over all workers; gauges by worker, as they were at its end."""

    at_s: int
    latencies: dict[str, Any] = field(default_factory=lambda: defaultdict(new_histogram))
    received: int = 0
    gauges: dict[str, dict[str, float]] = field(default_factory=dict)
    fan_outs: dict[tuple[int, int, int, int], list[int]] = field(default_factory=dict)
    """(publisher, room, seq, slot) -> first, last, deliveries."""

    def fan_outs_us(self) -> dict[tuple[int, int], list[int]]:
        """(room, slot) -> of the broadcasts that more than one member received: from the first delivery to the
        last.
        """
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for (_, room, _, slot), (first_ns, last_ns, count) in self.fan_outs.items():
            if count > 1:
                found[room, slot].append((last_ns - first_ns) // 1000)
        return found

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
