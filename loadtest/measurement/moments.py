"""When the broadcasts of a stream were made, as far as a client of the backend can know.

A broadcast was made after its trigger left and before the first member received it. A client cannot know more. If
the broadcast follows its trigger at once, the trigger's time is good enough. If the backend works for a while
first, a member counts by the rooms that it was in when the broadcast was made, not when the trigger left.

========================  ==================================================================================
a broadcast               was made
========================  ==================================================================================
that came in time         when its trigger left, or at most the time that one may be in flight later
that came later           between its trigger and its first receipt
a completion              at most the time in flight before its first receipt
that nobody received      as one that came in time; a completion: not at all, unless the backend's own data
                          say that the work is done
========================  ==================================================================================
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

Times = npt.NDArray[np.int64]
_NEVER_NS: Final = int(np.iinfo(np.int64).min + 1)
"""Before all moments."""
_MOST_BOUND_US: Final = 2**32 - 1


class Moment(NamedTuple):
    """The latest moment at which a broadcast can have been made, in nanoseconds since the epoch.

    width_ns: how long before that it can have been made, at most; 0 for any time since its trigger.
    bound_ns: maximum error of both.
    """

    ns: int
    width_ns: int = 0
    bound_ns: int = 0


class Made(NamedTuple):
    """Which broadcast was made when, by the master's clock; as it is sent to all workers."""

    publisher: int
    room: int
    seq: int
    slot: int
    ns: int
    width_ns: int = 0
    bound_ns: int = 0

    @property
    def limit_ns(self) -> int:
        """The moment by which it was certainly made."""
        return self.ns + self.bound_ns


class Windows(NamedTuple):
    """Limits of the moment at which each broadcast was made, by sequence number.

    earliest_ns: lower limit.
    latest_ns: upper limit for a member that joins: the answer to its join may have been in flight, too.
    received_ns: upper limit for a member that leaves: from then on it may be in flight as long as any other.
    known: whether it is known that the broadcast was made.
    peak_ns: the largest `latest_ns` of the known ones up to each number.
    trough_ns: the smallest `earliest_ns` of the known ones from each number on.
    """

    earliest_ns: Times
    latest_ns: Times
    received_ns: Times
    known: npt.NDArray[np.bool_]
    peak_ns: Times
    trough_ns: Times

    def below(self, end: int) -> Windows:
        """Return the windows of the numbers below one."""
        return self._select(slice(end))

    def none_before(self, moment_ns: int) -> int:
        """Return the smallest number from which on no known broadcast can have been made before a moment."""
        return int(self.trough_ns.searchsorted(moment_ns))

    def all_before(self, moment_ns: int) -> int:
        """Return the largest number below which all known broadcasts were made before a moment."""
        return int(self.peak_ns.searchsorted(moment_ns))

    def of(self, numbers: Times) -> Windows:
        """Return the windows of some numbers."""
        return self._select(numbers)

    def _select(self, numbers: Times | slice) -> Windows:
        return Windows(
            *(self.earliest_ns[numbers], self.latest_ns[numbers], self.received_ns[numbers]),
            *(self.known[numbers], self.peak_ns[numbers], self.trough_ns[numbers]),
        )


