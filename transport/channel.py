"""A connected socket on the gevent hub: one read watcher, kernel timestamps, writes that never block."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent import socket as gevent_socket

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES: Final = 8 * 1024
_SO_TIMESTAMPNS: Final = 35
_ANCILLARY_BYTES: Final = 64
_TIMESPEC: Final = struct.Struct("qq")
_READ: Final = 1
_WRITE: Final = 2
MAX_QUEUED_BYTES: Final = 4 * 1024 * 1024

KERNEL_TIMESTAMPS: Final = sys.platform == "linux"
RECEIVE_CLOCK: Final = "kernel" if KERNEL_TIMESTAMPS else "user-space"
"""Where receive timestamps are taken: in the kernel when the last segment that was read arrived, or else when the
process read it."""


class SendQueueFullError(ConnectionError):
    """The peer does not read: more waits to be sent than is allowed."""


class Channel:
    """A plain socket. Its owner reads by greenlet until it is started, and by callback from then on.

    :param sock: connected and not blocking; the channel closes it.
    :param name: names the connection in errors.
    """

    __slots__ = ("_on_data", "_on_end", "_queue", "_queued_bytes", "_reader", "_sock", "_writer", "name")

    def __init__(self, sock: socket.socket, name: str) -> None:
        self._sock = sock
        self.name = name
        self._reader: Any = None
        self._writer: Any = None
        self._queue: deque[bytes] | None = None
        self._queued_bytes = 0
        self._on_data: Callable[[bytes, int], None] | None = None
        self._on_end: Callable[[str], None] | None = None
        if KERNEL_TIMESTAMPS:
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def start(self, on_data: Callable[[bytes, int], None], on_end: Callable[[str], None]) -> None:
        """Have the hub call `on_data(bytes, received_ns)` for every read, and `on_end(why)` once at the end.

        Both run in the hub and must not block. received_ns: nanoseconds since the epoch.
        """
        self._on_data = on_data
        self._on_end = on_end
        self._reader = gevent.get_hub().loop.io(self._sock.fileno(), _READ)
        self._reader.start(self._readable)

    def receive(self, timeout_s: float) -> tuple[bytes, int]:
        """Wait in this greenlet for the next bytes; only before the start. Empty at the end of the stream.

        :raises TimeoutError: if nothing comes in time.
        :raises OSError: if the connection breaks.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                return self._read()
            except BlockingIOError:
                self._wait(gevent_socket.wait_read, deadline_s)

    def send(self, data: bytes) -> None:
        """Send, or queue what the socket does not take.

        :raises SendQueueFullError: if too much waits already.
        """
        if self._queue is not None:
            self._enqueue(data)
            return
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._end(_reason(error))
            return
        if sent < len(data):
            self._queue = deque()
            self._enqueue(data[sent:])
            self._writer = gevent.get_hub().loop.io(self._sock.fileno(), _WRITE)
            self._writer.start(self._writable)

    def close(self) -> None:
        """Stop watching and close the socket; nothing is called any more."""
        for watcher in (self._reader, self._writer):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._reader = self._writer = None
        self._queue = None
        self._on_data = self._on_end = None
        self._sock.close()

    def _read(self) -> tuple[bytes, int]:
        """One read, and the kernel's timestamp of the last segment in it."""
        data, ancillary, _, _ = self._sock.recvmsg(READ_BYTES, _ANCILLARY_BYTES)
        if ancillary:
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            return data, seconds * 1_000_000_000 + nanoseconds
        return data, time.time_ns()

    def _readable(self) -> None:
        # As `_read`: here a call costs more than what it does.
        try:
            data, ancillary, _, _ = self._sock.recvmsg(READ_BYTES, _ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(_reason(error))
            return
        if not data:
            self._end("closed by the peer")
        elif ancillary:
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            self._on_data(data, seconds * 1_000_000_000 + nanoseconds)  # type: ignore[misc]  # set while it runs
        else:
            self._on_data(data, time.time_ns())  # type: ignore[misc]

    def _enqueue(self, data: bytes) -> None:
        if self._queued_bytes + len(data) > MAX_QUEUED_BYTES:
            raise SendQueueFullError(
                f"{self.name}: the peer does not read, {self._queued_bytes} bytes wait already"
            )
        assert self._queue is not None
        self._queue.append(data)
        self._queued_bytes += len(data)

    def _writable(self) -> None:
        queue = self._queue
        try:
            while queue:
                data = queue[0]
                sent = self._sock.send(data)
                self._queued_bytes -= sent
                if sent < len(data):
                    queue[0] = data[sent:]
                    return
                queue.popleft()
        except BlockingIOError:
            return
        except OSError as error:
            self._end(_reason(error))
            return
        self._writer.stop()
        self._writer.close()
        self._writer = self._queue = None

    def _end(self, why: str) -> None:
        on_end = self._on_end
        self.close()
        if on_end is not None:
            on_end(why)

    def _wait(self, wait: Callable[..., None], deadline_s: float) -> None:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        wait(self._sock.fileno(), timeout=left_s, timeout_exc=TimeoutError("timed out"))


class TlsChannel(Channel):
    """TLS over memory BIOs, so that the socket itself, and the kernel's timestamps, stay ours."""

    __slots__ = ("_incoming", "_outgoing", "_tls")

    def __init__(self, sock: socket.socket, name: str, context: ssl.SSLContext, server_hostname: str) -> None:
        super().__init__(sock, name)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    def handshake(self, timeout_s: float) -> None:
        """Agree on keys.

        :raises ssl.SSLError: if that fails.
        :raises TimeoutError: if it takes too long.
        :raises OSError: if the connection breaks.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._pull(deadline_s)
            else:
                self._flush()
                return

    def send(self, data: bytes) -> None:
        """Encrypt and send, or queue."""
        self._tls.write(data)
        self._flush()

    def _readable(self) -> None:
        try:
            data, received_ns = self._read()
        except BlockingIOError:
            return
        except OSError as error:
            self._end(_reason(error))
            return
        if data:
            self._on_data(data, received_ns)  # type: ignore[misc]
        else:
            self._end("closed by the peer")

    def _flush(self) -> None:
        if self._outgoing.pending:
            super().send(self._outgoing.read())

    def _pull(self, deadline_s: float) -> None:
        while True:
            try:
                data, _ = super()._read()
            except BlockingIOError:
                self._wait(gevent_socket.wait_read, deadline_s)
            else:
                if not data:
                    raise ConnectionResetError("closed by the peer")
                self._incoming.write(data)
                return

    def _read(self) -> tuple[bytes, int]:
        encrypted, received_ns = super()._read()
        if not encrypted:
            return b"", received_ns
        self._incoming.write(encrypted)
        parts = []
        try:
            while part := self._tls.read(READ_BYTES):
                parts.append(part)
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLZeroReturnError:
            if not parts:
                return b"", received_ns
        if not parts:
            raise BlockingIOError  # a record that is not whole yet, or one that carries no data
        return b"".join(parts), received_ns


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
