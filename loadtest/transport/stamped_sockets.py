"""Sockets that note the kernel's receive timestamps of what is read from them, with and without TLS."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from urllib3.util.ssltransport import SSLTransport

from loadtest.transport.receive_clock import ANCILLARY_BYTES, SO_TIMESTAMPNS, stamped_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.transport.stamped_http import Stamp

_READ_BYTES: Final = 16 * 1024


class StampingSocket:
    """Mixin of a stamping socket.

    stamp: of the request whose answer is read; None for no request.
    """

    stamp: Stamp | None = None


@lru_cache
def _stamping_class(base: Any) -> Any:
    class Socket(StampingSocket, base):
        received_ns = 0
        """Kernel's timestamp of the last `recv` that returned data; 0 if there was none."""

        def recv(self, bufsize: int, flags: int = 0) -> bytes:
            data, ancillary, _, _ = self.recvmsg(bufsize, ANCILLARY_BYTES, flags)
            if data:
                self.received_ns = stamped_ns(ancillary) if ancillary else 0
            return bytes(data)

        def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
            into = memoryview(buffer)[:nbytes] if nbytes else buffer
            received, ancillary, _, _ = self.recvmsg_into([into], ANCILLARY_BYTES, flags)
            if ancillary and self.stamp is not None:
                self.stamp.read(stamped_ns(ancillary))
            return int(received)

    return Socket


def stamping(sock: Any) -> Any:
    """Return the same connection as a gevent or Python socket that notes the kernel's timestamps."""
    timeout_s = sock.gettimeout()
    own_class: Any = type(sock)
    made = _stamping_class(own_class)(sock.family, sock.type, sock.proto, fileno=sock.detach())
    made.settimeout(timeout_s)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return made


class StampingTls(SSLTransport, StampingSocket):
    """TLS over memory BIOs on a stamping socket. OpenSSL, given the socket itself, would read past the timestamps.

    :raises OSError: also `ssl.SSLError`, if the handshake fails; the connection is closed then.
    """

    def __init__(self, sock: Any, context: ssl.SSLContext, server_hostname: str | None) -> None:
        stamping_sock = stamping(sock)
        try:
            super().__init__(stamping_sock, context, server_hostname)
        except BaseException:
            # Nobody else has this socket, as with `SSLContext.wrap_socket`.
            stamping_sock.close()
            raise

    @property
    def unread(self) -> bool:
        """Whether bytes were taken from the socket, but not read from here."""
        return bool(self.incoming.pending or self.sslobj.pending())

    def read(self, len: int = 1024, buffer: Any = None) -> int | bytes:  # noqa: A002 - its interface
        """Read decrypted data; stamp it with the time of the bytes that completed it."""
        read = super().read(len, buffer)
        # Not what carries no data: session tickets before the answer, or the peer's good-bye after it.
        if read and self.stamp is not None:
            received_ns: int = self.socket.received_ns  # type: ignore[attr-defined]
            self.stamp.read(received_ns)
        return read

    def _ssl_io_loop(self, func: Callable[..., Any], *arguments: Any) -> Any:
        """Replace urllib3's loop, which has two faults.

        It sends even if there is nothing to send: if the peer has reset the connection after its answer, this
        fails, and the answer is not read. And it does not send the alert that tells the peer why a handshake
        failed.
        """
        given = [argument for argument in arguments if argument is not None]
        while True:
            try:
                done = func(*given)
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError:
                with suppress(OSError):
                    self._flush()
                raise
            else:
                self._flush()
                return done
            if data := self.socket.recv(_READ_BYTES):
                self.incoming.write(data)
            else:
                self.incoming.write_eof()

    def _flush(self) -> None:
        if self.outgoing.pending:
            self.socket.sendall(self.outgoing.read())


class StampingContext:
    """An `ssl.SSLContext` whose connections are `StampingTls`; in all else it is the given context itself."""

    def __init__(self, context: ssl.SSLContext) -> None:
        object.__setattr__(self, "_context", context)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._context, name, value)

    def wrap_socket(self, sock: Any, server_hostname: str | None = None) -> StampingTls:
        """Make the handshake on this connection; the given socket cannot be used any more."""
        return StampingTls(sock, self._context, server_hostname)
