"""Garbage collections of a worker: how long it stood still for each, and how that is kept short.

A full collection looks at every object: half a second where 10,000 users are connected, and a quarter of the time
that it takes to connect them. So only young objects are looked at while users come; when they are there, all that
they consist of is put out of the collector's sight (`gc.freeze`) for as long as the run lasts. What little is
garbage by then stays as long.
"""

from __future__ import annotations

import gc
import time
from array import array
from typing import Final

_YOUNG_ONLY: Final = (50_000, 1_000_000, 1_000_000)


class Garbage:
    """Notes every collection between `start` and `stop`."""

    def __init__(self) -> None:
        self._pauses_us: array[int] = array("q")
        self._began_ns = 0
        self._thresholds: tuple[int, int, int] | None = None

    def start(self) -> None:
        """A run begins, and users come."""
        self.stop()
        self._thresholds = gc.get_threshold()
        gc.set_threshold(*_YOUNG_ONLY)
        gc.callbacks.append(self._note)

    def users_are_there(self) -> None:
        """They have come: nothing of what there is now is looked at any more."""
        if self._thresholds is not None:
            gc.freeze()
            gc.set_threshold(*self._thresholds)

    def stop(self) -> None:
        """The run is over; the next one may be of others."""
        if self._thresholds is not None:
            gc.callbacks.remove(self._note)
            gc.set_threshold(*self._thresholds)
            gc.unfreeze()
            self._thresholds = None

    def take_us(self) -> array[int]:
        """The pauses since they were last taken."""
        taken, self._pauses_us = self._pauses_us, array("q")
        return taken

    def _note(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
        else:
            self._pauses_us.append((time.perf_counter_ns() - self._began_ns) // 1000)
