"""The tables of the Broadcast tabs, in the terms of Locust's page: a column each, and plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.names import shown

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Table:
    """A tab with a table. columns: key -> heading."""

    key: str
    title: str
    columns: Mapping[str, str]

    @property
    def structure(self) -> list[dict[str, str]]:
        """The columns as Locust's page wants them."""
        return [{"key": key, "title": title} for key, title in self.columns.items()]


ROOMS: Final = Table(
    "broadcast",
    "Broadcast",
    {
        "name": "Event",
        "room_class": "Members each",
        "rooms": "Rooms",
        "members": "Members",
        "expected": "Owed",
        "delivered": "Delivered",
        "lost": "Lost",
        "duplicate": "Duplicate",
        "reordered": "Reordered",
        "leaked": "Leaked",
        "p50": "p50 (ms)",
        "p90": "p90 (ms)",
        "p99": "p99 (ms)",
        "p999": "p99.9 (ms)",
        "max": "Max (ms)",
        "fan_out": "Fan-out p50 (ms)",
        "fan_out_p99": "Fan-out p99 (ms)",
    },
)
WORKERS: Final = Table(
    "broadcast-workers",
    "Broadcast Workers",
    {
        "name": "Worker",
        "id": "Id",
        "state": "State",
        "heard_s": "Heard (s ago)",
        "connected": "Connections",
        "members": "In a room",
        "generator_delay_ms": "Generator delay p99 (ms)",
        "loop_lag_ms": "Loop lag p99 (ms)",
        "offset": "Clock offset (ms)",
        "cpu_percent": "CPU (%)",
        "rss_mb": "Memory (MB)",
    },
)
TABLES: Final = (ROOMS, WORKERS)
FILES: Final = {
    "report.html": "Open the broadcast report of the last run",
    "record.zip": "Download the record of the last run (all files)",
    "rooms.csv": "Download deliveries by room CSV",
    "streams.csv": "Download deliveries by stream CSV",
    "workers.csv": "Download workers CSV",
    "timeline.csv": "Download time line CSV",
    "junit.xml": "Download objectives and checks as JUnit XML",
}
"""File of a record -> what the page calls it."""
_QUANTILES: Final = ("p50", "p90", "p99", "p999", "max")


def rows_of(snapshot: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Table -> its rows."""
    rooms = [
        {
            **{key: row[key] for key in ROOMS.columns if key in row},
            "name": shown(row["event"]),
            **{quantile: _ms(row["latency_ms"][quantile]) for quantile in _QUANTILES},
            "fan_out": _ms(row["fan_out_ms"]["p50"]),
            "fan_out_p99": _ms(row["fan_out_ms"]["p99"]),
        }
        for row in snapshot["rooms"]
    ]
    workers = [
        {
            **{key: row[key] for key in WORKERS.columns if key in row},
            "name": row["worker"],
            "offset": "" if row["offset_ms"] == "" else f"{row['offset_ms']:+.3f} ± {row['offset_bound_ms']:.3f}",
        }
        for row in snapshot["workers"]
    ]
    return {ROOMS.key: rooms, WORKERS.key: workers}


def _ms(value: float | None) -> float | str:
    return "–" if value is None else round(value, 1)
