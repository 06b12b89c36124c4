"""A TLS server in threads that runs a script on each connection, and one that passes everything on."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_READ_BYTES: Final = 64 * 1024


def server_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """What a server with this key and certificate needs."""
    key, cert = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


class TlsServer:
    """Listens on a port of 127.0.0.1.

    :param script: what it does on a connection after the handshake; the connection is closed afterwards.
    :param context: None for no handshake: the script gets the plain connection.
    """

    def __init__(self, script: Callable[[Any], None], context: ssl.SSLContext | None) -> None:
        self.connections = 0
        self.errors: list[str] = []
        """Why handshakes failed."""
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def url(self) -> str:
        """By name, as the certificate wants it."""
        return f"{'http' if self._context is None else 'https'}://localhost:{self.port}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(10)
        try:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
        except OSError as error:
            self.errors.append(str(error))
            sock.close()
            return
        # The client may go away in the middle of the script.
        with suppress(OSError, StopIteration), sock:
            self._script(sock)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(15)
        self._listener.close()


def requests_of(sock: Any) -> Iterator[bytes]:
    """Yield the head of each request on a connection; bodies are not expected."""
    came = b""
    while more := sock.recv(_READ_BYTES):
        came += more
        while b"\r\n\r\n" in came:
            head, _, came = came.partition(b"\r\n\r\n")
            yield head


def answer(body: bytes, *headers: str) -> bytes:
    """An answer with this body."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def relay(left: Any, right: Any) -> None:
    """Pass everything on between two connections, until one of them is closed."""

    def pass_on(source: Any, target: Any) -> None:
        with suppress(OSError):
            while data := source.recv(_READ_BYTES):
                target.sendall(data)
        for sock in (source, target):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=pass_on, args=(right, left))
    back.start()
    pass_on(left, right)
    back.join()


@contextmanager
def tls_in_front(port: int, context: ssl.SSLContext) -> Iterator[str]:
    """Put TLS in front of a plain server of this machine; yield the URL."""

    def serve(sock: Any) -> None:
        with socket.create_connection(("127.0.0.1", port)) as behind:
            behind.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(None)
            relay(sock, behind)

    with TlsServer(serve, context) as server:
        yield server.url
