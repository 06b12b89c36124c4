"""The ledger of one stream at one socket: which sequence numbers came, twice, or out of order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from loadtest.measurement.countable import Numbers, Parts


class SequenceLedger:
    """Receives sequence numbers of one stream in their order of arrival.

    What came is kept as one range with gaps, so that memory grows with the gaps and not with the numbers: about
    100 bytes, and 150 for each gap. A number below the largest seen so far is reordered (RFC 4737, section 3),
    unless it is a duplicate (RFC 5560). Its extent (section 4.2.1) is how many arrivals it is behind the first of
    the larger ones.
    """

    __slots__ = ("_first", "_gaps", "duplicates", "extent", "next", "reordered")

    def __init__(self) -> None:
        self._first = self.next = -1
        """The number after the largest that came."""
        self._gaps: list[tuple[int, int, int]] | None = None
        # (start, stop, how many different numbers had come before the first that is larger)
        self.duplicates = 0
        self.reordered = 0
        self.extent = 0
        """The largest extent of a reordered number."""

    def record(self, seq: int) -> bool:
        """Record one arrival; False if it is a duplicate."""
        if seq == self.next:
            self.next = seq + 1
            return True
        return self._record_out_of_line(seq)

    def _record_out_of_line(self, seq: int) -> bool:
        gaps = self._gaps if self._gaps is not None else []
        if self._first < 0:
            self._first, self.next = seq, seq + 1
            return True
        if seq > self.next:
            gaps.append((self.next, seq, self.count(self._first, self.next)))
            self.next = seq + 1
        elif seq < self._first:
            if seq + 1 < self._first:
                gaps.insert(0, (seq + 1, self._first, 0))
            self._reordered(0)
            self._first = seq
        else:
            at = next((at for at, (start, stop, _) in enumerate(gaps) if start <= seq < stop), None)
            if at is None:
                self.duplicates += 1
                return False
            start, stop, before = gaps[at]
            self._reordered(before)
            parts = ((start, seq, before), (seq + 1, stop, before))
            gaps[at : at + 1] = [part for part in parts if part[0] < part[1]]
        self._gaps = gaps or None
        return True

    def _reordered(self, before: int) -> None:
        """A reordered number came, and so many others before the first that is larger."""
        self.reordered += 1
        self.extent = max(self.extent, self.count(self._first, self.next) - before)

    def missing(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return the ranges within [start, stop) of which nothing came."""
        if self._first < 0:
            return [(start, stop)]
        found = [(start, min(self._first, stop))] if start < self._first else []
        found += self._gaps_within(start, stop)
        if self.next < stop:
            found.append((max(self.next, start), stop))
        return found

    def _gaps_within(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return the gaps as far as they are within [start, stop). They are in order: only the ends are cut."""
        if self._gaps is None:
            return []
        first = bisect_right(self._gaps, start, key=itemgetter(1))
        found = [(begin, end) for begin, end, _ in self._gaps[first : bisect_left(self._gaps, (stop,))]]
        if found:
            found[0] = (max(found[0][0], start), found[0][1])
            found[-1] = (found[-1][0], min(found[-1][1], stop))
        return found

    def missing_of(self, numbers: Numbers) -> Parts:
        """Return those of some numbers that did not come."""
        if isinstance(numbers, range):
            return self.missing(numbers.start, numbers.stop) if numbers else []
        missing = (numbers < self._first) | (numbers >= self.next)
        if self._gaps is not None:
            gaps = np.array(self._gaps, dtype=np.int64)
            at = np.searchsorted(gaps[:, 0], numbers, side="right") - 1
            missing |= (at >= 0) & (numbers < gaps[at, 1])
        return numbers[missing]

    def count(self, start: int, stop: int) -> int:
        """How many different numbers in [start, stop) came."""
        start, stop = max(start, self._first), min(stop, self.next)
        if stop <= start or self._first < 0:
            return 0
        return stop - start - sum([end - begin for begin, end in self._gaps_within(start, stop)])
