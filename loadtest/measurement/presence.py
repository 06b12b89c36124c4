"""The presence of one user in one room, and what that user should have received.

The denominator is exact: the broadcasts of the room that were made while the user was a member, from the joined
answer on. In the rules, t is when the broadcast was made, and F is how long one may be in flight. If broadcasts
follow their triggers at once, t is when the trigger left. For others see `moments` and `expected_parts`.

==================================  ==========================================================
t is                                it counts as
==================================  ==========================================================
within F before a join              edge: neither expected nor lost
within a span of membership         expected
within F before or after a leave    edge: the backend may not have carried it out yet
between a lost connection and the   expected; lost if it did not come, and then shown apart
next join, or the end of the run    as missed while offline, and once more where the load test
                                    broke it off; replayed if it came after all
anything else                       not owed
==================================  ==========================================================

Where t is another clock's, all these borders are widened by what its time may be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from loadtest.measurement.sequence import SequenceLedger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.measurement.joins import Join
    from loadtest.measurement.recogniser import Broadcast
    from loadtest.measurement.triggers import StreamLog

MAX_SLOTS: Final = 16
"""Broadcasts of one trigger that can be told apart, at most."""


Line = dict[int, int]
"""Of one stream's slot in one room: the number of each member that is present -> the sequence number that is its
next in line. Whoever receives just that may count it up and need not look at the presence; the presence's ledger
catches up when it is asked."""


class End(Enum):
    """How a span of membership ended."""

    LEFT = "left"
    """The user wanted it."""
    LOST = "lost"
    """The user did not: the connection broke, or the server closed it."""
    DROPPED = "dropped"
    """As `LOST`, but the load test broke it off."""


@dataclass(slots=True)
class Span:
    """One uninterrupted membership, in nanoseconds since the epoch."""

    joined_ns: int
    resumed_ns: int
    """When the connection that it came by was made, if the one before was lost; else as joined."""
    ended_ns: int | None = None
    end: End | None = None
    instance: str = ""
    """Of the backend, that the connection is with; empty if it did not say."""

    def is_brief(self, flight_ns: int) -> bool:
        """Return whether it was left in less time than a broadcast may be in flight."""
        return self.end is End.LEFT and (self.ended_ns or 0) - self.joined_ns < flight_ns


class Owed(Enum):
    """Why a part of a stream counts."""

    MEMBER = "member"
    OFFLINE = "offline"
    """Sent while there was no connection."""
    REJOINING = "rejoining"
    """Sent when there was a connection again, and its user not a member yet."""
    DROPPED = "dropped"
    """As `OFFLINE`, after the load test broke the connection off."""
    RETURNING = "returning"
    """As `REJOINING`, after the load test broke the connection off."""
    EDGE = "edge"


class Arrival(Enum):
    """What an arrival was."""

    FIRST = "first"
    REPLAYED = "replayed"
    """A first one, of what was sent before the connection was lost and made again."""
    DUPLICATE = "duplicate"


class Part(NamedTuple):
    """The sequence numbers [start, stop) of a stream; and the backend's instance that was to deliver them."""

    start: int
    stop: int
    owed: Owed
    instance: str = ""


@dataclass(slots=True)
class Counts:
    """Deliveries of one or more presences.

    `expected == delivered + lost` always; `missed_offline` is the part of `lost` that was sent while the user's
    connection was gone against its will, and `replayed` the part of `delivered` that was sent then and came by a
    later connection. `arrived` is all that came, duplicates apart, and `unowed` what of that nobody was owed: of a
    refused trigger, or from a time when the user was no member. `reorder_extent` is the largest, see
    `SequenceLedger`. `leaked` came to sockets outside of the room. `missed_dropped` is the part of
    `missed_offline` that was sent after the load test itself broke the connection off, until the user was a member
    again.
    """

    expected: int = 0
    delivered: int = 0
    lost: int = 0
    missed_offline: int = 0
    replayed: int = 0
    edge: int = 0
    arrived: int = 0
    unowed: int = 0
    duplicate: int = 0
    reordered: int = 0
    reorder_extent: int = 0
    leaked: int = 0
    missed_dropped: int = 0

    def add(self, other: Counts) -> None:
        """Add another's counts to these; of extents, the largest is kept."""
        self.expected += other.expected
        self.delivered += other.delivered
        self.lost += other.lost
        self.missed_offline += other.missed_offline
        self.replayed += other.replayed
        self.edge += other.edge
        self.arrived += other.arrived
        self.unowed += other.unowed
        self.duplicate += other.duplicate
        self.reordered += other.reordered
        self.leaked += other.leaked
        self.missed_dropped += other.missed_dropped
        if other.reorder_extent > self.reorder_extent:
            self.reorder_extent = other.reorder_extent


