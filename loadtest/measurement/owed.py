"""When what was owed was sent, and when what was lost, and between which instances; whoever it was for."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loadtest.measurement.triggers import StreamLog, TriggerLog

_SECOND_NS = 1_000_000_000


class Ranges:
    """What members were owed and lost, by when the triggers left and by the ways that broadcasts had to go.

    Kept as the borders of ranges of sequence numbers, which members of a room have in common: memory and time grow
    with borders, and neither with deliveries nor with triggers.
    """

    def __init__(self) -> None:
        self._owed: dict[tuple[int, int, str], Counter[int]] = defaultdict(Counter)
        self._lost: dict[tuple[int, int, str], Counter[int]] = defaultdict(Counter)
        """(room, publisher, instance of the members) -> sequence number -> how many ranges begin there, less those
        that end there."""

    def owe(
        self, room: int, publisher: int, start: int, stop: int, deliveries: int = 1, instance: str = ""
    ) -> None:
        """So many deliveries of each of the sequence numbers [start, stop) were owed.

        :param instance: of the backend, that the member was with.
        """
        _add(self._owed[room, publisher, instance], start, stop, deliveries)

    def lose(self, room: int, publisher: int, start: int, stop: int, instance: str = "") -> None:
        """One delivery of each was lost."""
        _add(self._lost[room, publisher, instance], start, stop, 1)

    def add(self, other: Ranges) -> None:
        """Add what others were owed and lost."""
        for own, more in ((self._owed, other._owed), (self._lost, other._lost)):
            for stream, borders in more.items():
                own[stream].update(borders)

    def lost(self, room: int, publisher: int, stream: StreamLog) -> npt.NDArray[np.int64]:
        """Return how many deliveries of each sequence number of a stream were lost, up to the last one lost."""
        merged: Counter[int] = Counter()
        for (own_room, own_publisher, _), borders in self._lost.items():
            if (own_room, own_publisher) == (room, publisher):
                for seq, change in borders.items():
                    merged[seq] += change
        return _counts(merged, stream)

    def by_second(self, log: TriggerLog, second: Callable[[int], int]) -> dict[int, tuple[int, int]]:
        """Second -> (owed, lost). What nobody is owed of these ranges counts as neither.

        :param log: of all triggers.
        :param second: a moment in nanoseconds of the log's clock -> its second, since the epoch.
        """
        owed: Counter[int] = Counter()
        lost: Counter[int] = Counter()
        for (room, publisher, instance), borders in self._owed.items():
            stream = log.of_room(room)[publisher]
            _spread(borders, stream, second, owed)
            _spread(self._lost.get((room, publisher, instance), Counter()), stream, second, lost)
        return {at_s: (count, lost[at_s]) for at_s, count in sorted(owed.items()) if count}

    def by_path(self, log: TriggerLog) -> dict[tuple[str, str], tuple[int, int]]:
        """(instance that was triggered, instance of the member) -> (owed, lost); an empty name is one that
        nobody said, and where nobody said any there is nothing.
        """
        if len(log.origins) == 1 and not any(instance for _, _, instance in self._owed):
            return {}
        owed: Counter[tuple[str, str]] = Counter()
        lost: Counter[tuple[str, str]] = Counter()
        for (room, publisher, instance), borders in self._owed.items():
            stream = log.of_room(room)[publisher]
            for found, into in ((borders, owed), (self._lost.get((room, publisher, instance), Counter()), lost)):
                counts = _counts(found, stream)
                sums = np.bincount(stream.origins(len(counts)), weights=counts, minlength=len(log.origins))
                for origin, count in zip(log.origins, sums, strict=True):
                    into[origin, instance] += int(count)
        return {path: (count, lost[path]) for path, count in owed.items() if count}


def merge(all_of_them: Iterable[Iterable[tuple[int, int, int]]]) -> dict[int, tuple[int, int]]:
    """Several of them, as rows of (second, owed, lost), added up."""
    owed: Counter[int] = Counter()
    lost: Counter[int] = Counter()
    for rows in all_of_them:
        for at_s, more_owed, more_lost in rows:
            owed[at_s] += more_owed
            lost[at_s] += more_lost
    return {at_s: (count, lost[at_s]) for at_s, count in owed.items()}


def _add(borders: Counter[int], start: int, stop: int, count: int) -> None:
    if start < stop:
        borders[start] += count
        borders[stop] -= count


def _counts(borders: Counter[int], stream: StreamLog) -> npt.NDArray[np.int64]:
    """Of each sequence number, how many ranges it is in; 0 of those that nobody is owed."""
    end = max(borders, default=0)
    steps = np.zeros(end + 1, dtype=np.int64)
    for seq, change in borders.items():
        steps[seq] += change
    counts = np.cumsum(steps)[:end]
    counts[stream.not_owed(0, end)] = 0
    return counts


def _spread(borders: Counter[int], stream: StreamLog, second: Callable[[int], int], into: Counter[int]) -> None:
    counts = _counts(borders, stream)
    # The clocks' difference does not change within a second: one question for each is enough.
    own_s, which = np.unique(stream.sent_ns(len(counts)) // _SECOND_NS, return_inverse=True)
    sums = np.zeros(len(own_s), dtype=np.int64)
    np.add.at(sums, which, counts)
    for at_s, count in zip(own_s, sums, strict=True):
        into[second(int(at_s) * _SECOND_NS + _SECOND_NS // 2)] += int(count)
