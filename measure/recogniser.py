"""Tells what a frame is, once for all sockets that get it: the members of a room receive identical bytes."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

import numpy as np

from . import room_classes
from .clocks import worker_of
from .presence import ledger_key
from .sighting import Corrupt, Keyed, Traced, Untraced
from .taken import ACROSS, FanOut, Taken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .account import Account
    from .clocks import ClockTable
    from .latency import Samples
    from .presence import Line
    from .sighting import FrameReader
    from .triggers import Trigger

MOST_KNOWN: Final = 4096
"""Frames that are known by their bytes."""
MOST_KEYS: Final = 65_536
"""Triggers that an id leads back to: the newest. An update of an older one is foreign."""
_LONGEST_KNOWN_BYTES: Final = 4096
_RETIRED_AFTER: Final = 30
"""A broadcast that nobody received for this many reports is forgotten."""
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
    FOREIGN = "foreign"
    """Of another run."""


@dataclass(slots=True, eq=False)
class Broadcast:
    """One broadcast; everything that its deliveries have in common.

    name: of the event, or of the step of the burst if it is not traced. viewpoint: whose sockets got it. due_ns:
    by this worker's clock. bound_ns: by how much that may be wrong; None if nobody knows. latencies_ns: of its
    timed deliveries since they were last taken. key: of the ledger, see `presence.ledger_key`. line: who is to get
    it next; nobody, as long as it is no delivery. waiting: the accounts that got it before its trigger was known.
    idle: reports since it was last received. live: whether its latencies will be taken.
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


class Recogniser:
    """Remembers the last few thousand frames, by their bytes.

    :param run: the run's 8 hexadecimal digits.
    :param classes: of the rooms, see `room_classes`.
    :param instance: of the backend, that the sockets are with; empty where nobody says so.
    :param apart: the name that all latencies go by, of receivers that are not like others; empty for the events'.
    """

    def __init__(
        self,
        run: str,
        reader: FrameReader,
        clocks: ClockTable,
        classes: Sequence[int] = (),
        instance: str = "",
        apart: str = "",
    ) -> None:
        self.instance = instance
        self.apart = apart
        self._classes = classes
        several = len(set(classes)) > 1
        self._marks = [f"{room_classes.CLASS}{one}" if several else "" for one in classes]
        self._run = run
        self._reader = reader
        self._clocks = clocks
        self.known: dict[bytes, Broadcast] = {}
        self.lines: defaultdict[int, dict[int, Line]] = defaultdict(dict)
        """Room -> its lines; see `presence.Line`."""
        self._live: list[Broadcast] = []
        self._triggers: dict[str, Trigger] = {}
        self._waiting: dict[tuple[str, int], Broadcast] = {}
        self._unplaced: list[tuple[Broadcast, Samples]] = []
        """Latencies of which nobody knows yet where they come from."""

    @property
    def viewpoint(self) -> str:
        """Names whose eyes it sees with."""
        return self.apart or self.instance

    def sibling(self, instance: str, apart: str = "") -> Recogniser:
        """One for the sockets of another instance, or for receivers that are kept apart: of the same lines and
        triggers.
        """
        made = Recogniser(self._run, self._reader, self._clocks, self._classes, instance, apart)
        made.lines = self.lines
        made._triggers = self._triggers
        return made

    def recognise(self, event: str, frame: bytes) -> Broadcast:
        """What a frame is that is not among the known ones."""
        broadcast = self._read(event, frame)
        if len(frame) <= _LONGEST_KNOWN_BYTES:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[frame] = broadcast
        return broadcast

    def learn(self, trigger: Trigger) -> list[Broadcast]:
        """Take in the id of a trigger; the broadcasts that have waited for it and are deliveries now."""
        resolved: list[Broadcast] = []
        if not trigger.key:
            return resolved
        self._triggers[trigger.key] = trigger
        if len(self._triggers) > MOST_KEYS:
            del self._triggers[next(iter(self._triggers))]
        for slot in range(len(self._reader.slots)):
            if (broadcast := self._waiting.pop((trigger.key, slot), None)) is not None:
                self._resolve(broadcast, trigger.room, trigger.publisher, trigger.seq, trigger.due_ns)
                resolved.append(broadcast)
        return resolved

    def expire(self, patience: int = PATIENCE) -> list[Broadcast]:
        """Give up those that have waited for more than so many reports: they are foreign from now on."""
        expired = [key for key, broadcast in self._waiting.items() if broadcast.idle > patience]
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
                own_ns = latencies_ns.setdefault(self._name(broadcast), array("q"))
                own_ns.extend(broadcast.latencies_ns)
                self._account_for(broadcast, taken)
                if self.instance:
                    self._unplaced.append((broadcast, np.array(broadcast.latencies_ns)))
                del broadcast.latencies_ns[:]
            broadcast.idle += 1
            broadcast.live = broadcast.idle <= _RETIRED_AFTER
            if broadcast.live:
                self._live.append(broadcast)
        if len(self._live) < len(live):
            for frame in [frame for frame, known in self.known.items() if known.idle > _RETIRED_AFTER]:
                del self.known[frame]
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

    def _name(self, broadcast: Broadcast) -> str:
        if self.apart:
            return self.apart
        mark = self._marks[broadcast.room] if broadcast.room < len(self._marks) else ""
        return broadcast.name + mark + ACROSS * broadcast.across

    def _account_for(self, broadcast: Broadcast, taken: Taken) -> None:
        latencies_ns = broadcast.latencies_ns
        count = len(latencies_ns)
        first_ns, last_ns = min(latencies_ns), max(latencies_ns)
        taken.timed[broadcast.room, broadcast.slot] += count
        if not self.apart:
            due_ns = self._clocks.master_ns(broadcast.due_ns)
            taken.fan_outs.append(
                FanOut(
                    *(broadcast.publisher, broadcast.room, broadcast.seq, broadcast.slot),
                    *(due_ns + first_ns, due_ns + last_ns, count),
                )
            )
        if broadcast.bound_ns is None:
            taken.unbounded += count
            return
        if broadcast.across:
            taken.bounds_us.extend([broadcast.bound_ns // 1000] * count)
        if first_ns < -broadcast.bound_ns:
            taken.negative += sum(latency_ns < -broadcast.bound_ns for latency_ns in latencies_ns)

    def _read(self, event: str, frame: bytes) -> Broadcast:
        sighting = self._reader.read(event, frame)
        if isinstance(sighting, Traced):
            run, room, publisher, seq, due_ns = sighting.trace
            broadcast = Broadcast(event, Kind.FOREIGN, sighting.slot)
            if run == self._run:
                self._resolve(broadcast, room, publisher, seq, due_ns)
            return broadcast
        if isinstance(sighting, Keyed):
            broadcast = Broadcast(event, Kind.WAITING, sighting.slot)
            trigger = self._triggers.get(sighting.key)
            if trigger is None:
                return self._waiting.setdefault((sighting.key, sighting.slot), broadcast)
            self._resolve(broadcast, trigger.room, trigger.publisher, trigger.seq, trigger.due_ns)
            return broadcast
        if isinstance(sighting, Corrupt):
            return Broadcast(event, Kind.CORRUPT)
        assert isinstance(sighting, Untraced)
        return Broadcast(sighting.step, Kind.UNTRACED)

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
        broadcast.line = self.lines[room].setdefault(broadcast.key, {})
        self.revive(broadcast)

    def revive(self, broadcast: Broadcast) -> None:
        """A broadcast will be received, perhaps after a long time in which it was not."""
        broadcast.idle = 0
        broadcast.live = True
        self._live.append(broadcast)
