"""Opens WebSockets: TCP, TLS, upgrade; each phase is timed, and a failure says in which one and why."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from gevent import monkey
from gevent import socket as gevent_socket
from gevent.lock import BoundedSemaphore

from . import handshake
from .channel import Channel, TlsChannel, reason_of
from .proxy import ProxyError, proxy_for

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DIALS: Final = 256
"""How many connections are opened at a time; the rest wait their turn."""

_SENT_AGAIN: Final = struct.Struct("100x I")
"""`tcpi_total_retrans` of Linux's `struct tcp_info`: segments that were sent again."""

_STREAMS: Final = {"upgrade": (101,), "proxy": (200,)}
"""Answers after which the connection is another's."""
_PORTS: Final = {"ws": 80, "wss": 443}
_EXHAUSTED: Final = {
    errno.EMFILE: "out of file descriptors (ulimit -n)",
    errno.ENFILE: "out of file descriptors (the system's)",
    errno.EADDRNOTAVAIL: "out of local ports, or no such source address",
}


class DialError(ConnectionError):
    """A connection could not be opened.

    :param phase: resolve, tcp, proxy, tls, upgrade or open.
    """

    def __init__(self, phase: str, reason: str) -> None:
        super().__init__(f"{phase}: {reason}")
        self.phase = phase


