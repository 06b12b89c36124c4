"""The kernel's data on a TCP connection: `TCP_INFO` on Linux, nothing on other systems."""

from __future__ import annotations

import socket
import struct
from typing import Any, Final

_INFO: Final = struct.Struct("68x I 28x I")
"""`tcpi_rtt` in microseconds, and `tcpi_total_retrans`, of `struct tcp_info`."""


def connect_ns(sock: Any, took_ns: int) -> int:
    """Return how long it took until a new connection's SYN was answered, in nanoseconds.

    The kernel timed the answer when it came. The process learns of it only when it gets to run. If the SYN was
    sent again, the kernel knows only the time of the last one.

    :param sock: a socket that has just connected and has sent nothing yet.
    :param took_ns: how long it took until the process knew; an upper limit of the result.
    """
    round_trip_us, sent_again = _info(sock)
    return min(took_ns, round_trip_us * 1000) if round_trip_us and not sent_again else took_ns


def was_sent_again(sock: Any) -> bool:
    """Return whether the kernel sent any packet again; False if the system does not say."""
    return _info(sock)[1] > 0


def _info(sock: Any) -> tuple[int, int]:
    if not hasattr(socket, "TCP_INFO"):
        return 0, 0
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    round_trip_us, sent_again = _INFO.unpack(info) if len(info) == _INFO.size else (0, 0)
    return int(round_trip_us), int(sent_again)
