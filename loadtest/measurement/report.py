"""What a worker tells the master: numbered reports while it runs, totals at the end. Plain data both ways."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from loadtest.measurement.keys import KeyCounts
from loadtest.measurement.presence import Counts
from loadtest.measurement.taken import FanOut
from loadtest.measurement.triggers import Outcome, Trigger

if TYPE_CHECKING:
    from loadtest.measurement.throttle import BudgetRow

StreamSlot = tuple[int, int, int]
"""(room, publisher, slot)."""


@dataclass(slots=True)
class WorkerReport:
    """One interval of one worker.

    number: counts from 1 without holes. at_s: the second in which the interval began, since the epoch, by the
    master's clock. complete_ns: all of this worker's triggers that left before that moment of the master's clock
    were reported, with this report. triggers: those that came to their end. latencies: name (see `Taken`) ->
    samples, see `shards`. fan_outs: of the broadcasts that were received. timed: (room, slot) -> deliveries timed
    since the start of the run. counters: cumulative since the start of the run (due, sent, missed, refused,
    failed, throttled, withheld, unmade, unread_answers, adapter_errors, late_triggers, received, coalesced,
    leaked_untraced, corrupt, foreign, unmatched, unreadable, negative_latency, unbounded_latency, clock_steps,
    doubtful_bounds,
    connects, connect_failures, reconnects, reconnect_failures, recovered, sent_again, connections_lost,
    connections_dropped, away, disconnects, join_failures, unanswered, user_errors, internal_errors, requests,
    request_failures). Of these: throttled: the part of refused that was answered with 429. withheld: the part of
    missed that was not sent, because every source address had to be quiet. unmatched: the part of foreign that is
    told by an id. doubtful_bounds: latencies across clocks that were recorded before a set clock was noticed.
    connects and connect_failures: first connects, made and failed. reconnects and reconnect_failures: attempts to
    come back after a loss, each one. recovered: the part of reconnects whose session the backend restored.
    connections_lost: ended against their users' will. connections_dropped: the part of these that the load test
    broke off. away: users that lost their connection and are not back in all their rooms now, or ended before they
    were. gauges: connected, members. health: of the worker process itself (cpu_percent, rss_bytes,
    publishing_since_s: by the master's clock, or 0; loop_lag_p99_ms, generator_delay_p99_ms: of this interval;
    in_flight_window_s: how long a broadcast may be in flight, as far as this worker knows).
    instances: name of the backend's instance -> users of it that are in a room, where it says which it is.
    paths: (instance that was triggered, instance of the member) -> samples of what was delivered on that way.
    overloads: the scenarios that overloaded the backend on purpose at any time of the interval.
    """

    number: int
    at_s: int
    complete_ns: int
    triggers: list[Trigger]
    latencies: dict[str, bytes]
    fan_outs: list[FanOut]
    timed: dict[tuple[int, int], int]
    counters: dict[str, int]
    gauges: dict[str, int]
    health: dict[str, float]
    instances: dict[str, int] = field(default_factory=dict)
    paths: dict[tuple[str, str], bytes] = field(default_factory=dict)
    overloads: list[str] = field(default_factory=list)

    def to_message(self) -> dict[str, Any]:
        """As a message."""
        return {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "triggers": [list(trigger) for trigger in self.triggers],
            "fan_outs": [list(fan_out) for fan_out in self.fan_outs],
            "timed": [[room, slot, count] for (room, slot), count in self.timed.items()],
            "paths": [[*path, packed] for path, packed in self.paths.items()],
        }

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> WorkerReport:
        """From a message."""
        plain = {
            "triggers": triggers_from(message["triggers"]),
            "fan_outs": [FanOut(*fan_out) for fan_out in message["fan_outs"]],
            "timed": {(room, slot): count for room, slot, count in message["timed"]},
            "paths": {(origin, instance): packed for origin, instance, packed in message["paths"]},
        }
        return cls(**(message | plain))


@dataclass(slots=True)
class Totals:
    """Everything one worker counted.

    reports: how many reports it sent. streams: what its users were owed and got. members: room -> different users
    that were ever in it. sockets: room -> the most sockets that were in it at once. keys: which ids in answers
    were in broadcasts. untraced: step of the burst, escaped (see `names`) -> deliveries. leaked_untraced: the same
    for leaks of broadcasts that lead back to no trigger. connects: [started, finished] of each connect in
    nanoseconds since the epoch, by the master's clock. checks: rows of `measurement.checks`. seconds: (second
    since the epoch by the master's clock, deliveries owed of what was sent in it, those of them that were lost).
    paths: (instance that was triggered, instance of the member, owed, lost); names are empty where nobody said so.
    canaries: rows of `measurement.canaries`. requests: rows of `measurement.requests`. budgets: of source
    addresses, see `measurement.throttle`. memberships: how often its users were in rooms. brief_memberships: of
    these, those that were left in less time than a broadcast may be in flight.
    """

    reports: int
    counters: dict[str, int]
    streams: dict[StreamSlot, Counts]
    members: dict[int, int]
    untraced: dict[str, int]
    failures: dict[str, int]
    connects: list[tuple[int, int]]
    checks: list[list[Any]] = field(default_factory=list)
    seconds: list[tuple[int, int, int]] = field(default_factory=list)
    paths: list[tuple[str, str, int, int]] = field(default_factory=list)
    canaries: list[list[Any]] = field(default_factory=list)
    requests: list[list[Any]] = field(default_factory=list)
    sockets: dict[int, int] = field(default_factory=dict)
    keys: KeyCounts = field(default_factory=KeyCounts)
    budgets: list[BudgetRow] = field(default_factory=list)
    leaked_untraced: dict[str, int] = field(default_factory=dict)
    memberships: int = 0
    brief_memberships: int = 0

    def to_message(self) -> dict[str, Any]:
        """As a message; the keys of its maps are strings or integers."""
        streams = [[*key, *astuple(counts)] for key, counts in self.streams.items()]
        return {**{field.name: getattr(self, field.name) for field in fields(self)}, "streams": streams}

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Totals:
        """From a message."""
        streams = {
            (room, publisher, slot): Counts(*counts) for room, publisher, slot, *counts in message["streams"]
        }
        connects = [(started, finished) for started, finished in message["connects"]]
        keys = KeyCounts(*message["keys"])
        rows = {name: [tuple(row) for row in message[name]] for name in ("seconds", "paths", "budgets")}
        return cls(**(message | {"streams": streams, "connects": connects, "keys": keys} | rows))


def triggers_from(rows: list[Any]) -> list[Trigger]:
    """Triggers from a message's rows."""
    return [
        Trigger(room, publisher, seq, due_ns, sent_ns, Outcome(outcome), *rest)
        for room, publisher, seq, due_ns, sent_ns, outcome, *rest in rows
    ]
