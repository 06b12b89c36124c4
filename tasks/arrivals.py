"""Users and listeners of one process who are about to connect: when each may, and how many do at a time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import gevent

from loadtest.tasks.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator

_BATCH_S: Final = 1.0
"""How often Locust starts users."""
_LEAST_AT_A_TIME: Final = 32
_LOOK_S: Final = 0.002


class Arrivals:
    """See the module.

    :param per_s: how many may connect a second; 0 for as many as come.
    """

    def __init__(self, per_s: float) -> None:
        self.to_come = 0
        """Who waits for a turn."""
        self._per_s = per_s
        self._pace = Pace(per_s)
        self._arriving = 0
        self._quickest_s = float("inf")

    def take_turn(self) -> None:
        """Wait for one's turn among the users of a batch."""
        self.to_come += 1
        try:
            # No longer than until the next batch: a run whose rate was raised in the middle keeps up with it.
            gevent.sleep(self._pace.wait_s(time.monotonic(), _BATCH_S))
        finally:
            self.to_come -= 1

    def take_next_turn(self) -> None:
        """Wait for a turn, and until there is room for one more: for those who come one after the other."""
        gevent.sleep(self._pace.wait_s(time.monotonic()))
        while self._arriving >= self.at_a_time:
            gevent.sleep(_LOOK_S)

    @property
    def at_a_time(self) -> int:
        """How many may be arriving together: twice as many as the pace needs by Little's law, where an arrival
        takes as long as the quickest. More would wait in our own queue, and make every one of them dearer.
        """
        if self._quickest_s == float("inf"):
            return _LEAST_AT_A_TIME
        return max(_LEAST_AT_A_TIME, round(2 * self._per_s * self._quickest_s))

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """While somebody connects and joins."""
        began_s = time.monotonic()
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1
            self._quickest_s = min(self._quickest_s, time.monotonic() - began_s)
