"""One user's account: where it is a member, and what it received."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from loadtest.measurement.joins import Answer, Join, governing, is_refused, pending
from loadtest.measurement.presence import Arrival, End, Presence
from loadtest.measurement.recogniser import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtest.measurement.members import Sockets
    from loadtest.measurement.presence import Line, Span
    from loadtest.measurement.recogniser import Broadcast


class Books(Protocol):
    """What an account needs of the meter that it belongs to."""

    flight_ns: int
    """How long a broadcast may be in flight at the edge of a membership."""
    members: Counter[str]
    """Instance of the backend -> users that are in a room now; canaries are none."""
    sockets: Sockets
    """All that are in rooms, canaries too."""

    def lines_of(self, room: int) -> dict[int, Line]:
        """A room's lines."""
        ...

    def leak(self, broadcast: Broadcast) -> None:
        """A broadcast reached somebody who is no member."""
        ...

    def revive(self, broadcast: Broadcast) -> None:
        """A broadcast is received that was forgotten."""
        ...

    def replay(self, delay_ns: int) -> None:
        """A broadcast reached its member by a later connection, so long after it was due."""
        ...

    def set_aside(self, broadcast: Broadcast) -> None:
        """A frame arrived that is no delivery."""
        ...


@dataclass(slots=True, eq=False)
class Account:
    """See the module."""

    books: Books
    number: int
    presences: dict[int, Presence] = field(default_factory=dict)
    instance: str = ""
    """Of the backend, that the user is connected to; empty if it did not say."""
    label: str = ""
    """Of a canary, its name; empty of everybody else."""
    user: int | None = None
    """The number of the user that the account belongs to; None if that user has no other account."""
    member_at: str | None = None
    """The instance where it counts among the members now; None where it is in no room."""
    ended_ns: int | None = None
    """When the user went for good."""
    held: dict[int, deque[tuple[Broadcast, int, int]]] | None = None
    """Slot -> (broadcast, received_ns, requests until then) of all arrivals from the first one on whose trigger is
    not known."""
    requests: int = 0
    """How often it has asked to join a room."""

    def receive(self, broadcast: Broadcast, received_ns: int) -> None:
        """A broadcast arrived that is not simply the next one of its line."""
        kind = broadcast.kind
        if kind is Kind.DELIVERY:
            if self.held and broadcast.slot in self.held:
                self.held[broadcast.slot].append((broadcast, received_ns, self.requests))
            else:
                self._deliver(broadcast, received_ns, self.requests, in_line=True)
        elif kind is Kind.WAITING:
            self._hold(broadcast, received_ns)
        else:
            self._set_aside(broadcast, received_ns, self.requests)

    def hear(self, broadcast: Broadcast, received_ns: int) -> None:
        """A broadcast arrived that carries no trace: whoever is in none of its rooms should not receive it."""
        if broadcast.first_ns:
            for room in broadcast.rooms or ():
                # Nearly all.
                if room in self.presences and self.presences[room].open:
                    return
        allowed, join = self._is_allowed(broadcast, received_ns, self.requests)
        if join is not None:
            join.waiting.append((broadcast, received_ns))
        elif not allowed:
            self.books.leak(broadcast)

    def _set_aside(self, broadcast: Broadcast, received_ns: int, requests: int) -> None:
        """Account for a frame that is no delivery: of another run, it is a leak unless its rooms allow it."""
        if broadcast.kind is Kind.FOREIGN:
            allowed, join = self._is_allowed(broadcast, received_ns, requests)
            if not allowed and join is None:
                self.books.leak(broadcast)
                return
        self.books.set_aside(broadcast)

    def _is_allowed(self, broadcast: Broadcast, received_ns: int, requests: int) -> tuple[bool, Join | None]:
        """Return whether a broadcast that leads back to no trigger may be received, by its rooms.

        :param requests: how often the account had asked to join a room when it arrived.
        :returns: whether a membership allows it; if none does, the request to join whose answer decides, if any.
        """
        if not broadcast.first_ns:
            # The first receipt of these bytes: one that was long in flight is no leak.
            broadcast.first_ns = received_ns
        waits = None
        for room in self.presences if broadcast.rooms is None else broadcast.rooms:
            presence = self.presences.get(room)
            if presence is None:
                continue
            if presence.open and requests == self.requests:
                return True, None
            join, spans = governing(presence, requests)
            if join is not None and join.answer is Answer.PENDING:
                waits = join
            elif self._may_receive(join, spans, received_ns, broadcast):
                return True, None
        return False, waits

    def advance(self, slot: int) -> None:
        """The trigger of a held broadcast is known, or given up: deal with what no longer has to wait."""
        queue = self.held.get(slot) if self.held else None
        if queue is None:
            return
        while queue and (kind := queue[0][0].kind) is not Kind.WAITING:
            broadcast, received_ns, requests = queue.popleft()
            if kind is Kind.DELIVERY:
                self._deliver(broadcast, received_ns, requests, in_line=not queue)
            else:
                self._set_aside(broadcast, received_ns, requests)
        if not queue and self.held:
            del self.held[slot]

    def _hold(self, broadcast: Broadcast, received_ns: int) -> None:
        """Keep an arrival, and with it the order of those that follow: its place among them is not known yet."""
        slot = broadcast.slot
        if self.held is None:
            self.held = {}
        if slot not in self.held:
            self.held[slot] = deque()
            for presence in self.presences.values():
                presence.step_out_of_slot(slot)
        self.held[slot].append((broadcast, received_ns, self.requests))
        broadcast.waiting.append(self)

    def _deliver(self, broadcast: Broadcast, received_ns: int, requests: int, *, in_line: bool) -> None:
        """Account for a broadcast of a known trigger.

        :param requests: how often the account had asked to join a room when it arrived.
        """
        presence = self.presences.get(broadcast.room)
        if presence is None:
            self.books.leak(broadcast)
            return
        join, spans = governing(presence, requests)
        if join is not None and join.answer is Answer.PENDING:
            join.waiting.append((broadcast, received_ns))
        elif self._may_receive(join, spans, received_ns, broadcast):
            self._enter(presence, broadcast, received_ns, in_line=in_line)
        else:
            self.books.leak(broadcast)

    def _enter(self, presence: Presence, broadcast: Broadcast, received_ns: int, *, in_line: bool) -> None:
        arrival = presence.receive(broadcast, received_ns, in_line=in_line)
        if arrival is Arrival.FIRST:
            if not broadcast.live:
                self.books.revive(broadcast)
            broadcast.latencies_ns.append(received_ns - broadcast.due_ns)
            broadcast.note_slack(received_ns)
        elif arrival is Arrival.REPLAYED:
            self.books.replay(received_ns - broadcast.made_ns(received_ns))

    def joining(self, room: int) -> None:
        """The user asked to join: what arrives for the room waits for the answer.

        Where the user is a member already, no answer takes that away.
        """
        presence = self._presence(room)
        if not presence.open and pending(presence) is None:
            self._ask(presence)

    def joined(self, room: int, now_ns: int) -> None:
        """The backend answered that the user is in the room."""
        self.joining(room)
        presence = self.presences[room]
        self._answer(presence, Answer.JOINED, now_ns)
        self._join(presence, now_ns)

    def join_failed(self, room: int, now_ns: int, *, refused: bool) -> None:
        """The user was not let into the room.

        :param refused: whether the backend said so; otherwise there was no answer.
        """
        presence = self._presence(room) if refused else self.presences.get(room)
        if presence is None or presence.open:
            return
        if refused and pending(presence) is None:
            self._ask(presence)
        self._answer(presence, Answer.REFUSED if refused else Answer.NONE, now_ns)

    def left(self, room: int, now_ns: int) -> None:
        """The user left the room."""
        if (presence := self.presences.get(room)) is not None:
            self._answer(presence, Answer.NONE, now_ns)
            self._close(presence, now_ns, End.LEFT)
            self._count_out()

    def disconnected(self, now_ns: int, *, wanted: bool, dropped: bool = False) -> None:
        """The connection ended; all memberships with it.

        :param wanted: whether the user wanted that.
        :param dropped: if not, whether the load test broke it off.
        """
        end = End.LEFT if wanted else End.DROPPED if dropped else End.LOST
        self.give_up_joins(now_ns)
        for presence in self.presences.values():
            self._close(presence, now_ns, end)
        self._count_out()

    def give_up_joins(self, now_ns: int) -> None:
        """No request to join will be answered any more."""
        for presence in self.presences.values():
            self._answer(presence, Answer.NONE, now_ns)

    def resumed(self, now_ns: int) -> None:
        """There is a connection again, after a lost one."""
        for presence in self.presences.values():
            presence.resumed_ns = now_ns

    def recovered(self, now_ns: int) -> None:
        """The backend restored the session of a lost connection: the user is in its rooms as before."""
        self.resumed(now_ns)
        for presence in self.presences.values():
            if presence.is_lost and not is_refused(presence):
                self._answer(presence, Answer.JOINED, now_ns)
                self._join(presence, now_ns)

    def ended(self, now_ns: int) -> None:
        """The user went for good."""
        self.disconnected(now_ns, wanted=True)
        self.ended_ns = now_ns

    def _presence(self, room: int) -> Presence:
        presence = self.presences.get(room)
        if presence is None:
            presence = self.presences[room] = Presence(room, self.number, self.books.lines_of(room))
        return presence

    def _ask(self, presence: Presence) -> None:
        self.requests += 1
        # Earlier requests matter only to arrivals that have waited since then.
        earlier = presence.joins if self.held and presence.joins else []
        presence.joins = [*earlier, Join(self.requests, len(presence.spans))]

    def _answer(self, presence: Presence, answer: Answer, now_ns: int) -> None:
        """Deal with what waited for the answer to a request to join, if there is one without."""
        join = pending(presence)
        if join is None:
            return
        join.answer, join.refused_ns = answer, now_ns
        waiting, join.waiting = join.waiting, []
        for broadcast, received_ns in waiting:
            if answer is Answer.REFUSED and not self._may_receive(join, presence.spans, received_ns, broadcast):
                self.books.leak(broadcast)
            elif broadcast.kind is Kind.DELIVERY:
                self._enter(presence, broadcast, received_ns, in_line=False)
        if answer is Answer.JOINED and not self.held:
            presence.joins = None

    def _join(self, presence: Presence, now_ns: int) -> None:
        if not presence.open:
            presence.join(now_ns, self.instance)
            self.books.sockets.enter(presence.room)
            self._count_in()

    def _close(self, presence: Presence, now_ns: int, end: End) -> None:
        if presence.open:
            self.books.sockets.leave(presence.room)
        presence.close(now_ns, end)

    def _count_in(self) -> None:
        # Counted as it happens: to look at every account once a second would stop a large worker for a moment.
        if self.member_at is None:
            self.member_at = self.instance
            self.books.members[self.instance] += not self.label

    def _count_out(self) -> None:
        if self.member_at is not None and not any(presence.open for presence in self.presences.values()):
            self.books.members[self.member_at] -= not self.label
            self.member_at = None

    def may_receive(self, room: int, now_ns: int) -> bool:
        """Return whether a broadcast for `room` arriving now is legitimate, that is, not a leak."""
        presence = self.presences.get(room)
        return presence is not None and self._may_receive(*governing(presence, self.requests), now_ns)

    def _may_receive(
        self, join: Join | None, spans: list[Span], now_ns: int, broadcast: Broadcast | None = None
    ) -> bool:
        """Return whether what arrived at a moment is legitimate.

        :param join: the latest request to join that was made before.
        :param spans: the memberships until the next request.
        :param broadcast: what arrived; one that was long in flight is no leak. None for any.
        """
        flight_ns = self.books.flight_ns
        if join is not None and join.answer is Answer.REFUSED:
            # Until then the backend may not have carried out an earlier wish to leave.
            left = (span.ended_ns for span in spans if span.end is End.LEFT and span.ended_ns is not None)
            return now_ns < join.refused_ns and any(now_ns - ended_ns < flight_ns for ended_ns in left)
        if join is not None and join.answer is not Answer.JOINED:
            return True
        if not spans:
            return False
        last = spans[-1]
        if last.ended_ns is None or last.end is not End.LEFT or now_ns - last.ended_ns < flight_ns:
            return True
        # Looked up last: that takes longer the more members have received it.
        return broadcast is not None and broadcast.made_ns(now_ns) - last.ended_ns < flight_ns


def go_on(broadcasts: Iterable[Broadcast]) -> None:
    """Let the accounts that waited deal with what no longer has to."""
    for broadcast in broadcasts:
        waiting, broadcast.waiting = broadcast.waiting, []
        for account in waiting:
            account.advance(broadcast.slot)
