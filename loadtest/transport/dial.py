"""Opens WebSockets: TCP, TLS, upgrade; each phase is timed, and a failure says in which one and why."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from gevent import monkey
from gevent import socket as gevent_socket
from gevent.lock import BoundedSemaphore

from loadtest.transport import handshake
from loadtest.transport.channel import Channel, TlsChannel, reason_of
from loadtest.transport.proxy import ProxyError, proxy_for
from loadtest.transport.receive_clock import Stopwatch
from loadtest.transport.resolver import Resolver
from loadtest.transport.tcp_info import connect_ns, was_sent_again

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DIALS: Final = 256
"""How many connections are opened at a time; the rest wait their turn."""

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

    rest: bytes that came after the handshake. received_ns: when the answer was received. phases_ns: duration of
    each phase, from when its request was sent until its answer was received. headers: the answer's, in lower case.
    """

    channel: Channel
    rest: bytes
    received_ns: int
    phases_ns: dict[str, int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialler:
    """Opens the connections of one process.

    :param resolver: chooses the address of each connection among those of a name.
    """

    def __init__(self, resolver: Resolver | None = None) -> None:
        self.resolver = resolver or Resolver()
        self._turns = BoundedSemaphore(MAX_DIALS)
        self.sent_again = 0
        """Connections whose first packets nobody answered in time, as when a server's backlog is full: the kernel
        sent them again, after a second or more."""
        self._context: ssl.SSLContext | None = None

    def open(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout_s: float,
        source_address: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        *,
        connect_to: tuple[str, int] | None = None,
        in_turn: bool = True,
    ) -> Dialled:
        """Open a WebSocket.

        :param url: ws:// or wss://, with path and query.
        :param ssl_context: for wss; None for the system's trust.
        :param connect_to: host and port that TCP connects to; None for those of the URL, or of its proxy. The Host
            header, the server name of TLS and the certificate's check stay those of the URL.
        :param in_turn: whether connections go to all addresses of the host in turn; False for the first one.
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
            first = connect_to or ((proxy.host, proxy.port) if proxy else (host, port))
            sock, phases_ns["tcp"] = self._connect(*first, source_address, deadline_s, in_turn=in_turn)
            name = f"{parts.netloc} from port {sock.getsockname()[1]}"
            channel = Channel(sock, name)
            try:
                if proxy is not None:
                    phases_ns["proxy"] = _tunnel(channel, proxy.request(host, port), deadline_s)
                if parts.scheme == "wss":
                    context = ssl_context or self._default_context()
                    channel, phases_ns["tls"] = _tls(sock, name, context, host, deadline_s)
                path = f"{parts.path}?{parts.query}" if parts.query else parts.path
                answer, received_ns, phases_ns["upgrade"] = _upgrade(
                    channel, parts.netloc, path, headers, deadline_s
                )
                self.sent_again += was_sent_again(sock)
            except DialError:
                channel.close()
                raise
        return Dialled(channel, answer.rest, received_ns, phases_ns, answer.headers)

    def _default_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context

    def _connect(
        self, host: str, port: int, source: str | None, deadline_s: float, *, in_turn: bool
    ) -> tuple[socket.socket, int]:
        try:
            targets = self.resolver.targets(host, port, source=source, in_turn=in_turn)
        except OSError as error:
            raise DialError("resolve", f"no address for {host}: {error.strerror or error}") from error
        failure = DialError("tcp", "no address")
        for tried, target in enumerate(targets):
            now_s = time.monotonic()
            until_s = now_s + self.resolver.attempt_s(deadline_s - now_s, len(targets) - tried)
            try:
                connected = _connect_to(*target, source, until_s)
            except OSError as error:
                self.resolver.failed(host, port, target, error)
                reason = _EXHAUSTED.get(error.errno or 0) or reason_of(error)
                failure = DialError("tcp", reason)
            else:
                self.resolver.reached(target)
                return connected
        raise failure


def _connect_to(
    family: int, kind: int, protocol: int, address: Any, source: str | None, deadline_s: float
) -> tuple[socket.socket, int]:
    # The system's own socket: gevent's would wait in the greenlet, and this one shall serve the hub.
    sock: socket.socket = monkey.get_original("socket", "socket")(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source is not None:
            # Leaves the choice of the port to the moment of connecting: ports are counted for each target.
            sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
            sock.bind((source, 0))
        started_ns = time.perf_counter_ns()
        failed = sock.connect_ex(address)
        if failed == errno.EINPROGRESS:
            left_s = max(deadline_s - time.monotonic(), 0.001)
            gevent_socket.wait_write(sock.fileno(), timeout=left_s, timeout_exc=TimeoutError("timed out"))
            failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise OSError(failed, os.strerror(failed))
        took_ns = connect_ns(sock, time.perf_counter_ns() - started_ns)
    except BaseException:
        sock.close()
        raise
    return sock, took_ns


def _tls(
    sock: socket.socket, name: str, context: ssl.SSLContext, host: str, deadline_s: float
) -> tuple[TlsChannel, int]:
    channel = TlsChannel(sock, name, context, host)
    watch = Stopwatch()
    try:
        received_ns = channel.handshake(deadline_s - time.monotonic())
    except ssl.SSLCertVerificationError as error:
        raise DialError("tls", error.verify_message.lower()) from error
    except OSError as error:
        raise DialError("tls", reason_of(error)) from error
    return channel, watch.until_ns(received_ns)


def _upgrade(
    channel: Channel, host: str, path: str, headers: Mapping[str, str], deadline_s: float
) -> tuple[handshake.Response, int, int]:
    key = os.urandom(16)
    request = handshake.request(host, path, key, headers)
    response, received_ns, took_ns = _ask("upgrade", channel, request, deadline_s)
    try:
        handshake.check(response, key)
    except handshake.HandshakeError as error:
        raise DialError("upgrade", str(error)) from error
    return response, received_ns, took_ns


def _tunnel(channel: Channel, request: bytes, deadline_s: float) -> int:
    """Have a proxy connect this channel to the target; return how long its answer took, in nanoseconds."""
    response, _, took_ns = _ask("proxy", channel, request, deadline_s)
    if response.status != 200:
        raise DialError("proxy", handshake.refusal(response))
    return took_ns


def _ask(phase: str, channel: Channel, request: bytes, deadline_s: float) -> tuple[handshake.Response, int, int]:
    """Send a request; return its answer, when it was received, and how long it took.

    The answer is complete unless it opens a stream.
    """
    watch = Stopwatch()
    try:
        channel.send(request)
        data = b""
        while True:
            more, received_ns = channel.receive(deadline_s - time.monotonic())
            data += more
            response = handshake.parse_response(data)
            opens = response is not None and response.status in _STREAMS[phase]
            if response is not None and (opens or not more or _has_body(response)):
                return response, received_ns, watch.until_ns(received_ns)
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
