"""Whether the kernel's receive timestamps can be used: they are there, and by this process's own clock."""

from __future__ import annotations

import functools
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Final, Self

from gevent import monkey

if TYPE_CHECKING:
    from collections.abc import Iterable

SO_TIMESTAMPNS: Final = 35
ANCILLARY_BYTES: Final = 64
TIMESPEC: Final = struct.Struct("qq")
KERNEL: Final = "kernel"
"""When the last segment that was read arrived in the kernel."""
USER_SPACE: Final = "user-space"
"""When the process read it."""
_TRIES: Final = 50
_TRY_S: Final = 0.002
_FAR_NS: Final = 50_000_000

_Socket: Final = monkey.get_original("socket", "socket")
_sleep: Final = monkey.get_original("time", "sleep")


class Coalesced(int):
    """A receive timestamp that several events of one read share: that of the last of them.

    slack_ns: how much earlier the other events can have arrived, at most, in nanoseconds.
    """

    slack_ns: int

    def __new__(cls, received_ns: int, slack_ns: int) -> Self:
        """Make a timestamp; a negative slack counts as 0."""
        made = super().__new__(cls, received_ns)
        made.slack_ns = max(slack_ns, 0)
        return made


@functools.cache
def receive_clock() -> str:
    """Where receive timestamps are taken: `KERNEL`, or `USER_SPACE` where that cannot be had.

    Asks the kernel by a datagram to itself, once in a process. (A kernel begins to stamp a moment after the first
    socket has asked for it; and a process may be made to see another time than the kernel has.)
    """
    if sys.platform != "linux":
        return USER_SPACE
    with _Socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        probe.bind(("127.0.0.1", 0))
        for _ in range(_TRIES):
            probe.sendto(b"?", probe.getsockname())
            _, ancillary, _, _ = probe.recvmsg(8, ANCILLARY_BYTES)
            if ancillary:
                return KERNEL if abs(time.time_ns() - stamped_ns(ancillary)) < _FAR_NS else USER_SPACE
            _sleep(_TRY_S)
    return USER_SPACE


def clocks_by_transport(clocks: Iterable[str], transports: Iterable[str]) -> dict[str, str]:
    """Return the clocks of a run's receive timestamps: by transport, and for REST calls under `rest`.

    :param clocks: the workers' `receive_clock`.
    :param transports: the Engine.IO transports that the run uses.
    """
    return dict.fromkeys((*transports, "rest"), " and ".join(sorted(set(clocks))))


class Stopwatch:
    """Measures from a send to a receive timestamp: the time of the network and the server, without our own.

    :param since_ns: the receive timestamp to measure from; None for now.
    """

    __slots__ = ("_began_ns", "since_ns")

    def __init__(self, since_ns: int | None = None) -> None:
        self.start(since_ns)

    def start(self, since_ns: int | None = None) -> None:
        """Start again, as if it were new."""
        began_ns = time.perf_counter_ns()
        now_ns = time.time_ns()
        self.since_ns = now_ns if since_ns is None else since_ns
        self._began_ns = began_ns - (now_ns - self.since_ns)

    def until_ns(self, received_ns: int) -> int:
        """Return the nanoseconds until a read with this timestamp; if the clock was set meanwhile, until now."""
        most_ns = time.perf_counter_ns() - self._began_ns
        took_ns = received_ns - self.since_ns
        return took_ns if 0 <= took_ns <= most_ns else most_ns


def stamped_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The time in what `recvmsg` gave beside the data, in nanoseconds since the epoch."""
    seconds, nanoseconds = TIMESPEC.unpack(ancillary[0][2])
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
