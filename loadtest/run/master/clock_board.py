"""What the master tells every worker of all workers' clocks: what is new to it, and no clock too often.

Pure: what is told, and when, is the caller's. An estimate holds for later moments too, with a bound that grows
slowly, so the clocks of a large fleet are told in turn rather than all the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgpack

from loadtest.measurement.clocks import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOCKS_A_SECOND: Final = 100
_LEAST_REFRESH_S: Final = 0.5


class ClockBoard:
    """The master's: the clocks in the order in which they were put up last."""

    def __init__(self) -> None:
        self.version = 0
        """Counts what was put up."""
        self._posts: dict[int, tuple[int, float, bool, int, bytes]] = {}

    def put(self, clock: Clock, now_s: float) -> None:
        """Take in a worker's clock, and publish it if it is due.

        It is due if its last publication is long ago, if it was unknown before, or if it was set.

        :param now_s: by any clock that only goes forward.
        """
        known = clock.estimate is not None
        if (last := self._posts.get(clock.worker)) is not None:
            _, since_s, was_known, steps, _ = last
            refresh_s = max(len(self._posts) / _CLOCKS_A_SECOND, _LEAST_REFRESH_S)
            if known <= was_known and clock.steps <= steps and now_s - since_s < refresh_s:
                return
            del self._posts[clock.worker]
        self.version += 1
        self._posts[clock.worker] = (self.version, now_s, known, clock.steps, msgpack.packb(clock.to_message()))

    def since(self, version: int) -> bytes:
        """What was put up after a version, packed."""
        return b"".join(reversed(list(self._newer(version))))

    def _newer(self, version: int) -> Iterator[bytes]:
        for number, _, _, _, packed in reversed(self._posts.values()):
            if number <= version:
                return
            yield packed


def clocks_from(packed: bytes) -> Iterator[Clock]:
    """The clocks of `ClockBoard.since`."""
    unpacker: Any = msgpack.Unpacker()
    unpacker.feed(packed)
    return (Clock.from_message(message) for message in unpacker)
