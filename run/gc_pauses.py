"""How long this process stood still for garbage collections."""

from __future__ import annotations

import gc
import time
from array import array


class GcPauses:
    """Notes every collection between `start` and `stop`."""

    def __init__(self) -> None:
        self._pauses_us: array[int] = array("q")
        self._began_ns = 0

    def start(self) -> None:
        """Begin to note; a second time changes nothing."""
        if self._note not in gc.callbacks:
            gc.callbacks.append(self._note)

    def stop(self) -> None:
        """Note no more."""
        if self._note in gc.callbacks:
            gc.callbacks.remove(self._note)

    def take_us(self) -> array[int]:
        """The pauses since they were last taken."""
        taken, self._pauses_us = self._pauses_us, array("q")
        return taken

    def _note(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
        else:
            self._pauses_us.append((time.perf_counter_ns() - self._began_ns) // 1000)