@dataclass(slots=True)
class Dialled:
    """An open WebSocket.

    rest: what came after the handshake. phases_ns: what each phase took. headers: the answer's, in lower case.
    """

    channel: Channel
    rest: bytes
    received_ns: int
    phases_ns: dict[str, int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialler:
    """Opens connections of one process; resolves each name once."""

    def __init__(self) -> None:
        self._turns = BoundedSemaphore(MAX_DIALS)
        self.sent_again = 0
        """Connections whose first packets nobody answered in time, as when a server's backlog is full: the kernel
        sent them again, after a second or more."""
        self._resolved: dict[tuple[str, int], list[Any]] = {}
        self._context: ssl.SSLContext | None = None

    def open(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout_s: float,
        source_address: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> Dialled:
        """Open a WebSocket.

        :param url: ws:// or wss://, with path and query.
        :param ssl_context: for wss; None for the system's trust.
        :raises DialError: if that fails.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        try:
            proxy = proxy_for(parts.scheme, host)
        except ProxyError as error:
            raise DialError("proxy", str(error)) from error
        phases_ns: dict[str, int] = {}
        with self._turns:
            deadline_s = time.monotonic() + timeout_s
            started_ns = time.perf_counter_ns()
            first = (proxy.host, proxy.port) if proxy else (host, port)
            sock = self._connect(*first, source_address, deadline_s)
            phases_ns["tcp"] = time.perf_counter_ns() - started_ns
            name = f"{parts.netloc} from port {sock.getsockname()[1]}"
            channel = Channel(sock, name)
            try:
                if proxy is not None:
                    started_ns = time.perf_counter_ns()
                    _tunnel(channel, proxy.request(host, port), deadline_s)
                    phases_ns["proxy"] = time.perf_counter_ns() - started_ns
                if parts.scheme == "wss":
                    started_ns = time.perf_counter_ns()
                    context = ssl_context or self._default_context()
                    channel = _tls(sock, name, context, host, deadline_s)
                    phases_ns["tls"] = time.perf_counter_ns() - started_ns
                started_ns = time.perf_counter_ns()
                path = f"{parts.path}?{parts.query}" if parts.query else parts.path
                answer, received_ns = _upgrade(channel, parts.netloc, path, headers, deadline_s)
                phases_ns["upgrade"] = time.perf_counter_ns() - started_ns
                self.sent_again += _was_sent_again(sock)
            except DialError:
                channel.close()
                raise
        return Dialled(channel, answer.rest, received_ns, phases_ns, answer.headers)

    def _default_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context

    def _addresses(self, host: str, port: int) -> list[Any]:
        key = (host, port)
        if key not in self._resolved:
            try:
                self._resolved[key] = gevent_socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
            except OSError as error:
                raise DialError("resolve", f"no address for {host}: {error.strerror or error}") from error
        return self._resolved[key]

    def _connect(self, host: str, port: int, source: str | None, deadline_s: float) -> socket.socket:
        failure = DialError("tcp", "no address")
        for family, kind, protocol, _, address in self._addresses(host, port):
            try:
                return _connect_to(family, kind, protocol, address, source, deadline_s)
            except OSError as error:
                reason = _EXHAUSTED.get(error.errno or 0) or reason_of(error)
                failure = DialError("tcp", reason)
        raise failure


def _connect_to(
    family: int, kind: int, protocol: int, address: Any, source: str | None, deadline_s: float
) -> socket.socket:
    # The system's own socket: gevent's would wait in the greenlet, and this one shall serve the hub.
    sock: socket.socket = monkey.get_original("socket", "socket")(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source is not None:
            # Leaves the choice of the port to the moment of connecting: ports are counted for each target.
            sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
            sock.bind((source, 0))
        failed = sock.connect_ex(address)
        if failed == errno.EINPROGRESS:
            left_s = max(deadline_s - time.monotonic(), 0.001)
            gevent_socket.wait_write(sock.fileno(), timeout=left_s, timeout_exc=TimeoutError("timed out"))
            failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise OSError(failed, os.strerror(failed))
    except BaseException:
        sock.close()
        raise
    return sock


def _was_sent_again(sock: socket.socket) -> bool:
    """Whether any packet was; never, where the system does not tell."""
    if not hasattr(socket, "TCP_INFO"):
        return False
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SENT_AGAIN.size)
    return len(info) == _SENT_AGAIN.size and _SENT_AGAIN.unpack(info)[0] > 0


def _tls(sock: socket.socket, name: str, context: ssl.SSLContext, host: str, deadline_s: float) -> TlsChannel:
    channel = TlsChannel(sock, name, context, host)
    try:
        channel.handshake(deadline_s - time.monotonic())
    except ssl.SSLCertVerificationError as error:
        raise DialError("tls", error.verify_message.lower()) from error
    except OSError as error:
        raise DialError("tls", reason_of(error)) from error
    return channel


def _upgrade(
    channel: Channel, host: str, path: str, headers: Mapping[str, str], deadline_s: float
) -> tuple[handshake.Response, int]:
    key = os.urandom(16)
    request = handshake.request(host, path, key, headers)
    response, received_ns = _ask("upgrade", channel, request, deadline_s)
    try:
        handshake.check(response, key)
    except handshake.HandshakeError as error:
        raise DialError("upgrade", str(error)) from error
    return response, received_ns


def _tunnel(channel: Channel, request: bytes, deadline_s: float) -> None:
    """Have a proxy connect this channel to the target."""
    response, _ = _ask("proxy", channel, request, deadline_s)
    if response.status != 200:
        raise DialError("proxy", handshake.refusal(response))


def _ask(phase: str, channel: Channel, request: bytes, deadline_s: float) -> tuple[handshake.Response, int]:
    """Send a request; its answer, whole unless it opens a stream, and when the last of it came."""
    try:
        channel.send(request)
        data = b""
        while True:
            more, received_ns = channel.receive(deadline_s - time.monotonic())
            data += more
            response = handshake.parse_response(data)
            opens = response is not None and response.status in _STREAMS[phase]
            if response is not None and (opens or not more or _has_body(response)):
                return response, received_ns
            if not more:
                raise DialError(phase, "the connection was closed before it answered")
    except handshake.HandshakeError as error:
        raise DialError(phase, str(error)) from error
    except OSError as error:
        if isinstance(error, DialError):
            raise
        raise DialError(phase, reason_of(error)) from error


def _has_body(response: handshake.Response) -> bool:
    length = response.headers.get("content-length", "")
    return length.isdigit() and len(response.rest) >= int(length)
