"""Whether the kernel's receive timestamps can be used: they are there, and by this process's own clock."""

from __future__ import annotations

import functools
import socket
import struct
import sys
import time
from typing import Final

from gevent import monkey

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


def stamped_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The time in what `recvmsg` gave beside the data, in nanoseconds since the epoch."""
    seconds, nanoseconds = TIMESPEC.unpack(ancillary[0][2])
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
