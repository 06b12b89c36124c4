"""Where the backend is, and how a client presents itself: transport, parser, and the place of the token."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from loadtest.backends.base import PROMETHEUS, load
from loadtest.backends.presentation import (
    IN_AUTH,
    IN_COOKIE,
    IN_HEADER,
    IN_QUERY,
    PARSERS,
    TOKEN_PLACES,
    TRANSPORTS,
)
from loadtest.backends.prometheus import contract
from loadtest.backends.tls import Trust
from loadtest.measurement.target import hosts_of

if TYPE_CHECKING:
    import ssl

    from loadtest.backends.guard import Guard

__all__ = [
    "IN_AUTH",
    "IN_COOKIE",
    "IN_HEADER",
    "IN_QUERY",
    "PARSERS",
    "TOKEN_PLACES",
    "TRANSPORTS",
    "Backoff",
    "Endpoint",
]


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a client whose connection was lost waits before it tries to come back.

    first_s: before the first attempt; each further wait is twice as long. most_s: no wait is longer. jitter_s: by
    how much each may be longer or shorter, so that not all come at once. The defaults are python-socketio's.
    """

    first_s: float = 1.0
    most_s: float = 5.0
    jitter_s: float = 0.5

    def options(self) -> dict[str, float]:
        """As python-socketio takes them."""
        names = ("reconnection_delay", "reconnection_delay_max", "randomization_factor")
        return dict(zip(names, (self.first_s, self.most_s, self.jitter_s), strict=True))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One backend as its clients see it.

    host: its URL. transport: of `TRANSPORTS`. parser: of `PARSERS`; both sides have to use the same. token_in: of
    `TOKEN_PLACES`. trust: for TLS. others: URLs of more instances of it. backoff: of clients that come back.
    instance_header: of its answers, says which instance it is, if there are several behind one URL. backend: the
    module that knows it, see `adapter`. connect_to: host and port that Socket.IO connections go to in place of the
    URL's, or its proxy's, like curl's `--connect-to`: Host header, server name and certificate stay the host's.
    """

    host: str
    transport: str = "websocket"
    parser: str = "default"
    token_in: str = IN_AUTH
    trust: Trust = field(default_factory=Trust)
    others: tuple[str, ...] = ()
    backoff: Backoff = field(default_factory=Backoff)
    instance_header: str = contract.INSTANCE_HEADER
    backend: str = PROMETHEUS
    connect_to: tuple[str, int] | None = None

    @classmethod
    def at(cls, hosts: str, **rest: Any) -> Endpoint:
        """The backend at one URL or, with commas, at several.

        :param rest: its other fields.
        """
        first, *others = (host.rstrip("/") for host in hosts_of(hosts))
        return cls(first, others=tuple(others), **rest)

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Endpoint:
        """From a message."""
        parts = {
            "trust": Trust(**message["trust"]),
            "others": tuple(message["others"]),
            "backoff": Backoff(**message["backoff"]),
            "connect_to": None if (to := message["connect_to"]) is None else tuple(to),
        }
        return cls(**(message | parts))

    def instance(self, number: int) -> Endpoint:
        """The n-th of its instances, in turn."""
        hosts = (self.host, *self.others)
        return replace(self, host=hosts[number % len(hosts)], others=()) if self.others else self

    @property
    def adapter(self) -> Guard:
        """What knows it.

        :raises Fault: if there is none of this name.
        """
        return load(self.backend)

    @property
    def hosts(self) -> str:
        """All URLs, with commas."""
        return ",".join((self.host, *self.others))

    @property
    def transports(self) -> tuple[str, ...]:
        """Engine.IO's, in the order of trying."""
        return TRANSPORTS[self.transport]

    def ssl_context(self) -> ssl.SSLContext | None:
        """For TLS; None for a backend without it.

        :raises Fault: if a file of the trust cannot be used.
        """
        return self.trust.context() if self.host.startswith("https:") else None

    def url(self, token: str | None) -> str:
        """Where to connect."""
        if token is None or self.token_in != IN_QUERY:
            return self.host
        return f"{self.host}?{urlencode({contract.TOKEN: token})}"

    def headers(self, token: str | None) -> dict[str, str]:
        """What to send along with the handshake."""
        if token is None:
            return {}
        if self.token_in == IN_HEADER:
            return {"Authorization": f"Bearer {token}"}
        return {"Cookie": f"{contract.TOKEN}={token}"} if self.token_in == IN_COOKIE else {}

    def auth(self, token: str | None) -> dict[str, Any]:
        """What to send with the namespace's CONNECT packet."""
        return {contract.TOKEN: token} if token is not None and self.token_in == IN_AUTH else {}
