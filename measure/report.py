"""What a worker tells the master: numbered reports while it runs, totals at the end. Plain data both ways."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .presence import Counts
from .triggers import Outcome, Trigger


@dataclass(slots=True)
class WorkerReport:
    """One interval of one worker.

    number: counts from 1 without holes. at_s: the second that the interval covers, since the
    epoch. triggers: those
    that came to their end. latencies: name -> encoded histogram in µs. counters: cumulative since the start of
    the run (due, sent, missed, refused, failed, received, corrupt, foreign, negative_latency, connects,
    connect_failures, connections_lost, reconnects, disconnects, join_failures,
    user_errors). gauges: connected, members. health: of the
    worker process itself (loop_lag_ms, cpu_percent, rss_bytes).
    """

    number: int
    at_s: int
    triggers: list[Trigger]
    latencies: dict[str, bytes]
    counters: dict[str, int]
    gauges: dict[str, int]
    health: dict[str, float]

    def to_message(self) -> dict[str, Any]:
        """As a message."""
        return asdict(self) | {"triggers": [list(trigger) for trigger in self.triggers]}

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> WorkerReport:
        """From a message."""
        return cls(**(message | {"triggers": triggers_from(message["triggers"])}))


@dataclass(slots=True)
class Totals:
    """Everything one worker counted.

    reports: how many reports it sent. rooms: room -> counts of each slot. members: room -> users that were ever
    in it. leaked: room -> deliveries to sockets outside of it. connects: [started, finished] of each connect in
    nanoseconds since the epoch.
    """

    reports: int
    counters: dict[str, int]
    rooms: dict[int, list[Counts]]
    members: dict[int, int]
    leaked: dict[int, int]
    untraced: dict[str, int]
    failures: dict[str, int]
    connects: list[tuple[int, int]]

    def to_message(self) -> dict[str, Any]:
        """As a message; the keys of its maps are strings or integers."""
        return asdict(self)

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Totals:
        """From a message."""
        rooms = {int(room): [Counts(**slot) for slot in slots] for room, slots in dict(message["rooms"]).items()}
        connects = [(started, finished) for started, finished in message["connects"]]
        return cls(**(message | {"rooms": rooms, "connects": connects}))


def triggers_from(rows: list[Any]) -> list[Trigger]:
    """Triggers from a message's rows."""
    return [
        Trigger(room, publisher, seq, due_ns, sent_ns, Outcome(outcome), key)
        for room, publisher, seq, due_ns, sent_ns, outcome, key in rows
    ]
