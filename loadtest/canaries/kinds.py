"""The official clients that can be canaries, and how `--canaries` names them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from loadtest.backends.endpoint import IN_COOKIE, IN_HEADER, PARSERS, TRANSPORTS

ALL: Final = "all"
SPEAKS_EIO3: Final = "2"
"""The client whose Engine.IO protocol is 3, which a server of Socket.IO 3 or 4 has to allow."""
_WEBSOCKET: Final = "websocket"
_SYNTAX: Final = "client[:transport][:parser]"


@dataclass(frozen=True, slots=True)
class Client:
    """An official client.

    name: in `--canaries`. version: Socket.IO's major version. programs: names of the browser's executable, any of
    which will do; empty on node. package: Debian's package of the browser.
    """

    name: str
    version: str
    programs: tuple[str, ...] = ()
    package: str = ""


CLIENTS: Final = {
    client.name: client
    for client in (
        Client("node-2", "2"),
        Client("node-3", "3"),
        Client("node-4", "4"),
        Client("chromium", "4", ("chromium", "chromium-browser", "google-chrome", "chrome"), "chromium"),
        Client("firefox", "4", ("firefox-esr", "firefox"), "firefox-esr"),
    )
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A client that connects in one way.

    transport: of `backends.endpoint.TRANSPORTS`. parser: of `backends.endpoint.PARSERS`, as the option names it;
    empty for the run's, which it has to be.
    """

    client: Client
    transport: str = _WEBSOCKET
    parser: str = ""

    @property
    def name(self) -> str:
        """What it is called in the plan and in reports. A run has one parser: it is no part of a name."""
        client = self.client.name
        return client if self.transport == _WEBSOCKET else f"{client}:{self.transport}"


_ALL: Final = (
    *map(Kind, CLIENTS.values()),
    Kind(CLIENTS["node-4"], "polling"),
    Kind(CLIENTS["node-4"], "upgrade"),
)


def parse(text: str) -> tuple[Kind, ...]:
    """Return the canaries of an option's value, with commas; `all` is every client, and node-4 by every transport.

    :raises ValueError: if a part of it is not a canary.
    """
    found: list[Kind] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found.extend(_ALL if part == ALL else [_one(part)])
    return tuple(found)


def chosen(text: str) -> tuple[str, ...]:
    """Return the names of an option's canaries, each once.

    :raises ValueError: if a part of it is not a canary.
    """
    return tuple(dict.fromkeys(kind.name for kind in parse(text)))


def named(name: str) -> Kind:
    """Return the canary that has this name in a plan."""
    return _one(name)


def _one(part: str) -> Kind:
    client, *words = part.split(":")
    if client not in CLIENTS:
        raise ValueError(f"{part!r}: expected {_SYNTAX} with a client of {', '.join(CLIENTS)}, or {ALL}")
    ways: dict[str, str] = {}
    for word in words:
        field = "transport" if word in TRANSPORTS else "parser" if word in PARSERS else ""
        if not field:
            known = f"a transport of {', '.join(TRANSPORTS)}, or a parser of {', '.join(PARSERS)}"
            raise ValueError(f"{part!r}: expected {known}, got {word!r}")
        if field in ways:
            both = f"{client}:{ways[field]},{client}:{word}"
            got = f"{ways[field]} and {word}"
            raise ValueError(f"{part!r}: expected one {field}, got {got}; for both write {both}")
        ways[field] = word
    return Kind(CLIENTS[client], **ways)


def conflict(kind: Kind, parser: str, token_in: str) -> tuple[str, str] | None:
    """Return why a canary cannot be in a run, and what to do; None if it can.

    :param parser: the run's.
    :param token_in: where the run's clients bring their tokens.
    """
    if kind.parser not in ("", parser):
        return (
            f"expected the run's parser, {parser}, got {kind.parser}: a server has one for all its clients",
            f"Leave it out, or give --parser {kind.parser} if that is the backend's.",
        )
    if not kind.client.programs:
        return None
    if token_in == IN_COOKIE:
        return (
            "a page cannot send the backend's cookie from another origin, and --token-in is cookie",
            "Leave this canary out, or give another --token-in.",
        )
    if token_in == IN_HEADER and kind.transport == _WEBSOCKET:
        return (
            "a page cannot send a header by WebSocket, and --token-in is header",
            f"Write {kind.client.name}:upgrade or {kind.client.name}:polling, or give another --token-in.",
        )
    return None
