"""REST connections of one client.

The client keeps a few connections open, and does not use one that the backend is about to close. New connections
go to all addresses of the host in turn. Requests are stamped, see `transport.stamped_http`.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from loadtest.transport.stamped_http import PlainConnection, TlsConnection

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from urllib3._base_connection import BaseHTTPConnection

_KEPT_OPEN: Final = re.compile(r"timeout=(\d+)")
_MARGIN_S: Final = 1.0
"""How long before the backend closes a connection the client stops using it, in seconds: a request takes time."""


class Resolver(Protocol):
    """Chooses the addresses of a host that a new connection tries; `transport.resolver` has one."""

    def targets(self, host: str, port: int, purpose: str, *, source: str | None = None) -> Sequence[Any]:
        """Return the addresses in the order to try, each with an `address` as `socket.connect` takes it."""
        ...

    def attempt_s(self, left_s: float, remaining: int) -> float:
        """Return how long to try one of `remaining` addresses, in seconds, with `left_s` for all of them."""
        ...

    def reached(self, target: Any) -> None:
        """Note that a connection to an address was made."""
        ...

    def failed(self, host: str, port: int, target: Any, error: BaseException) -> None:
        """Note that a connection to an address could not be made."""
        ...


class Route:
    """The addresses that a client's connections go to, and the one that they leave from.

    :param resolver: None for the first address of the host that accepts a connection.
    """

    def __init__(self, resolver: Resolver | None = None) -> None:
        self.resolver = resolver
        self.local_address = ""
        """Local address of the latest connection; empty if there was none."""


class _Connection(HTTPConnection):
    """A connection that is no longer used when the time of its `Keep-Alive: timeout=` header is nearly over."""

    route: Route
    _usable_until_s = float("inf")

    def _new_conn(self) -> socket.socket:
        resolver = self.route.resolver
        sock = super()._new_conn() if resolver is None else self._connect_by(resolver)
        self.route.local_address = sock.getsockname()[0]
        return sock

    def _connect_by(self, resolver: Resolver) -> socket.socket:
        name, timeout_s = self._dns_host, self.timeout
        port = self.port or self.default_port
        source = self.source_address[0] if self.source_address else None
        try:
            targets = resolver.targets(name, port, "REST", source=source)
        except OSError as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type]
        failure: Exception = NewConnectionError(self, f"no address for {name}")
        began_s = time.monotonic()
        try:
            for tried, target in enumerate(targets):
                # urllib3 uses this name for the connection only.
                self._dns_host = target.address[0]
                if timeout_s is not None:
                    left_s = max(timeout_s - (time.monotonic() - began_s), 0.001)
                    self.timeout = resolver.attempt_s(left_s, len(targets) - tried)
                try:
                    sock = super()._new_conn()
                except (NewConnectionError, ConnectTimeoutError) as error:
                    resolver.failed(name, port, target, error.__cause__ or error)
                    failure = error
                else:
                    resolver.reached(target)
                    return sock
        finally:
            self._dns_host, self.timeout = name, timeout_s
        raise failure

    def getresponse(self) -> Any:
        response = super().getresponse()
        kept_open = _KEPT_OPEN.search(response.headers.get("Keep-Alive", ""))
        if kept_open:
            self._usable_until_s = time.monotonic() + int(kept_open[1]) - _MARGIN_S
        return response

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() < self._usable_until_s


class _Pool(urllib3.HTTPConnectionPool):
    """A pool that closes surplus connections in silence; urllib3's own pool logs a warning for each."""

    def _put_conn(self, conn: BaseHTTPConnection | None) -> None:
        if conn is not None and self.pool is not None and self.pool.full():
            conn.close()
        else:
            super()._put_conn(conn)


class _TlsPool(_Pool, urllib3.HTTPSConnectionPool):
    """A `_Pool` over TLS."""


def use(pools: urllib3.PoolManager, route: Route) -> None:
    """Have a pool manager open its connections by a route."""
    own = {"route": route}
    plain = type("Connection", (_Connection, PlainConnection), own)
    over_tls = type("TlsConnection", (_Connection, TlsConnection), own)
    pools.pool_classes_by_scheme = {
        "http": type("Pool", (_Pool,), {"ConnectionCls": plain}),
        "https": type("TlsPool", (_TlsPool,), {"ConnectionCls": over_tls}),
    }
