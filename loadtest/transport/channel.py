"""A connected socket on the gevent hub: one read watcher, kernel timestamps, writes that never block."""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent import socket as gevent_socket

from loadtest.transport.observer import NOBODY
from loadtest.transport.poller import READ_BYTES
from loadtest.transport.receive_clock import ANCILLARY_BYTES, KERNEL, SO_TIMESTAMPNS, receive_clock, stamped_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loadtest.transport.known_reads import Known
    from loadtest.transport.observer import Observer
    from loadtest.transport.poller import Poller

_WRITE: Final = 2
_NOTHING: Final[Mapping[Any, Known]] = {}
MAX_QUEUED_BYTES: Final = 4 * 1024 * 1024


class SendQueueFullError(ConnectionError):
    """The peer does not read: more waits to be sent than is allowed."""


class Channel:
    """A plain socket. Its owner reads by greenlet until it is started, and by callback from then on.

    :param sock: connected and not blocking; the channel closes it.
    :param name: names the connection in errors.
    """

    __slots__ = (
        "_on_data",
        "_on_end",
        "_poller",
        "_queue",
        "_queued_bytes",
        "_writer",
        "known",
        "member",
        "name",
        "observer",
        "sock",
    )

    def __init__(self, sock: socket.socket, name: str) -> None:
        self.sock = sock
        self.name = name
        self._poller: Poller | None = None
        self._writer: Any = None
        self._queue: deque[bytes] | None = None
        self._queued_bytes = 0
        self._on_data: Callable[[bytes, int], None] | None = None
        self._on_end: Callable[[str], None] | None = None
        self.known: Mapping[Any, Known] = _NOTHING
        """Reads that go to the observer at once, and to nobody else. The poller's; see `shorten`."""
        self.observer: Observer = NOBODY
        self.member = 0
        if receive_clock() == KERNEL:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)

    def start(self, poller: Poller, on_data: Callable[[bytes, int], None], on_end: Callable[[str], None]) -> None:
        """Have the hub call `on_data(bytes, received_ns)` for every read, and `on_end(why)` once at the end.

        Both run in the hub and must not block. received_ns: nanoseconds since the epoch.
        """
        self._on_data = on_data
        self._on_end = on_end
        self._poller = poller
        poller.add(self.sock.fileno(), self)

    def shorten(self, known: Mapping[Any, Known], observer: Observer, member: int) -> None:
        """From now on, show known reads to the observer instead of calling `on_data`.

        Right only as long as the connection is between two messages.
        """
        self.known = known
        self.observer = observer
        self.member = member

    def take(self, data: bytes | OSError, received_ns: int) -> None:
        """Take what the poller has read; nothing is the end of the stream."""
        if self._on_data is None:
            return  # closed since it was read
        if isinstance(data, OSError):
            self._end(reason_of(data))
        elif data:
            self._on_data(data, received_ns)
        else:
            self._end("closed by the peer")

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
        :raises OSError: if the connection is broken and was not started; the end of a started one is told.
        """
        if self._queue is not None:
            self._enqueue(data)
            return
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            if self._on_end is None:
                raise
            self._end(reason_of(error))
            return
        if sent < len(data):
            self._queue = deque()
            self._enqueue(data[sent:])
            self._writer = gevent.get_hub().loop.io(self.sock.fileno(), _WRITE)
            self._writer.start(self._writable)

    def close(self) -> None:
        """Stop watching and close the socket; nothing is called any more."""
        if self._poller is not None:
            self._poller.remove(self.sock.fileno())
            self._poller = None
        if self._writer is not None:
            self._writer.stop()
            self._writer.close()
            self._writer = None
        self._queue = None
        self._on_data = self._on_end = None
        self.known = _NOTHING
        self.sock.close()

    def _read(self) -> tuple[bytes, int]:
        """One read, and the kernel's timestamp of the last segment in it."""
        data, ancillary, _, _ = self.sock.recvmsg(READ_BYTES, ANCILLARY_BYTES)
        if ancillary:
            return data, stamped_ns(ancillary)
        return data, time.time_ns()

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
                sent = self.sock.send(data)
                self._queued_bytes -= sent
                if sent < len(data):
                    queue[0] = data[sent:]
                    return
                queue.popleft()
        except BlockingIOError:
            return
        except OSError as error:
            self._end(reason_of(error))
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
        wait(self.sock.fileno(), timeout=left_s, timeout_exc=TimeoutError("timed out"))


class TlsChannel(Channel):
    """TLS over memory BIOs, so that the socket itself, and the kernel's timestamps, stay ours."""

    __slots__ = ("_incoming", "_outgoing", "_tls")

    def __init__(self, sock: socket.socket, name: str, context: ssl.SSLContext, server_hostname: str) -> None:
        super().__init__(sock, name)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    def handshake(self, timeout_s: float) -> int:
        """Agree on keys; return when the last bytes of the server's part were received.

        :raises ssl.SSLError: if that fails.
        :raises TimeoutError: if it takes too long.
        :raises OSError: if the connection breaks.
        """
        deadline_s = time.monotonic() + timeout_s
        received_ns = 0
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                received_ns = self._pull(deadline_s)
            else:
                self._flush()
                return received_ns

    def send(self, data: bytes) -> None:
        """Encrypt and send, or queue."""
        self._tls.write(data)
        self._flush()

    def take(self, data: bytes | OSError, received_ns: int) -> None:
        """As of a plain channel."""
        if isinstance(data, OSError) or not data:
            super().take(data, received_ns)
            return
        self._incoming.write(data)
        try:
            plain: bytes | OSError = self._decrypt()
        except BlockingIOError:
            return
        except ssl.SSLError as error:
            plain = error
        super().take(plain, received_ns)

    def shorten(self, known: Mapping[Any, Known], observer: Observer, member: int) -> None:
        """What is read is encrypted, and never known."""

    def _flush(self) -> None:
        if self._outgoing.pending:
            super().send(self._outgoing.read())

    def _pull(self, deadline_s: float) -> int:
        while True:
            try:
                data, received_ns = super()._read()
            except BlockingIOError:
                self._wait(gevent_socket.wait_read, deadline_s)
            else:
                if not data:
                    raise ConnectionResetError("closed by the peer")
                self._incoming.write(data)
                return received_ns

    def _read(self) -> tuple[bytes, int]:
        encrypted, received_ns = super()._read()
        if not encrypted:
            return b"", received_ns
        self._incoming.write(encrypted)
        return self._decrypt(), received_ns

    def _decrypt(self) -> bytes:
        """What came; nothing after the peer's good-bye.

        :raises BlockingIOError: for a record that is not whole yet, or one that carries no data.
        """
        parts = []
        try:
            while part := self._tls.read(READ_BYTES):
                parts.append(part)
        except ssl.SSLWantReadError:
            self._flush()
            if not parts:
                raise BlockingIOError from None
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(parts)


def reason_of(error: OSError) -> str:
    """Why a socket failed, in a few words."""
    return (error.strerror or str(error)).lower()
