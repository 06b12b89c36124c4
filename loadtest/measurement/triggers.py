"""The log of triggers: what the publishers did, by stream, in the order of sending."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from loadtest.measurement.countable import Countable
from loadtest.measurement.moments import SlotMoments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.measurement.moments import Moment, Times, Windows

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
    """The triggers of one stream, ready to be counted against.

    A trigger takes 18 bytes, 20 more for each slot, and 40 more if none of its broadcasts is expected.

    :param completions: slot's number -> whether it is a completion.
    :param follows_ns: maximum time from a trigger to the receipt of a broadcast that came in time, in nanoseconds.
    """

    def __init__(self, completions: Sequence[bool] = (), follows_ns: int = 0) -> None:
        self._follows_ns = follows_ns
        self._moments = [SlotMoments(is_completion) for is_completion in completions]
        self._countable: dict[tuple[int, int], Countable] = {}
        """Cached results; emptied on every change."""
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
        self._countable.clear()
        return True

    def knows(self, seq: int) -> bool:
        """Return whether a trigger was heard of."""
        return seq < len(self._sent_ns) and seq not in self._unknown

    def made(self, slot: int, seq: int, moment: Moment) -> None:
        """Take in when a broadcast of a known trigger was made.

        :param moment: by the clock of the process that counts.
        """
        self._countable.clear()
        self._moments[slot].made(seq, moment, self.sent_at_ns(seq), self._follows_ns)

    def is_completion(self, slot: int) -> bool:
        """Return whether a slot is a completion, see `sighting.Slot`."""
        return slot < len(self._moments) and self._moments[slot].is_completion

    def follows(self, slot: int) -> bool:
        """Return whether all broadcasts of a slot so far followed their triggers at once.

        At once means within the time that a broadcast may be in flight. Then the triggers' times are theirs, too.
        """
        return slot >= len(self._moments) or self._moments[slot].follow

    def windows(self, slot: int, flight_ns: int) -> Windows:
        """Return the earliest and the latest moment at which each broadcast of a slot was made.

        :param flight_ns: how long a broadcast may be in flight, in nanoseconds.
        """
        sent_ns = np.array(self._sent_ns, dtype=np.int64)
        return self._moments[slot].windows(sent_ns, self.bound_ns, self._follows_ns, flight_ns)

    def countable(self, slot: int, flight_ns: int, until_ns: int | None = None) -> Countable:
        """Return which broadcasts of a slot count, as far as it is known now.

        :param flight_ns: how long a broadcast may be in flight, in nanoseconds.
        :param until_ns: what left or was made at or after this moment does not count; None if everything does.
        """
        if until_ns is None and (found := self._countable.get((slot, flight_ns))) is not None:
            return found
        end = self.end if until_ns is None else self.sent_before(until_ns)
        made, owed = np.ones(end, dtype=np.bool_), np.ones(end, dtype=np.bool_)
        owed[self.not_owed(0, end)] = False
        windows = None
        if not self.follows(slot):
            windows = self.windows(slot, flight_ns).below(end)
            made = windows.known if until_ns is None else windows.known & (windows.received_ns < until_ns)
        found = Countable(windows, made, owed)
        if until_ns is None:
            self._countable[slot, flight_ns] = found
        return found

    def is_seen_before(self, moment_ns: int) -> bool:
        """Return whether somebody received every broadcast that has to follow the triggers before a moment."""
        end = self.sent_before(moment_ns)
        return all(
            moments.seen_up_to(end, self.not_owed) for moments in self._moments if not moments.is_completion
        )

    def unseen(self, slot: int, start: int) -> list[int]:
        """Return the numbers from `start` on whose broadcasts are expected and have no known receipt."""
        not_owed = set(self.not_owed(start, self.end))
        return [seq for seq in self._moments[slot].unseen(start, self.end) if seq not in not_owed]

    def seen_since(self, slot: int, moment_ns: int) -> tuple[Times, Times]:
        """Return the numbers whose broadcasts were first received at or after a moment, and when that was."""
        return self._moments[slot].since(moment_ns)

    @property
    def end(self) -> int:
        """One more than the largest sequence number."""
        return len(self._sent_ns)

    def sent_ns(self, end: int) -> npt.NDArray[np.int64]:
        """When the first so many left; 0 for those that were never heard of."""
        return np.array(self._sent_ns[:end], dtype=np.int64)

    def sent_at_ns(self, seq: int) -> int:
        """Return when one trigger left; 0 if unknown."""
        return self._sent_ns[seq] if seq < len(self._sent_ns) else 0

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
    """The triggers of all streams of a run.

    :param completions, follows_ns: see `StreamLog`.
    """

    def __init__(self, completions: Sequence[bool] = (), follows_ns: int = 0) -> None:
        self._completions = completions
        self._follows_ns = follows_ns
        self._rooms: dict[int, dict[int, StreamLog]] = {}
        self.origins: list[str] = [""]
        """The instances that answered, by their numbers in the logs of streams."""
        self._numbers = {"": 0}

    def add(self, trigger: Trigger, sent_ns: int, bound_ns: int = 0) -> bool:
        """Add one trigger; see `StreamLog.add`."""
        log = self.stream(trigger.room, trigger.publisher)
        number = self._numbers.setdefault(trigger.origin, len(self.origins))
        if number == len(self.origins):
            self.origins.append(trigger.origin)
        return log.add(trigger.seq, sent_ns, trigger.outcome, bound_ns, number)

    def stream(self, room: int, publisher: int) -> StreamLog:
        """Return the log of one stream; an empty one if there was none."""
        streams = self._rooms.setdefault(room, {})
        log = streams.get(publisher)
        if log is None:
            log = streams[publisher] = StreamLog(self._completions, self._follows_ns)
        return log

    def origin(self, room: int, publisher: int, seq: int) -> str | None:
        """The instance that answered a trigger; empty if it did not say, None if nothing was heard of it yet."""
        log = self._rooms.get(room, {}).get(publisher)
        number = None if log is None else log.origin(seq)
        return None if number is None else self.origins[number]

    def of_room(self, room: int) -> dict[int, StreamLog]:
        """Publisher -> log, for one room."""
        return self._rooms.get(room, {})
