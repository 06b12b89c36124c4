"""Tells what a frame is, once for all sockets that get it: the members of a room receive identical bytes."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

import numpy as np

from loadtest.measurement import names, room_classes
from loadtest.measurement.clocks import worker_of
from loadtest.measurement.first_receipts import FirstReceipts
from loadtest.measurement.frame_syntax import is_parsable
from loadtest.measurement.keys import Keys
from loadtest.measurement.presence import ledger_key
from loadtest.measurement.reading import Unreadable, read
from loadtest.measurement.sighting import Corrupt, Keyed, Traced, Untraced
from loadtest.measurement.taken import ACROSS, COALESCED, EARLIEST, FanOut, Taken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loadtest.measurement.account import Account
    from loadtest.measurement.clocks import ClockTable
    from loadtest.measurement.first_receipts import BroadcastKey
    from loadtest.measurement.latency import Samples
    from loadtest.measurement.presence import Line
    from loadtest.measurement.sighting import FrameReader
    from loadtest.measurement.triggers import Trigger

MOST_KNOWN: Final = 4096
"""Frames that are known by their bytes."""
MOST_KEYS: Final = 65_536
"""Triggers that an id leads back to: the newest. An update of an older one is foreign."""
MOST_KNOWN_BYTES: Final = 16 * 1024 * 1024
"""What they take together at most. Large ones are known too: to decode each delivery would be dear."""
_RETIRED_AFTER: Final = 30
"""A broadcast that nobody received for this many reports is forgotten."""
_NO_SOURCES: Final[Mapping[str, frozenset[int]]] = {}
PATIENCE: Final = 60
"""A broadcast whose trigger nobody named for this many reports is not of this run."""


class Kind(Enum):
    """What a frame turned out to be."""

    DELIVERY = "delivery"
    """A broadcast of a known trigger of this run."""
    WAITING = "waiting"
    """A broadcast whose id is not known yet: its trigger was another worker's, or its answer is on the way."""
    UNTRACED = "untraced"
    CORRUPT = "corrupt"
    """With a damaged trace, or a packet that no client can parse."""
    FOREIGN = "foreign"
    """Of another run."""
    UNREADABLE = "unreadable"
    """The adapter's reader failed on it."""


@dataclass(slots=True, eq=False)
class Broadcast:
    """One broadcast; everything that its deliveries have in common.

    name: of the event, or of the step of the burst if it is not traced. viewpoint: whose sockets got it. due_ns:
    by this worker's clock. bound_ns: by how much that may be wrong; None if nobody knows. latencies_ns: of its
    timed deliveries since they were last taken. key: of the ledger, see `presence.ledger_key`. line: who is to get
    it next; nobody, as long as it is no delivery. waiting: the accounts that got it before its trigger was known.
    idle: reports since it was last received. live: whether its latencies will be taken. keyed: whether it is told
    by an id. follows_ns: the longest time after its trigger at which it still counts as made with the trigger;
    negative for a completion. first_ns: when it was first received here, as of the last take; 0 if it was not.
    slacks_ns: index of a latency -> by how much it may be too long. rooms: of a broadcast without a trigger, the
    rooms whose members may receive it; None for members of any room.
    """

    name: str
    kind: Kind
    slot: int = 0
    room: int = -1
    publisher: int = 0
    key: int = 0
    seq: int = 0
    next_seq: int = 0
    viewpoint: str = ""
    due_ns: int = 0
    bound_ns: int | None = 0
    across: bool = False
    line: Line = field(default_factory=dict)
    latencies_ns: array[int] = field(default_factory=lambda: array("q"))
    waiting: list[Account] = field(default_factory=list)
    idle: int = 0
    live: bool = False
    keyed: bool = False
    follows_ns: int = 0
    first_ns: int = 0
    slacks_ns: dict[int, int] | None = None
    rooms: frozenset[int] | None = None

    def note_slack(self, received_ns: int) -> None:
        """Note by how much the last latency may be too long, if its timestamp says so.

        See `transport.receive_clock.Coalesced`.
        """
        if slack_ns := getattr(received_ns, "slack_ns", 0):
            if self.slacks_ns is None:
                self.slacks_ns = {}
            self.slacks_ns[len(self.latencies_ns) - 1] = slack_ns

    @property
    def is_completion(self) -> bool:
        """See `sighting.Slot`."""
        return self.follows_ns < 0

    @property
    def identity(self) -> BroadcastKey:
        """The same for all instances and workers that receive it."""
        return self.publisher, self.room, self.seq, self.slot

    def received_first_ns(self) -> int:
        """Return when it was first received here; 0 if it has not been received."""
        if not self.latencies_ns:
            return self.first_ns
        taken_ns = self.due_ns + min(self.latencies_ns)
        return min(self.first_ns, taken_ns) if self.first_ns else taken_ns

    def made_ns(self, received_ns: int) -> int:
        """Return the moment that it counts by: its trigger's, or its first receipt if it came later.

        :param received_ns: receive time of the arrival in question. It counts if it is the first of a completion.
            The first arrival of another broadcast says nothing: it may have been held back for this member alone.
        """
        first_ns = self.received_first_ns()
        if self.is_completion:
            return first_ns or received_ns
        return first_ns if first_ns - self.due_ns > self.follows_ns else self.due_ns


