"""The log of triggers: what the publishers did, by stream, in the order of sending."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Stream = tuple[int, int]
"""(publisher, room)."""


class Outcome(IntEnum):
    """What became of a trigger."""

    ACCEPTED = 0
    """The backend said yes."""
    REFUSED = 1
    """The backend said no (HTTP 4xx): it owes nobody a broadcast."""
    FAILED = 2
    """No answer, or HTTP 5xx: the backend was asked, and owes every member the broadcasts."""
    UNSENT = 3
    """There was no connection to send it by: the backend knows nothing of it, and owes nobody anything."""


class Trigger(NamedTuple):
    """One trigger that left its publisher; times in nanoseconds since the epoch on the publisher's clock.

    key: the id under which the backend speaks of it, empty if it gave none. origin: the instance of the backend
    that answered; empty if it did not, or did not say.
    """

    room: int
    publisher: int
    seq: int
    due_ns: int
    sent_ns: int
    outcome: Outcome
    key: str
    origin: str = ""


class StreamLog:
    """The triggers of one stream, ready to be counted against: 18 bytes each, 40 more where nobody is owed."""

    def __init__(self) -> None:
        self._sent_ns: array[int] = array("q")
        self._risen_ns: array[int] = array("q")
        """The largest time up to each number: so that it can be searched where a clock was set back."""
        self._unknown: set[int] = set()
        self._refused: list[int] = []
        self._origins = array("H")
        self.bound_ns = 0
        """By how much the times of sending may be wrong, at most: they were another clock's."""

    def add(self, seq: int, sent_ns: int, outcome: Outcome, bound_ns: int = 0, origin: int = 0) -> bool:
        """Add one trigger; False if it was there already, which changes nothing.

        :param sent_ns: by the clock of whoever counts.
        :param origin: the number of the instance that answered, see `TriggerLog.origins`.
        """
        known = len(self._sent_ns)
        if seq < known and seq not in self._unknown:
            return False
        if seq >= known:
            self._unknown.update(range(known, seq))
            self._sent_ns.extend([0] * (seq + 1 - known))
            self._origins.extend([0] * (seq + 1 - known))
        self._unknown.discard(seq)
        self._sent_ns[seq] = sent_ns
        self._origins[seq] = origin
        del self._risen_ns[seq:]
        if outcome in (Outcome.REFUSED, Outcome.UNSENT):
            insort(self._refused, seq)
        self.bound_ns = max(self.bound_ns, bound_ns)
        return True

    @property
    def end(self) -> int:
        """One more than the largest sequence number."""
        return len(self._sent_ns)

    def sent_ns(self, end: int) -> npt.NDArray[np.int64]:
        """When the first so many left; 0 for those that were never heard of."""
        return np.array(self._sent_ns[:end], dtype=np.int64)

    def origins(self, end: int) -> npt.NDArray[np.uint16]:
        """The number of the instance that answered each of the first so many."""
        return np.array(self._origins[:end], dtype=np.uint16)

    def origin(self, seq: int) -> int | None:
        """The number of the instance that answered one; None if it was not heard of yet."""
        return self._origins[seq] if seq < len(self._origins) and seq not in self._unknown else None

    def sent_before(self, moment_ns: int) -> int:
        """The first sequence number that left at or after a moment; numbers rise with the time of sending."""
        risen_ns = self._risen_ns
        for seq in range(len(risen_ns), len(self._sent_ns)):
            risen_ns.append(max(self._sent_ns[seq], risen_ns[-1] if seq else 0))
        return bisect_left(risen_ns, moment_ns)

    def not_owed(self, start: int, stop: int) -> list[int]:
        """The sequence numbers in [start, stop) that nobody is owed: refused, unsent, never heard of."""
        refused = self._refused[bisect_left(self._refused, start) : bisect_left(self._refused, stop)]
        return sorted([*refused, *(seq for seq in self._unknown if start <= seq < stop)])


class TriggerLog:
    """The triggers of all streams of a run."""

    def __init__(self) -> None:
        self._rooms: dict[int, dict[int, StreamLog]] = {}
        self.origins: list[str] = [""]
        """The instances that answered, by their numbers in the logs of streams."""
        self._numbers = {"": 0}

    def add(self, trigger: Trigger, sent_ns: int, bound_ns: int = 0) -> bool:
        """Add one trigger; see `StreamLog.add`."""
        streams = self._rooms.setdefault(trigger.room, {})
        log = streams.get(trigger.publisher)
        if log is None:
            log = streams[trigger.publisher] = StreamLog()
        number = self._numbers.setdefault(trigger.origin, len(self.origins))
        if number == len(self.origins):
            self.origins.append(trigger.origin)
        return log.add(trigger.seq, sent_ns, trigger.outcome, bound_ns, number)

    def origin(self, room: int, publisher: int, seq: int) -> str | None:
        """The instance that answered a trigger; empty if it did not say, None if nothing was heard of it yet."""
        log = self._rooms.get(room, {}).get(publisher)
        number = None if log is None else log.origin(seq)
        return None if number is None else self.origins[number]

    def of_room(self, room: int) -> dict[int, StreamLog]:
        """Publisher -> log, for one room."""
        return self._rooms.get(room, {})
