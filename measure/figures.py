"""The figures of a run that objectives speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .connects import slowest_batch_ms
from .latency import summarise
from .presence import Counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .fleet import Fleet

FIGURES: Final = {
    "connect_20_ms": "the slowest 20 connects that were under way together, first start to last finish",
    "failures_at_50_connections": "connects and joins that failed, in a run that held 50 connections or more",
    "latency_mean_ms": "mean delivery latency over all timed events",
    "latency_p50_ms": "half of all deliveries took no longer",
    "latency_p90_ms": "90% of them",
    "latency_p95_ms": "95%",
    "latency_p99_ms": "99%",
    "latency_p999_ms": "99.9%",
    "latency_p9999_ms": "99.99%",
    "latency_p99999_ms": "99.999%",
    "latency_max_ms": "largest delivery latency over all timed events",
    "lost_percent": "lost of expected",
    "delivery_percent": "delivered of expected, in rooms with 20 members or more",
    "received_per_s": "events received a second by all clients, mean over the time that publishers published",
    "events_per_s_per_client": "the same by each connected client",
}
"""Figure -> what it is."""
PHASE_FIGURES: Final = tuple(
    name for name in FIGURES if name.startswith("latency_") or name in ("lost_percent", "received_per_s")
)
"""Those that each phase of a run has too."""

WARM_UP: Final = "warm-up"
"""The phase that counts in no figure."""
_BATCH: Final = 20
_MANY_CONNECTIONS: Final = 50
_MANY_MEMBERS: Final = 20


def crowded(fleet: Fleet, rooms: Mapping[int, list[Counts]]) -> Counts:
    """The counts of the rooms that many were members of.

    :param rooms: room -> counts of each slot.
    """
    members = fleet.by_key("members")
    return add_up(counts for room, slots in rooms.items() if members[room] >= _MANY_MEMBERS for counts in slots)


def figures_of(
    fleet: Fleet, everything: Counts, crowded: Counts, times: Any, publishing_s: float
) -> dict[str, float | None]:
    """All figures of a run; None for what it did not measure.

    :param everything: the counts of all rooms.
    :param crowded: those of the rooms with 20 members or more.
    :param times: the latencies of all events in one histogram.
    """
    latency = summarise(times)
    failures = fleet.counter("connect_failures") + fleet.counter("join_failures")
    many = fleet.most_connected >= _MANY_CONNECTIONS
    connected = [row["connected"] for row in fleet.timeline if row["connected"]]
    warm = [row["received"] for row in fleet.timeline if row["phase"] == WARM_UP]
    measured_s = publishing_s - len(warm)
    received = fleet.counter("received") - sum(warm)
    received_per_s = received / measured_s if connected and measured_s > 0 else None
    per_client = None if received_per_s is None else round(received_per_s / max(connected), 3)
    batch_ms = slowest_batch_ms((connect for totals in fleet.totals() for connect in totals.connects), _BATCH)
    return {
        "connect_20_ms": None if batch_ms is None else round(batch_ms, 3),
        "failures_at_50_connections": float(failures) if many else None,
        **{f"latency_{figure}_ms": value for figure, value in latency.items() if figure != "count"},
        "lost_percent": _percent(everything.lost, everything.expected),
        "delivery_percent": 100.0 * crowded.delivered / crowded.expected if crowded.expected else None,
        "received_per_s": None if received_per_s is None else round(received_per_s, 3),
        "events_per_s_per_client": per_client,
    }


def add_up(counts: Iterable[Counts]) -> Counts:
    """Several counts as one."""
    total = Counts()
    for more in counts:
        total.add(more)
    return total


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 6) if whole else None
