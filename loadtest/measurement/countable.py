"""The broadcasts of a stream that count, as far as they are known at one moment.

One object serves all members that are counted then. It counts a range of numbers at once: the time to count a
member does not grow with the length of the stream.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.measurement.moments import Windows
    from loadtest.measurement.triggers import StreamLog

Numbers = range | npt.NDArray[np.int64]
"""Sequence numbers in their order."""
Parts = list[tuple[int, int]] | npt.NDArray[np.int64]
"""Some of them: ranges [start, stop), or numbers."""
_FEW: Final = 8
"""Fewer ranges than this are counted faster one by one."""
Marks = npt.NDArray[np.bool_]
"""By sequence number."""


class Countable:
    """One slot of a stream.

    :param windows: when each broadcast was made; None if all followed their triggers at once.
    :param made: whether each broadcast was made.
    :param owed: whether members should receive it if it was made.
    """

    def __init__(self, windows: Windows | None, made: Marks, owed: Marks) -> None:
        self.windows = windows
        self.end = len(made)
        """One more than the largest number that may count."""
        self._made = made
        self._counts = made & owed
        self._before = np.concatenate([[0], np.cumsum(self._counts)])
        """Number -> how many smaller ones count."""
        self._runs: tuple[list[int], list[int]] | None = None
        """First and last + 1 of each range that was made."""

    def count(self, parts: Parts) -> int:
        """Return how many of some numbers below the end count."""
        if isinstance(parts, np.ndarray):
            return int(self._counts[parts].sum())
        if len(parts) < _FEW:
            return sum(int(self._before[stop] - self._before[start]) for start, stop in parts)
        borders = np.array(parts)
        return int((self._before[borders[:, 1]] - self._before[borders[:, 0]]).sum())

    def made(self, parts: Parts) -> Iterator[tuple[int, int]]:
        """Return the numbers whose broadcasts were made, as ranges [start, stop)."""
        if isinstance(parts, np.ndarray):
            yield from ranges_of(parts[self._made[parts]])
            return
        starts, stops = self._runs or self._find_runs()
        for start, stop in parts:
            for at in range(bisect_right(stops, start), len(stops)):
                if starts[at] >= stop:
                    break
                yield max(starts[at], start), min(stops[at], stop)

    def _find_runs(self) -> tuple[list[int], list[int]]:
        borders = np.flatnonzero(np.diff(self._made, prepend=False, append=False)).tolist()
        self._runs = borders[::2], borders[1::2]
        return self._runs


class Snapshot:
    """All streams as they are known when each is first asked for: later changes do not count.

    :param flight_ns: how long a broadcast may be in flight, in nanoseconds.
    :param until_ns: what left or was made at or after this moment does not count.
    """

    def __init__(self, flight_ns: int, until_ns: int) -> None:
        self._flight_ns = flight_ns
        self._until_ns = until_ns
        self._found: dict[tuple[int, int], Countable] = {}

    def of(self, log: StreamLog, slot: int) -> Countable:
        """Return what counts of one slot of a stream."""
        found = self._found.get((id(log), slot))
        if found is None:
            found = self._found[id(log), slot] = log.countable(slot, self._flight_ns, self._until_ns)
        return found


def parts_of(numbers: Numbers) -> Parts:
    """Return numbers as parts."""
    if isinstance(numbers, range):
        return [(numbers.start, numbers.stop)] if numbers else []
    return numbers


def ranges_of(numbers: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Return numbers in their order as ranges [start, stop)."""
    if len(numbers):
        gaps = np.flatnonzero(np.diff(numbers) > 1) + 1
        for part in np.split(numbers, gaps):
            yield int(part[0]), int(part[-1]) + 1