class SlotMoments:
    """The moments of one slot of a stream.

    :param is_completion: see `sighting.Slot`.
    """

    def __init__(self, is_completion: bool) -> None:
        self.is_completion = is_completion
        self.follow = not is_completion
        """Whether all broadcasts so far came in time."""
        self._latest_ns: array[int] = array("q")
        """By sequence number; 0 if no receipt is known."""
        self._width_ns: array[int] = array("q")
        self._bound_us: array[int] = array("I")
        """Rounded up; 4 bytes are enough."""
        self._seen_up_to = 0

    def made(self, seq: int, moment: Moment, sent_ns: int, flight_ns: int) -> None:
        """Take in one moment.

        Of several, the one counts by which the broadcast was certainly made first. So a worker's own receipt,
        which is exact, is not replaced when it comes back from the master.

        :param sent_ns: when the trigger left.
        """
        missing = seq + 1 - len(self._latest_ns)
        if missing > 0:
            self._latest_ns.extend([0] * missing)
            self._width_ns.extend([0] * missing)
            self._bound_us.extend([0] * missing)
        before_ns = self._latest_ns[seq]
        if not before_ns or moment.ns + moment.bound_ns < before_ns + 1000 * self._bound_us[seq]:
            self._latest_ns[seq] = moment.ns
            self._width_ns[seq] = moment.width_ns
            self._bound_us[seq] = min(-(-moment.bound_ns // 1000), _MOST_BOUND_US)
        self.follow = self.follow and self._latest_ns[seq] <= sent_ns + flight_ns

    def latest_ns(self, seq: int) -> int:
        """Return the latest moment at which a broadcast can have been made; 0 if no receipt is known."""
        return self._latest_ns[seq] if seq < len(self._latest_ns) else 0

    def since(self, moment_ns: int) -> tuple[Times, Times]:
        """Return the numbers whose moment is at or after `moment_ns`, and these moments."""
        latest_ns = np.array(self._latest_ns, dtype=np.int64)
        numbers = np.flatnonzero(latest_ns >= moment_ns)
        return numbers, latest_ns[numbers]

    def unseen(self, start: int, end: int) -> list[int]:
        """Return the numbers in [start, end) that have no known receipt."""
        known = np.array(self._latest_ns[start:end], dtype=np.int64)
        behind = range(max(start, len(self._latest_ns)), end)
        return [*(np.flatnonzero(known == 0) + start).tolist(), *behind]

    def seen_up_to(self, end: int, not_owed: Callable[[int, int], list[int]]) -> bool:
        """Return whether every number below `end` was received by somebody or is expected by nobody."""
        while self._seen_up_to < end:
            seq = self._seen_up_to
            if not self.latest_ns(seq) and not not_owed(seq, seq + 1):
                return False
            self._seen_up_to += 1
        return True

    def windows(self, sent_ns: Times, sent_bound_ns: int, follows_ns: int, flight_ns: int) -> Windows:
        """Return the earliest and the latest moment at which each broadcast was made.

        :param sent_ns: when the triggers left, by number; 0 if unknown.
        :param sent_bound_ns: maximum error of these times.
        :param follows_ns: maximum time from a trigger to the receipt of a broadcast that came in time.
        :param flight_ns: how long a broadcast may be in flight.
        """
        count = len(sent_ns)
        latest_ns, width_ns, bound_ns = np.zeros((3, count), dtype=np.int64)
        known = min(count, len(self._latest_ns))
        latest_ns[:known], width_ns[:known] = self._latest_ns[:known], self._width_ns[:known]
        bound_ns[:known] = self._bound_us[:known]
        bound_ns *= 1000
        seen = latest_ns > 0
        # By a clock that is far off it would have been made before its trigger left.
        latest_ns = np.where(seen, np.maximum(latest_ns, sent_ns), 0)
        narrow_ns = np.where(width_ns > 0, latest_ns - np.maximum(width_ns, flight_ns) - bound_ns, 0)
        if self.is_completion:
            late, is_known = seen, seen
        else:
            late, is_known = seen & (latest_ns > sent_ns + follows_ns), sent_ns > 0
        earliest_ns = np.maximum(np.where(late, narrow_ns, 0), sent_ns - sent_bound_ns)
        received_ns = np.where(late, latest_ns + bound_ns, sent_ns + sent_bound_ns)
        until_ns = received_ns + flight_ns
        return Windows(
            earliest_ns=earliest_ns,
            latest_ns=until_ns,
            received_ns=received_ns,
            known=is_known,
            peak_ns=np.maximum.accumulate(np.where(is_known, until_ns, _NEVER_NS)),
            trough_ns=np.minimum.accumulate(np.where(is_known, earliest_ns, -_NEVER_NS)[::-1])[::-1],
        )
