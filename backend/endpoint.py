"""Where the backend is, and how a client presents itself: transport, parser, and the place of the token."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from . import contract
from .tls import Trust

if TYPE_CHECKING:
    import ssl

IN_AUTH: Final = "auth"
IN_HEADER: Final = "header"
IN_QUERY: Final = "query"
IN_COOKIE: Final = "cookie"
TOKEN_PLACES: Final = (IN_AUTH, IN_HEADER, IN_QUERY, IN_COOKIE)

TRANSPORTS: Final = {
    "websocket": ("websocket",),
    "polling": ("polling",),
    "upgrade": ("polling", "websocket"),
}
"""Name -> Engine.IO's transports; `upgrade` begins by polling, as browsers do."""
PARSERS: Final = ("default", "msgpack")


def hosts_of(text: str) -> list[str]:
    """The URLs of `--host`, which has several with commas."""
    return [host.strip() for host in text.split(",")]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One backend as its clients see it.

    host: its URL. transport: of `TRANSPORTS`. parser: of `PARSERS`; both sides have to use the same. token_in: of
    `TOKEN_PLACES`. trust: for TLS. others: URLs of more instances of it.
    """

    host: str
    transport: str = "websocket"
    parser: str = "default"
    token_in: str = IN_AUTH
    trust: Trust = field(default_factory=Trust)
    others: tuple[str, ...] = ()

    @classmethod
    def at(cls, hosts: str, transport: str, parser: str, token_in: str, trust: Trust) -> Endpoint:
        """The backend at one URL or, with commas, at several."""
        first, *others = (host.rstrip("/") for host in hosts_of(hosts))
        return cls(first, transport, parser, token_in, trust, tuple(others))

    def instance(self, number: int) -> Endpoint:
        """The n-th of its instances, in turn."""
        hosts = (self.host, *self.others)
        return replace(self, host=hosts[number % len(hosts)], others=()) if self.others else self

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
