"""One user's account: where it is a member, and what it received."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from .presence import Arrival, End, Presence
from .recogniser import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .presence import Line
    from .recogniser import Broadcast


class Books(Protocol):
    """What an account needs of the meter that it belongs to."""

    flight_ns: int
    """How long a broadcast may be in flight at the edge of a membership."""
    members: Counter[str]
    """Instance of the backend -> users that are in a room now; canaries are none."""

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
    member_at: str | None = None
    """The instance where it counts among the members now; None where it is in no room."""
    ended_ns: int | None = None
    """When the user went for good."""
    held: dict[int, deque[tuple[Broadcast, int]]] | None = None
    """Slot -> (broadcast, received_ns) of all arrivals from the first one on whose trigger is not known."""

    def receive(self, broadcast: Broadcast, received_ns: int) -> None:
        """A broadcast arrived that is not simply the next one of its line."""
        kind = broadcast.kind
        if kind is Kind.DELIVERY:
            if self.held and broadcast.slot in self.held:
                self.held[broadcast.slot].append((broadcast, received_ns))
            else:
                self._deliver(broadcast, received_ns, in_line=True)
        elif kind is Kind.WAITING:
            self._hold(broadcast, received_ns)
        else:
            self.books.set_aside(broadcast)

    def advance(self, slot: int) -> None:
        """The trigger of a held broadcast is known, or given up: deal with what no longer has to wait."""
        queue = self.held.get(slot) if self.held else None
        if queue is None:
            return
        while queue and (kind := queue[0][0].kind) is not Kind.WAITING:
            broadcast, received_ns = queue.popleft()
            if kind is Kind.DELIVERY:
                self._deliver(broadcast, received_ns, in_line=not queue)
            else:
                self.books.set_aside(broadcast)
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
        self.held[slot].append((broadcast, received_ns))
        broadcast.waiting.append(self)

    def _deliver(self, broadcast: Broadcast, received_ns: int, *, in_line: bool) -> None:
        """A broadcast of a known trigger arrived: to a member, or to somebody who is none."""
        presence = self.presences.get(broadcast.room)
        if presence is None or not self.may_receive(broadcast.room, received_ns):
            self.books.leak(broadcast)
            return
        arrival = presence.receive(broadcast, received_ns, in_line=in_line)
        if arrival is Arrival.FIRST:
            if not broadcast.live:
                self.books.revive(broadcast)
            broadcast.latencies_ns.append(received_ns - broadcast.due_ns)
        elif arrival is Arrival.REPLAYED:
            self.books.replay(received_ns - broadcast.due_ns)

    def joining(self, room: int) -> None:
        """The user asked to join: from now on a broadcast of this room is no leak."""
        if room not in self.presences:
            self.presences[room] = Presence(room, self.number, self.books.lines_of(room))

    def joined(self, room: int, now_ns: int) -> None:
        """The backend answered that the user is in the room."""
        self.joining(room)
        self.presences[room].join(now_ns, self.instance)
        self._count_in()

    def left(self, room: int, now_ns: int) -> None:
        """The user left the room."""
        if (presence := self.presences.get(room)) is not None:
            presence.close(now_ns, End.LEFT)
            self._count_out()

    def disconnected(self, now_ns: int, *, wanted: bool) -> None:
        """The connection ended; all memberships with it."""
        for presence in self.presences.values():
            presence.close(now_ns, End.LEFT if wanted else End.LOST)
        self._count_out()

    def resumed(self, now_ns: int) -> None:
        """There is a connection again, after a lost one."""
        for presence in self.presences.values():
            presence.resumed_ns = now_ns

    def recovered(self, now_ns: int) -> None:
        """The backend restored the session of a lost connection: the user is in its rooms as before."""
        self.resumed(now_ns)
        for presence in self.presences.values():
            if presence.is_lost:
                presence.join(now_ns, self.instance)
                self._count_in()

    def ended(self, now_ns: int) -> None:
        """The user went for good."""
        self.disconnected(now_ns, wanted=True)
        self.ended_ns = now_ns

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
        """Whether a broadcast of a room that arrives now is none leaked."""
        presence = self.presences.get(room)
        if presence is None:
            return False
        if presence.open or not presence.spans:
            return True
        last = presence.spans[-1]
        return last.ended_ns is None or last.end is End.LOST or now_ns - last.ended_ns < self.books.flight_ns


def go_on(broadcasts: Iterable[Broadcast]) -> None:
    """Let the accounts that waited deal with what no longer has to."""
    for broadcast in broadcasts:
        waiting, broadcast.waiting = broadcast.waiting, []
        for account in waiting:
            account.advance(broadcast.slot)
