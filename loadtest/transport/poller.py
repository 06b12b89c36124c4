"""Reads all sockets of a hub, a batch at a time: first everything that has come, then what it means.

A system call leaves the processor's caches to the kernel, and Python after it runs several times slower than
Python after Python: so the reads of a batch stand together. And when reads come thick and fast, a batch is given a
moment to grow, as network cards moderate their interrupts: with the kernel's timestamps it costs no truth to read
later.
"""

from __future__ import annotations

import sys
import time
from array import array
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent import monkey

from loadtest.transport.receive_clock import ANCILLARY_BYTES, TIMESPEC
from loadtest.transport.wakeups import Wakeups

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtest.transport.channel import Channel

READ_BYTES: Final = 8 * 1024
HAS_EPOLL: Final = sys.platform == "linux"
REST_S: Final = 50e-6
"""How long a batch may grow; with the timer's own slack it is about twice that."""
_DENSE_NS: Final = 300_000
"""Reads come fast if it is no longer since the last ones."""
_GROWN: Final = 64
"""A batch of this size gains nothing by growing."""
_MOST_AT_ONCE: Final = 256
_READABLE: Final = 1

_sleep: Final = monkey.get_original("time", "sleep")


class Poller:
    """Calls the started channels when something has come: on Linux by one epoll that holds them all, elsewhere by
    one watcher of the hub for each.

    It holds nothing, no watcher and no descriptor, while it has no channel.
    """

    def __init__(self) -> None:
        self._channels: dict[int, Channel] = {}
        self._epoll: Any = None
        self._watchers: dict[int, Any] = {}
        self._polled_ns = 0
        self._batch = 0
        self._delays_ns: array[int] | None = None
        self._wakeups = Wakeups(lambda: self._epoll.poll(0, 1))
        self._looked_ns = 0
        """When it last looked at all sockets that had data."""
        self._rests_ns: dict[Channel, int] = {}
        """Channel of whose data a read took only a part -> the moment after which the rest arrived."""
        self.since_ns = 0
        """Data that the current channel has read arrived after this moment."""

    def take_delays_ns(self) -> array[int]:
        """For each read since the last call: how long after its receive timestamp all of its batch was dealt with.

        It is the reader's own delay, and empty without the kernel's timestamps. Recorded from the first call on.
        """
        taken, self._delays_ns = self._delays_ns, array("q")
        return taken if taken is not None else array("q")

    def note_delay_ns(self, delay_ns: int) -> None:
        """Add the delay of a read that another part of the process made and handled."""
        if self._delays_ns is not None:
            self._delays_ns.append(delay_ns)

    def add(self, descriptor: int, channel: Channel) -> None:
        """Call this channel from now on."""
        self._channels[descriptor] = channel
        if not HAS_EPOLL:
            self._watch(descriptor, self._take, (descriptor,))
            return
        if self._epoll is None:
            self._epoll = monkey.get_original("select", "epoll")()
            self._watch(self._epoll.fileno(), self._poll)
            self._wakeups.start()
        self._epoll.register(descriptor, _READABLE)

    def remove(self, descriptor: int) -> None:
        """Call it no more."""
        self._rests_ns.pop(self._channels.pop(descriptor), None)
        if not HAS_EPOLL:
            self._unwatch(descriptor)
            return
        self._epoll.unregister(descriptor)
        if not self._channels:
            self._unwatch(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
            self._wakeups.stop()

    def _watch(self, descriptor: int, *callback: Any) -> None:
        watcher = self._watchers[descriptor] = gevent.get_hub().loop.io(descriptor, _READABLE)
        watcher.start(*callback)

    def _unwatch(self, descriptor: int) -> None:
        watcher = self._watchers.pop(descriptor)
        watcher.stop()
        watcher.close()

    def _poll(self) -> None:
        if self._batch < _GROWN and time.monotonic_ns() - self._polled_ns < _DENSE_NS:
            _sleep(REST_S)
        look_ns = time.time_ns()
        descriptors = [descriptor for descriptor, _ in self._epoll.poll(0, _MOST_AT_ONCE)]
        since_ns = self._looked_ns
        if len(descriptors) < _MOST_AT_ONCE:
            since_ns, self._looked_ns = max(since_ns, self._wakeups.since_ns), look_ns
        self._take(descriptors, since_ns)
        self._batch = len(descriptors)
        self._polled_ns = time.monotonic_ns()

    def _since_ns(self, channel: Channel, data: Any, since_ns: int) -> int:
        """Return the moment after which a read's data arrived.

        If the read before took only a part of the data, the rest has been there as long.
        """
        if self._rests_ns:
            since_ns = self._rests_ns.pop(channel, since_ns)
        if isinstance(data, bytes) and len(data) == READ_BYTES:
            self._rests_ns[channel] = since_ns
        return since_ns

    def _take(self, descriptors: Iterable[int], since_ns: int = 0) -> None:
        """Read, and then handle the data.

        :param since_ns: the data arrived after this moment; 0 if unknown.
        """
        channels = self._channels
        reads: list[tuple[Channel, tuple[Any, Any, int, Any]]] = []
        for descriptor in descriptors:
            channel = channels[descriptor]
            sock = channel.sock
            try:
                reads.append((channel, sock.recvmsg(READ_BYTES, ANCILLARY_BYTES)))
            except BlockingIOError:
                continue
            except OSError as error:
                reads.append((channel, (error, (), 0, None)))
        times_ns = []
        for channel, (data, ancillary, _, _) in reads:
            try:
                if ancillary:
                    seconds, nanoseconds = TIMESPEC.unpack(ancillary[0][2])
                    received_ns = seconds * 1_000_000_000 + nanoseconds
                    times_ns.append(received_ns)
                else:
                    received_ns = time.time_ns()
                known = channel.known.get(data)
                if known is not None:
                    event, payload = known
                    channel.observer.observe(channel.member, event, payload, received_ns)
                else:
                    self.since_ns = self._since_ns(channel, data, since_ns)
                    channel.take(data, received_ns)
            except Exception:  # noqa: BLE001 - one connection's trouble is not the next one's
                gevent.get_hub().handle_error(channel, *sys.exc_info())
        if self._delays_ns is not None:
            dealt_ns = time.time_ns()
            self._delays_ns.extend([dealt_ns - received_ns for received_ns in times_ns])
