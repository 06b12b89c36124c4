"""Tells what a frame is, once for all sockets that get it: the members of a room receive identical bytes."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

import numpy as np

from .presence import ledger_key
from .sighting import Corrupt, Keyed, Traced

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .latency import Samples
    from .meter import Account
    from .presence import Line
    from .sighting import FrameReader
    from .triggers import Trigger

_MOST_KNOWN: Final = 4096
_LONGEST_KNOWN_BYTES: Final = 4096


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

    latencies_ns: the run's own list for this event. key: of the ledger, see `presence.ledger_key`. line: who is to
    get it next; nobody, as long as it is no delivery. waiting: (number of the arrival, account,
    received_ns) of the deliveries that came before the trigger was known.
    """

    event: str
    kind: Kind
    latencies_ns: array[int]
    slot: int = 0
    room: int = -1
    key: int = 0
    seq: int = 0
    next_seq: int = 0
    due_ns: int = 0
    line: Line = field(default_factory=dict)
    waiting: list[tuple[int, Account, int]] = field(default_factory=list)

    def resolve(self, room: int, publisher: int, seq: int, due_ns: int, lines: dict[int, Line]) -> None:
        """The trigger is known.

        :param lines: the room's, by `ledger_key`.
        """
        self.kind = Kind.DELIVERY
        self.room = room
        self.key = ledger_key(publisher, self.slot)
        self.seq = seq
        self.next_seq = seq + 1
        self.due_ns = due_ns
        self.line = lines.setdefault(self.key, {})


class Recogniser:
    """Remembers the last few thousand frames, by their bytes.

    :param run: the run's 8 hexadecimal digits.
    """

    def __init__(self, run: str, reader: FrameReader) -> None:
        self._run = run
        self._reader = reader
        self.known: dict[bytes, Broadcast] = {}
        self.lines: defaultdict[int, dict[int, Line]] = defaultdict(dict)
        """Room -> its lines; see `presence.Line`."""
        self._latencies_ns: dict[str, array[int]] = {slot.event: array("q") for slot in reader.slots}
        self._triggers: dict[str, Trigger] = {}
        self._waiting: dict[tuple[str, int], Broadcast] = {}

    def recognise(self, event: str, frame: bytes) -> Broadcast:
        """What a frame is that is not among the known ones."""
        broadcast = self._read(event, frame)
        if len(frame) <= _LONGEST_KNOWN_BYTES:
            if len(self.known) >= _MOST_KNOWN:
                self.known.clear()
            self.known[frame] = broadcast
        return broadcast

    def learn(self, triggers: Iterable[Trigger]) -> list[Broadcast]:
        """Take in the ids of triggers; the broadcasts that have waited for one of them and are resolved now."""
        resolved = []
        for trigger in triggers:
            if not trigger.key:
                continue
            self._triggers[trigger.key] = trigger
            for slot in range(len(self._reader.slots)):
                if (broadcast := self._waiting.pop((trigger.key, slot), None)) is not None:
                    self._resolve(broadcast, trigger)
                    resolved.append(broadcast)
        return resolved

    def take_samples_us(self) -> dict[str, Samples]:
        """Event -> the latencies in µs since they were last taken."""
        taken = {}
        for event, latencies_ns in self._latencies_ns.items():
            if latencies_ns:
                taken[event] = np.array(latencies_ns) // 1000
                del latencies_ns[:]
        return taken

    def still_waiting(self) -> int:
        """Deliveries whose trigger nobody has named: they belong to tasks that are not ours."""
        return sum(len(broadcast.waiting) for broadcast in self._waiting.values())

    def _read(self, event: str, frame: bytes) -> Broadcast:
        sighting = self._reader.read(event, frame)
        if isinstance(sighting, Traced):
            run, room, publisher, seq, due_ns = sighting.trace
            broadcast = self._new(event, Kind.FOREIGN, sighting.slot)
            if run == self._run:
                broadcast.resolve(room, publisher, seq, due_ns, self.lines[room])
            return broadcast
        if isinstance(sighting, Keyed):
            broadcast = self._new(event, Kind.WAITING, sighting.slot)
            trigger = self._triggers.get(sighting.key)
            if trigger is None:
                return self._waiting.setdefault((sighting.key, sighting.slot), broadcast)
            self._resolve(broadcast, trigger)
            return broadcast
        return self._new(event, Kind.CORRUPT if isinstance(sighting, Corrupt) else Kind.UNTRACED)

    def _resolve(self, broadcast: Broadcast, trigger: Trigger) -> None:
        lines = self.lines[trigger.room]
        broadcast.resolve(trigger.room, trigger.publisher, trigger.seq, trigger.due_ns, lines)

    def _new(self, event: str, kind: Kind, slot: int = 0) -> Broadcast:
        return Broadcast(event, kind, self._latencies_ns.setdefault(event, array("q")), slot)