class Recogniser:
    """Remembers the last few thousand frames, by their bytes.

    :param run: the run's 8 hexadecimal digits.
    :param classes: of the rooms, see `room_classes`.
    :param instance: of the backend, that the sockets are with; empty where nobody says so.
    :param apart: the name that all latencies go by, of receivers that are not like others; empty for the events'.
    :param flight_ns: how long a broadcast may be in flight, in nanoseconds.
    :param sources: source of broadcasts, see `sighting.Untraced` -> its rooms; empty if the run knows none.
    :param on_unreadable: is told each time that the reader fails on a frame.
    """

    def __init__(
        self,
        run: str,
        reader: FrameReader,
        clocks: ClockTable,
        classes: Sequence[int] = (),
        instance: str = "",
        apart: str = "",
        on_unreadable: Callable[[Unreadable], object] = lambda _: None,
        flight_ns: int = 2_000_000_000,
        sources: Mapping[str, frozenset[int]] = _NO_SOURCES,
    ) -> None:
        self._sources = sources
        self._on_unreadable = on_unreadable
        self._flight_ns = flight_ns
        self.instance = instance
        self.apart = apart
        self.viewpoint = apart or (instance and names.key_of(instance))
        """Names whose eyes it sees with; no instance can be named like a canary."""
        self._classes = classes
        several = len(set(classes)) > 1
        self._marks = [f"{room_classes.CLASS}{one}" if several else "" for one in classes]
        self._run = run
        self._reader = reader
        self._clocks = clocks
        self.known: dict[bytes, Broadcast] = {}
        self._known_bytes = 0
        self.lines: defaultdict[int, dict[int, Line]] = defaultdict(dict)
        """Room -> its lines; see `presence.Line`."""
        self._live: list[Broadcast] = []
        self.keys = Keys()
        self.first_receipts = FirstReceipts()
        """Of completions."""
        self._waiting: dict[tuple[str, int], Broadcast] = {}
        self._unplaced: list[tuple[Broadcast, Samples]] = []
        """Latencies of which nobody knows yet where they come from."""

    def sibling(self, instance: str, apart: str = "") -> Recogniser:
        """One for the sockets of another instance, or for receivers that are kept apart: of the same lines and
        triggers.
        """
        made = Recogniser(
            *(self._run, self._reader, self._clocks, self._classes, instance, apart),
            *(self._on_unreadable, self._flight_ns, self._sources),
        )
        made.lines = self.lines
        made.keys = self.keys
        made.first_receipts = self.first_receipts
        return made

    def recognise(self, event: str, frame: bytes) -> Broadcast:
        """What a frame is that is not among the known ones."""
        broadcast = self._read(event, frame)
        if len(self.known) >= MOST_KNOWN or self._known_bytes + len(frame) > MOST_KNOWN_BYTES:
            self.known.clear()
            self._known_bytes = 0
        self.known[frame] = broadcast
        self._known_bytes += len(frame)
        return broadcast

    def learn(self, trigger: Trigger) -> list[Broadcast]:
        """Take in the id of a trigger; the broadcasts that have waited for it and are deliveries now."""
        resolved: list[Broadcast] = []
        if not trigger.key:
            return resolved
        self.keys.learn(trigger, MOST_KEYS)
        for slot in range(len(self._reader.slots)):
            if (broadcast := self._waiting.pop((trigger.key, slot), None)) is not None:
                self.keys.trigger_of(trigger.key)
                self._resolve(broadcast, trigger.room, trigger.publisher, trigger.seq, trigger.due_ns)
                resolved.append(broadcast)
        return resolved

    def expire(self, patience: int = PATIENCE) -> list[Broadcast]:
        """Give up those that have waited for more than so many reports: they are foreign from now on."""
        expired = [key for key, broadcast in self._waiting.items() if broadcast.idle > patience]
        for key, _ in expired:
            self.keys.give_up(key)
        given_up = [self._waiting.pop(key) for key in expired]
        for broadcast in given_up:
            broadcast.kind = Kind.FOREIGN
        for broadcast in self._waiting.values():
            broadcast.idle += 1
        return given_up

    def take(self) -> Taken:
        """What was timed since the last call, which is to be once for each report."""
        taken = Taken()
        latencies_ns: dict[str, array[int]] = {}
        live, self._live = self._live, []
        for broadcast in live:
            if broadcast.latencies_ns:
                broadcast.idle = 0
                broadcast.first_ns = broadcast.received_first_ns()
                self._account_for(broadcast, taken)
                if broadcast.is_completion:
                    if not self.apart:
                        received_ns = np.array(broadcast.latencies_ns) + broadcast.due_ns
                        taken.completions.append((broadcast.identity, received_ns))
                else:
                    own_ns = latencies_ns.setdefault(self._name(broadcast), array("q"))
                    own_ns.extend(broadcast.latencies_ns)
                    if broadcast.slacks_ns and not self.apart:
                        self._add_slacks(broadcast, latencies_ns)
                    if self.instance:
                        self._unplaced.append((broadcast, np.array(broadcast.latencies_ns)))
                del broadcast.latencies_ns[:]
                broadcast.slacks_ns = None
            broadcast.idle += 1
            broadcast.live = broadcast.idle <= _RETIRED_AFTER
            if broadcast.live:
                self._live.append(broadcast)
        if len(self._live) < len(live):
            for frame in [frame for frame, known in self.known.items() if known.idle > _RETIRED_AFTER]:
                del self.known[frame]
                self._known_bytes -= len(frame)
        taken.samples_us = {name: np.array(own_ns) // 1000 for name, own_ns in latencies_ns.items()}
        return taken

    def take_paths(self, origin_of: Callable[[Broadcast], str | None]) -> dict[str, Samples]:
        """What was timed, by the instance that was triggered: in µs.

        :param origin_of: that instance; None if its answer did not come yet, so that it is asked again.
        """
        placed: dict[str, list[Samples]] = {}
        waiting = []
        for broadcast, latencies_ns in self._unplaced:
            origin = origin_of(broadcast)
            if origin is None:
                waiting.append((broadcast, latencies_ns))
            else:
                placed.setdefault(origin, []).append(latencies_ns // 1000)
        self._unplaced = waiting
        return {origin: np.concatenate(parts) for origin, parts in placed.items()}

    @staticmethod
    def _add_slacks(broadcast: Broadcast, latencies_ns: dict[str, array[int]]) -> None:
        """Add the latencies that may be too long, and the minimum of each, which is at least 0."""
        key = names.key_of(broadcast.name)
        coalesced_ns = latencies_ns.setdefault(key + COALESCED, array("q"))
        earliest_ns = latencies_ns.setdefault(key + EARLIEST, array("q"))
        for place, slack_ns in (broadcast.slacks_ns or {}).items():
            latency_ns = broadcast.latencies_ns[place]
            coalesced_ns.append(latency_ns)
            earliest_ns.append(max(latency_ns - slack_ns, min(latency_ns, 0)))

    def _name(self, broadcast: Broadcast) -> str:
        if self.apart:
            return self.apart
        mark = self._marks[broadcast.room] if broadcast.room < len(self._marks) else ""
        return names.key_of(broadcast.name) + mark + ACROSS * broadcast.across

    def _account_for(self, broadcast: Broadcast, taken: Taken) -> None:
        latencies_ns = broadcast.latencies_ns
        count = len(latencies_ns)
        first_ns, last_ns = min(latencies_ns), max(latencies_ns)
        taken.timed[broadcast.room, broadcast.slot] += count
        if not broadcast.is_completion and broadcast.bound_ns is not None:
            taken.longest_ns = max(taken.longest_ns, last_ns)
        due_ns = broadcast.due_ns
        taken.fan_outs.append(
            FanOut(
                *broadcast.identity,
                *(due_ns, due_ns + first_ns, due_ns + last_ns, 0 if self.apart else count),
                max((broadcast.slacks_ns or {}).values(), default=0),
            )
        )
        if broadcast.bound_ns is None:
            taken.unbounded += count
            return
        if broadcast.across and not broadcast.is_completion:
            taken.bounds_us.extend([broadcast.bound_ns // 1000] * count)
        if first_ns < -broadcast.bound_ns:
            taken.negative += sum(latency_ns < -broadcast.bound_ns for latency_ns in latencies_ns)

    def _read(self, event: str, frame: bytes) -> Broadcast:
        if not is_parsable(frame):
            return Broadcast(event, Kind.CORRUPT)
        sighting = read(self._reader, event, frame)
        if isinstance(sighting, Traced):
            run, room, publisher, seq, due_ns = sighting.trace
            broadcast = Broadcast(event, Kind.FOREIGN, sighting.slot)
            if run == self._run:
                self._resolve(broadcast, room, publisher, seq, due_ns)
            return broadcast
        if isinstance(sighting, Keyed):
            rooms = self._rooms_of(sighting.source)
            broadcast = Broadcast(event, Kind.WAITING, sighting.slot, keyed=True, rooms=rooms)
            trigger = self.keys.trigger_of(sighting.key)
            if trigger is None:
                return self._waiting.setdefault((sighting.key, sighting.slot), broadcast)
            self._resolve(broadcast, trigger.room, trigger.publisher, trigger.seq, trigger.due_ns)
            return broadcast
        if isinstance(sighting, Corrupt):
            return Broadcast(event, Kind.CORRUPT)
        if isinstance(sighting, Unreadable):
            self._on_unreadable(sighting)
            return Broadcast(event, Kind.UNREADABLE)
        assert isinstance(sighting, Untraced)
        return Broadcast(sighting.step, Kind.UNTRACED, rooms=self._rooms_of(sighting.source))

    def _rooms_of(self, source: str | None) -> frozenset[int] | None:
        """Return the rooms whose members may receive broadcasts of a source; None for members of any room.

        A source that the run does not know is of no room of the run.
        """
        return None if source is None or not self._sources else self._sources.get(source, frozenset())

    def _resolve(self, broadcast: Broadcast, room: int, publisher: int, seq: int, due_ns: int) -> None:
        due = self._clocks.here(worker_of(publisher), due_ns)
        broadcast.kind = Kind.DELIVERY
        broadcast.viewpoint = self.viewpoint
        broadcast.room = room
        broadcast.publisher = publisher
        broadcast.key = ledger_key(publisher, broadcast.slot)
        broadcast.seq = seq
        broadcast.next_seq = seq + 1
        broadcast.due_ns = due.ns
        broadcast.bound_ns = due.bound_ns
        broadcast.across = not due.one_clock
        broadcast.follows_ns = -1 if self._reader.slots[broadcast.slot].is_completion else self._flight_ns
        broadcast.first_ns = self.first_receipts.of(broadcast.identity)
        broadcast.line = self.lines[room].setdefault(broadcast.key, {})
        self.revive(broadcast)

    def revive(self, broadcast: Broadcast) -> None:
        """A broadcast will be received, perhaps after a long time in which it was not."""
        broadcast.idle = 0
        broadcast.live = True
        self._live.append(broadcast)
