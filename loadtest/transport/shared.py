"""What all connections of a process share: names, greenlets for handlers, known reads, one timer, random keys."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import gevent

from loadtest.transport.dial import Dialler
from loadtest.transport.known_reads import KnownReads
from loadtest.transport.lanes import Servers
from loadtest.transport.poller import Poller
from loadtest.transport.timer_wheel import TimerWheel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KEYS_AT_ONCE: Final = 1024


class Watched(Protocol):
    """A connection with a deadline for the peer's next sign of life."""

    deadline_s: float

    def timed_out(self) -> None:
        """The deadline is over. Called in the hub."""
        ...


@dataclass(slots=True)
class Poll:
    """One answer of long-polling.

    received_ns: when its last bytes were received. by_kernel: whether this is the kernel's timestamp. messages:
    number of all messages. observed: how many of them complete an observed event.
    """

    received_ns: int
    by_kernel: bool
    messages: int = 0
    observed: int = 0


class Shared:
    """See the module."""

    def __init__(self) -> None:
        self.dialler = Dialler()
        self.servers = Servers()
        self.poller = Poller()
        self.coalesced = 0
        """Observed events that came out of one read with others: each bears the time of the last one."""
        self._known: dict[tuple[frozenset[str], bool], KnownReads] = {}
        self._wheel: TimerWheel[Watched] = TimerWheel(time.monotonic())
        self._timer: Any = None
        self._keys: Iterator[bytes] = iter(())

    def key(self) -> bytes:
        """Four random bytes."""
        for key in self._keys:
            return key
        block = os.urandom(4 * _KEYS_AT_ONCE)
        self._keys = iter([block[at : at + 4] for at in range(0, len(block), 4)])
        return next(self._keys)

    def known(self, events: Iterable[str], *, packed: bool) -> KnownReads:
        """What connections that are observed for the same events, by the same parser, have read."""
        key = (frozenset(events), packed)
        if key not in self._known:
            self._known[key] = KnownReads(key[0], packed=packed)
        return self._known[key]

    def note_poll(self, poll: Poll) -> None:
        """Note that an answer of long-polling was handled."""
        if poll.messages > 1:
            self.coalesced += poll.observed
        if poll.by_kernel:
            self.poller.note_delay_ns(time.time_ns() - poll.received_ns)

    def watch(self, connection: Watched) -> None:
        """Have a connection told when its deadline is over."""
        self._wheel.add(connection)
        if self._timer is None:
            self._timer = gevent.get_hub().loop.timer(1.0, 1.0)
            self._timer.start(self._tick)

    def forget(self, connection: Watched) -> None:
        """Watch a connection no longer."""
        self._wheel.remove(connection)
        if not len(self._wheel) and self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _tick(self) -> None:
        for connection in self._wheel.expired(time.monotonic()):
            connection.timed_out()


_shared: Shared | None = None


def shared() -> Shared:
    """The one `Shared` of this process, made when the first connection asks for it."""
    global _shared  # noqa: PLW0603 - one for each hub, and there is one hub
    if _shared is None:
        _shared = Shared()
    return _shared
