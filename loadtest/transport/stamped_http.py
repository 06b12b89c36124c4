"""HTTP over urllib3 and requests, with times of sending and with the kernel's receive timestamps.

The library is unchanged: its connections get a socket that reads by `recvmsg`, with TLS on top of it where it is
wanted. Only TLS to the backend inside TLS to a proxy has the process's time.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs, resolve_ssl_version

from loadtest.transport.receive_clock import KERNEL, Stopwatch, receive_clock
from loadtest.transport.stamped_sockets import StampingContext, StampingSocket, StampingTls, stamping
from loadtest.transport.tcp_info import connect_ns

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

ON_SEND: Final[ContextVar[Callable[[], None] | None]] = ContextVar("on_send", default=None)
"""Called when a request of this greenlet is about to leave, after its connection was made."""


class Stamp:
    """When one request was sent, and when the last bytes of its answer were received.

    :param connect_ns: how long the TCP connect of its connection took, in nanoseconds.
    """

    __slots__ = ("_stamped_ns", "_watch", "connect_ns")

    def __init__(self, connect_ns: int) -> None:
        self.connect_ns = connect_ns
        self._watch = Stopwatch()
        self._stamped_ns = 0

    def read(self, stamped_ns: int) -> None:
        """Note that bytes of the answer were read that the kernel has stamped."""
        self._stamped_ns = stamped_ns

    @property
    def by_kernel(self) -> bool:
        """Whether the receive time is the kernel's timestamp."""
        return self._stamped_ns > 0

    @property
    def received_ns(self) -> int:
        """When the answer was received, in nanoseconds since the epoch; now, without a kernel timestamp."""
        return self._stamped_ns or time.time_ns()

    @property
    def took_ns(self) -> int:
        """Nanoseconds from when the first byte was sent until the answer was received."""
        return self._watch.until_ns(self.received_ns)


def stamp_of(response: Any) -> Stamp | None:
    """Return the stamp of a urllib3 response; None if another kind of connection made it."""
    stamp: Stamp | None = getattr(response, "stamp", None)
    return stamp


class _StampingConnection(HTTPConnection):
    """Stamps each of its requests, with the kernel's timestamp if its socket provides one."""

    connect_to: tuple[str, int] | None = None
    """Host and port that TCP connects to; None for those of the URL, or of its proxy."""
    _stamp: Stamp | None = None
    _connect_ns = 0

    def _new_conn(self) -> Any:
        started_ns = time.perf_counter_ns()
        sock = super()._new_conn() if self.connect_to is None else self._connect_elsewhere(*self.connect_to)
        self._connect_ns = connect_ns(sock, time.perf_counter_ns() - started_ns)
        return sock

    def _connect_elsewhere(self, host: str, port: int) -> Any:
        own = self._dns_host, self.port
        # Only for this moment: the Host header and the server name come from the connection's own fields.
        self._dns_host, self.port = host, port
        try:
            return super()._new_conn()
        finally:
            self._dns_host, self.port = own

    def request(self, *arguments: Any, **options: Any) -> None:
        # The same connection asked a proxy for its tunnel before.
        self._stamp = None
        super().request(*arguments, **options)

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
            self._stamp = None
        if self._stamp is None:
            if (tell := ON_SEND.get()) is not None:
                tell()
            self._stamp = Stamp(self._connect_ns)
            if isinstance(self.sock, StampingSocket):
                self.sock.stamp = self._stamp
        super().send(data)

    def getresponse(self) -> Any:
        stamp, self._stamp = self._stamp, None
        response: Any = super().getresponse()
        response.stamp = stamp
        return response


class PlainConnection(_StampingConnection):
    """Stamps with the kernel's timestamps, where there are any."""

    def _new_conn(self) -> Any:
        sock = super()._new_conn()
        return stamping(sock) if receive_clock() == KERNEL else sock


class TlsConnection(_StampingConnection, HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        """Connect, and agree on keys; urllib3 checks the certificate as ever."""
        if receive_clock() != KERNEL:
            super().connect()
            return
        given = self.ssl_context
        self.ssl_context = StampingContext(given or self._default_context())  # type: ignore[assignment]
        try:
            super().connect()
        finally:
            self.ssl_context = given

    @property
    def is_connected(self) -> bool:
        """Whether another request can be sent."""
        # urllib3 takes a connection on which something has come since the last answer for one that the server is
        # closing. It looks at the socket only, and what has come may have been taken from there already.
        return super().is_connected and not (isinstance(self.sock, StampingTls) and self.sock.unread)

    def _default_context(self) -> ssl.SSLContext:
        """Return what urllib3 makes for a connection without a context."""
        context = create_urllib3_context(
            ssl_version=resolve_ssl_version(self.ssl_version),
            ssl_minimum_version=self.ssl_minimum_version,
            ssl_maximum_version=self.ssl_maximum_version,
            cert_reqs=resolve_cert_reqs(self.cert_reqs),
        )
        if not (self.ca_certs or self.ca_cert_dir or self.ca_cert_data):
            context.load_default_certs()
        return context


class _Adapter(HTTPAdapter):
    def __init__(self, ssl_context: ssl.SSLContext | None, connect_to: tuple[str, int] | None) -> None:
        self._pools = pools(connect_to)
        self._ssl_context = ssl_context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def build_connection_pool_key_attributes(self, *arguments: Any, **options: Any) -> Any:
        host, trust = super().build_connection_pool_key_attributes(*arguments, **options)
        return host, trust if self._ssl_context is None else {"ssl_context": self._ssl_context}

    def cert_verify(self, *arguments: Any, **options: Any) -> None:
        # requests would add its own authorities to the context, which all connections share.
        if self._ssl_context is None:
            super().cert_verify(*arguments, **options)


@lru_cache
def pools(connect_to: tuple[str, int] | None) -> dict[str, type[HTTPConnectionPool]]:
    """Return pool classes whose connections go to an address, for `PoolManager.pool_classes_by_scheme`."""
    own = {"connect_to": connect_to}
    # Errors name the pool's class: urllib3's own names are known.
    plain = type("Connection", (PlainConnection,), own)
    over_tls = type("TlsConnection", (TlsConnection,), own)
    return {
        "http": type("HTTPConnectionPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("HTTPSConnectionPool", (HTTPSConnectionPool,), {"ConnectionCls": over_tls}),
    }


def stamped_session(
    ssl_context: ssl.SSLContext | None = None, connect_to: tuple[str, int] | None = None
) -> requests.Session:
    """Return a session of requests whose responses have a stamp: `stamp_of(response.raw)`.

    :param ssl_context: for https; None for the authorities that requests trusts.
    :param connect_to: host and port that TCP connects to; None for those of each URL, or of its proxy.
    """
    session = requests.Session()
    for scheme in ("http", "https"):
        session.mount(f"{scheme}://", _Adapter(ssl_context, connect_to))
    return session