@dataclass(slots=True)
class Presence:
    """A user's membership in a room over the whole run, across reconnections."""

    room: int
    member: int = 0
    """The user's number."""
    lines: dict[int, Line] = field(default_factory=dict)
    """The room's: `ledger_key` -> line."""
    open: bool = False
    """Whether the user is a member now."""
    spans: list[Span] = field(default_factory=list)
    ledgers: dict[int, SequenceLedger] = field(default_factory=dict)
    """`ledger_key` -> ledger."""
    replays: dict[int, SequenceLedger] = field(default_factory=dict)
    """`ledger_key` -> the numbers that came late, by another connection than they would have come by."""
    returned: bool = False
    """Whether the user is a member again after a lost connection."""
    resumed_ns: int = 0
    """When the present connection was made, if the one before was lost."""
    joins: list[Join] | None = None
    """The requests to join, in order; without those that nothing depends on any more."""

    def join(self, now_ns: int, instance: str = "") -> None:
        """The backend answered that the user has joined; a second answer changes nothing.

        :param instance: of the backend, that the user is connected to.
        """
        if not self.open:
            resumed_ns = self.resumed_ns if self.is_lost and self.resumed_ns else now_ns
            self.returned = self.is_lost
            self.spans.append(Span(now_ns, resumed_ns, instance=instance))
            self.open = True

    def close(self, now_ns: int, end: End) -> None:
        """The membership ended."""
        if self.open:
            self.open = False
            self.resumed_ns = 0
            for key in self.ledgers:
                self.step_out(key)
            self.spans[-1].ended_ns = now_ns
            self.spans[-1].end = end
        elif end is End.LEFT and self.is_lost:
            # Whoever leaves for good while offline is not offline any more.
            self.spans.append(Span(now_ns, now_ns, now_ns, End.LEFT))

    @property
    def is_lost(self) -> bool:
        """Whether the membership ended with a lost connection."""
        return not self.open and bool(self.spans) and self.spans[-1].end in (End.LOST, End.DROPPED)

    def ledger(self, key: int) -> SequenceLedger:
        """The ledger of one stream's slot, by `ledger_key`."""
        ledger = self.ledgers.get(key)
        if ledger is None:
            ledger = self.ledgers[key] = SequenceLedger()
        return ledger

    def step_out(self, key: int) -> None:
        """Leave the line of one stream's slot; the next arrival there is taken by `receive`."""
        ledger = self.ledgers[key]
        ledger.next = self._line(key).pop(self.member, ledger.next)

    def step_out_of_slot(self, slot: int) -> None:
        """Leave the lines of all streams of a slot."""
        for key in self.ledgers:
            if key % MAX_SLOTS == slot:
                self.step_out(key)

    def receive(self, broadcast: Broadcast, received_ns: int, *, in_line: bool) -> Arrival:
        """A broadcast of this room arrived.

        :param in_line: whether the next one may be taken from the line.
        """
        ledger = self.ledger(broadcast.key)
        line = broadcast.line
        ledger.next = line.get(self.member, ledger.next)
        arrival = Arrival.FIRST
        if not ledger.record(broadcast.seq):
            arrival = Arrival.DUPLICATE
        elif self._is_replay(broadcast, received_ns):
            arrival = Arrival.REPLAYED
            self.replays.setdefault(broadcast.key, SequenceLedger()).record(broadcast.seq)
        # What is replayed has to be told from what follows, one by one.
        if self.open and in_line and arrival is not Arrival.REPLAYED:
            line[self.member] = ledger.next
        else:
            line.pop(self.member, None)
        return arrival

    def _is_replay(self, broadcast: Broadcast, received_ns: int) -> bool:
        if self.is_lost:
            ended_ns = self.spans[-1].ended_ns
            return ended_ns is not None and ended_ns < received_ns
        if not self.returned or broadcast.due_ns >= self.spans[-1].resumed_ns:
            return False
        return broadcast.made_ns(received_ns) < self.spans[-1].resumed_ns <= received_ns

    def parts(self, log: StreamLog, flight_ns: int) -> Iterator[Part]:
        """The parts of a stream that count for this user, in order and without overlap."""
        done = 0
        near_ns = flight_ns + log.bound_ns
        for number, span in enumerate(self.spans):
            joined = max(done, log.sent_before(span.joined_ns + log.bound_ns))
            if number == 0 or self.spans[number - 1].end is End.LEFT:
                edge = max(done, log.sent_before(span.joined_ns - near_ns))
                yield Part(edge, joined, Owed.EDGE, span.instance)
            else:
                resumed = min(max(done, log.sent_before(span.resumed_ns - log.bound_ns)), joined)
                before = self.spans[number - 1]
                yield Part(done, resumed, offline_by(before), before.instance)
                back = Owed.RETURNING if before.end is End.DROPPED else Owed.REJOINING
                yield Part(resumed, joined, back, span.instance)
            if span.ended_ns is None:
                yield Part(joined, log.end, Owed.MEMBER, span.instance)
                return
            edge = max(joined, log.sent_before(span.ended_ns - near_ns))
            yield Part(joined, edge, Owed.MEMBER, span.instance)
            if span.end is End.LEFT:
                until_ns = span.ended_ns + near_ns
                if number + 1 < len(self.spans):
                    until_ns = min(until_ns, self.spans[number + 1].joined_ns + log.bound_ns)
                done = max(edge, log.sent_before(until_ns))
                yield Part(edge, done, Owed.EDGE, span.instance)
            else:
                # What was in flight when the connection broke was missed because of that.
                done = max(edge, log.sent_before(span.ended_ns))
                yield Part(edge, done, offline_by(span), span.instance)
        if self.is_lost:
            yield Part(done, log.end, offline_by(self.spans[-1]), self.spans[-1].instance)

    def missing(self, key: int, start: int, stop: int) -> list[tuple[int, int]]:
        """Return the ranges within [start, stop) of one stream's slot of which nothing arrived."""
        ledger = self.ledgers.get(key)
        if ledger is None:
            return [(start, stop)]
        ledger.next = self._line(key).get(self.member, ledger.next)
        return ledger.missing(start, stop)

    def catch_up(self) -> None:
        """Let the ledgers know what was counted up in the lines."""
        for key, ledger in self.ledgers.items():
            ledger.next = self._line(key).get(self.member, ledger.next)

    def _line(self, key: int) -> Line:
        return self.lines.get(key, {})


def offline_by(span: Span) -> Owed:
    """Why broadcasts count that were sent after a span ended with its connection."""
    return Owed.DROPPED if span.end is End.DROPPED else Owed.OFFLINE


def ledger_key(publisher: int, slot: int) -> int:
    """Names one stream's slot in a presence."""
    return publisher * MAX_SLOTS + slot
