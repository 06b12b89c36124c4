"""The earliest moment at which the data that a turn of the event loop reads can have arrived.

A read has the timestamp of its last segment. Its other segments arrived before, and the kernel does not keep their
times: it joins segments in the socket's queue. Reading one frame at a time therefore gives every frame the last
one's timestamp (measured on Linux 6.18). But the loop would have read earlier data when it last looked. And if
there was no data when the loop went to sleep, data woke it. Then the data arrived no longer ago than the kernel
took to let this thread run, which it counts (`run_delay` in /proc/thread-self/schedstat, in nanoseconds).
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import gevent

if TYPE_CHECKING:
    from collections.abc import Callable

_WAKING_NS: Final = 500_000
"""Maximum delay of a thread on an idle processor after the event that wakes it, in nanoseconds. (On a busy virtual
machine with two cores, the delay exceeded 0.2 ms once in a thousand times, by 0.05 ms.)"""
_SCHEDSTAT: Final = "/proc/thread-self/schedstat"
_LONGEST_LINE: Final = 96


class Wakeups:
    """Watches the turns of this thread's loop from `start()` on.

    :param is_ready: returns whether there is data to read now.
    """

    def __init__(self, is_ready: Callable[[], object]) -> None:
        self.since_ns = 0
        """Data read in this turn arrived after this moment, in nanoseconds since the epoch."""
        self._is_ready = is_ready
        self._woke_ns = 0
        """Data that the turn before did not read arrived after this moment."""
        self._asleep_ns = 0
        """When the loop went to sleep."""
        self._was_ready = True
        """Whether there was data to read then."""
        self._delayed_ns = 0
        self._schedstat: int | None = None
        self._watchers: list[Any] = []

    def start(self) -> None:
        """Watch from now on, without knowledge of the time before."""
        self.since_ns = self._woke_ns = self._asleep_ns = time.time_ns()
        self._was_ready = True
        loop = gevent.get_hub().loop
        # With libuv, check watchers run only after the data was handled.
        if "libuv" not in type(loop).__module__:
            try:
                self._schedstat = os.open(_SCHEDSTAT, os.O_RDONLY | os.O_CLOEXEC)
                self._run_delay_ns(self._schedstat)
            except (OSError, ValueError):
                # Without it the bounds are wider, and as true.
                self._close()
        for watcher, act in ((loop.prepare(), self._on_sleep), (loop.check(), self._on_wake)):
            watcher.start(act)
            self._watchers.append(watcher)

    def stop(self) -> None:
        """Stop watching, and release everything."""
        for watcher in self._watchers:
            watcher.stop()
            watcher.close()
        self._watchers.clear()
        self._close()

    def _on_sleep(self) -> None:
        if self._schedstat is not None:
            self._delayed_ns = self._run_delay_ns(self._schedstat)
        self._asleep_ns = time.time_ns()
        self._was_ready = bool(self._is_ready())

    def _on_wake(self) -> None:
        woke_ns = self._asleep_ns
        if self._schedstat is not None:
            now_ns = time.time_ns()
            delayed_ns = self._run_delay_ns(self._schedstat) - self._delayed_ns
            woke_ns = max(woke_ns, now_ns - delayed_ns - _WAKING_NS)
        self.since_ns = self._woke_ns if self._was_ready else woke_ns
        self._woke_ns = woke_ns

    @staticmethod
    def _run_delay_ns(schedstat: int) -> int:
        ran_ns, delayed_ns, _ = os.pread(schedstat, _LONGEST_LINE, 0).split()
        if ran_ns == b"0":
            raise ValueError("the kernel does not count")
        return int(delayed_ns)

    def _close(self) -> None:
        if self._schedstat is not None:
            os.close(self._schedstat)
            self._schedstat = None
