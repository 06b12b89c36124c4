"""How long it takes until a batch of clients that connect at the same time is connected."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class ConnectTimes:
    """When each connect began and ended: 16 bytes for each."""

    def __init__(self) -> None:
        self._started_ns: array[int] = array("q")
        self._finished_ns: array[int] = array("q")

    def add(self, started_ns: int, finished_ns: int) -> None:
        """One connect."""
        self._started_ns.append(started_ns)
        self._finished_ns.append(finished_ns)

    def by(self, clock: Callable[[int], int]) -> list[tuple[int, int]]:
        """All of them, each as (started, finished), by another clock.

        :param clock: a moment of ours -> that moment by the other clock.
        """
        started_ns = map(clock, self._started_ns)
        return list(zip(started_ns, map(clock, self._finished_ns), strict=True))


def slowest_batch_ms(connects: Iterable[tuple[int, int]], size: int) -> float | None:
    """The longest time from the first start to the last finish of a batch of concurrent connects.

    A batch is `size` connects in a row, by start, all of which were under way at one moment: the last started
    before the first finished.

    :param connects: (started, finished) in nanoseconds.
    :returns: milliseconds; None if there was no such batch.
    """
    ordered = sorted(connects)
    slowest = None
    for first in range(len(ordered) - size + 1):
        batch = ordered[first : first + size]
        if batch[-1][0] <= min(finished for _, finished in batch):
            took_ms = (max(finished for _, finished in batch) - batch[0][0]) / 1e6
            slowest = took_ms if slowest is None else max(slowest, took_ms)
    return slowest
