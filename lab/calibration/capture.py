"""A packet capture of one TCP port on the loopback interface, with the kernel's timestamps. Needs root, and Linux.

It is the truth for times that the load test measures on its own sockets: it sees the same bytes, and it uses
neither the load test's sockets nor its event loop.
"""

from __future__ import annotations

import select
import socket
import struct
from threading import Thread
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from loadtest.transport.receive_clock import ANCILLARY_BYTES, SO_TIMESTAMPNS, stamped_ns

if TYPE_CHECKING:
    from types import TracebackType

_ETH_P_IP: Final = 0x0800
_SOL_PACKET: Final = 263
_PACKET_STATISTICS: Final = 6
_SO_RCVBUFFORCE: Final = 33
_BUFFER_BYTES: Final = 128 * 1024 * 1024
_PACKET_BYTES: Final = 256 * 1024
"""More than the largest packet of the loopback interface, which hands on segments unsplit."""
_POLL_S: Final = 0.1
_TCP: Final = 6
_PORTS_AND_SEQ: Final = struct.Struct("!HHI")
_COUNTS: Final = struct.Struct("II")


class CaptureError(Exception):
    """The capture cannot be made, or is not complete."""


class Packet(NamedTuple):
    """One TCP packet, as the kernel handed it to its receiver.

    at_ns: nanoseconds since the epoch. client_port: the port of the side that connected. by_client: whether that
    side sent it. seq: the TCP sequence number of its first byte. syn: whether it opens a connection.
    """

    at_ns: int
    client_port: int
    by_client: bool
    seq: int
    syn: bool
    payload: bytes


class Capture:
    """Captures, as a context manager, the packets to and from a port. They are in `packets` once it has ended.

    :param port: the server's port.
    :raises CaptureError: if this process may not capture, or, at the end, if the kernel dropped packets.
    """

    def __init__(self, port: int) -> None:
        self.packets: list[Packet] = []
        self._port = port
        self._wanted = True
        self._thread = Thread(target=self._run, name="capture")
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))
        except PermissionError as error:
            raise CaptureError(
                "expected the right to capture packets (CAP_NET_RAW), got none: run the calibration as root"
            ) from error

    def __enter__(self) -> Self:
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind(("lo", _ETH_P_IP))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wanted = False
        self._thread.join()
        _, dropped = _COUNTS.unpack(self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _COUNTS.size))
        self._socket.close()
        if dropped and error is None:
            raise CaptureError(f"the kernel dropped {dropped} packets of the capture; the truth is not complete")

    def _run(self) -> None:
        while select.select([self._socket], [], [], _POLL_S)[0] or self._wanted:
            try:
                data, ancillary, _, address = self._socket.recvmsg(
                    _PACKET_BYTES, ANCILLARY_BYTES, socket.MSG_DONTWAIT
                )
            except BlockingIOError:
                continue
            # The loopback interface shows each packet as it leaves, and again as it arrives.
            if address[2] != socket.PACKET_OUTGOING:
                packet = parse(data, stamped_ns(ancillary), self._port)
                if packet is not None:
                    self.packets.append(packet)


def parse(data: bytes, at_ns: int, port: int) -> Packet | None:
    """Return the TCP packet of an IPv4 packet; None if it has nothing to do with a port.

    :param data: from the IPv4 header on.
    :param port: the server's.
    """
    head = (data[0] & 0x0F) * 4
    if data[9] != _TCP:
        return None
    source, destination, seq = _PORTS_AND_SEQ.unpack_from(data, head)
    if port not in {source, destination}:
        return None
    offset = head + (data[head + 12] >> 4) * 4
    (length,) = struct.unpack_from("!H", data, 2)
    # A packet of more than 64 kB has no length in its header.
    payload = data[offset : length or None]
    by_client = destination == port
    return Packet(at_ns, source if by_client else destination, by_client, seq, bool(data[head + 13] & 2), payload)
