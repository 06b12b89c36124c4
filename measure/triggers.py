"""The log of triggers: what the publishers did, by stream, in the order of sending."""

from __future__ import annotations

from bisect import bisect_left
from enum import IntEnum
from typing import NamedTuple

Stream = tuple[int, int]
"""(publisher, room)."""


class Outcome(IntEnum):
    """What became of a trigger."""

    ACCEPTED = 0
    """The backend said yes."""
    REFUSED = 1
    """The backend said no (HTTP 4xx): it owes nobody a broadcast."""
    FAILED = 2
    """No answer, no connection, or HTTP 5xx: the backend was asked, and owes every member the broadcasts."""


class Trigger(NamedTuple):
    """One trigger that left its publisher; times in nanoseconds since the epoch on the publisher's clock.

    key: the id under which the backend speaks of it, empty if it gave none.
    """

    room: int
    publisher: int
    seq: int
    due_ns: int
    sent_ns: int
    outcome: Outcome
    key: str


class StreamLog:
    """The triggers of one stream, ready to be counted against."""

    def __init__(self) -> None:
        self._triggers: dict[int, Trigger] = {}
        self._ordered: list[tuple[int, int]] = []
        self._not_owed: list[int] | None = None

    def add(self, trigger: Trigger) -> None:
        """Add one trigger; the same one may be added again and changes nothing."""
        if trigger.seq not in self._triggers:
            self._triggers[trigger.seq] = trigger
            self._ordered.clear()
            self._not_owed = None

    @property
    def end(self) -> int:
        """One more than the largest sequence number."""
        return max(self._triggers, default=-1) + 1

    def sent_before(self, moment_ns: int) -> int:
        """The first sequence number that left at or after a moment; numbers rise with the time of sending."""
        if not self._ordered:
            self._ordered = sorted((trigger.sent_ns, trigger.seq) for trigger in self._triggers.values())
        index = bisect_left(self._ordered, (moment_ns, -1))
        return self._ordered[index][1] if index < len(self._ordered) else self.end

    def not_owed(self, start: int, stop: int) -> list[int]:
        """The sequence numbers in [start, stop) whose broadcasts nobody is owed: refused, or never heard of."""
        if self._not_owed is None:
            self._not_owed = [
                seq
                for seq in range(self.end)
                if seq not in self._triggers or self._triggers[seq].outcome is Outcome.REFUSED
            ]
        return self._not_owed[bisect_left(self._not_owed, start) : bisect_left(self._not_owed, stop)]


class TriggerLog:
    """The triggers of all streams of a run."""

    def __init__(self) -> None:
        self._streams: dict[Stream, StreamLog] = {}

    def add(self, trigger: Trigger) -> None:
        """Add one trigger."""
        stream = (trigger.publisher, trigger.room)
        log = self._streams.get(stream)
        if log is None:
            log = self._streams[stream] = StreamLog()
        log.add(trigger)

    def of_room(self, room: int) -> dict[int, StreamLog]:
        """Publisher -> log, for one room."""
        return {publisher: log for (publisher, where), log in self._streams.items() if where == room}
