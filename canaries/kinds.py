"""Which clients there are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Kind:
    """client: Socket.IO's major version. script: what runs it. transports: Engine.IO's, in the order of trying."""

    name: str
    client: str
    script: str = "node.mjs"
    transports: tuple[str, ...] = ("websocket",)


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("node-2", "2"),
        Kind("node-3", "3"),
        Kind("node-4", "4"),
        Kind("node-4-polling", "4", transports=("polling",)),
        Kind("node-4-upgrade", "4", transports=("polling", "websocket")),
        Kind("chromium", "4", "browser.mjs"),
    )
}
SPEAKS_EIO3: Final = "2"
"""The client whose Engine.IO protocol is 3, which a server of Socket.IO 3 or 4 has to allow."""


def chosen(text: str) -> tuple[str, ...]:
    """The names of an option's value, which has several with commas, or `all`.

    :raises ValueError: if it names one that there is not.
    """
    names = tuple(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))
    if names == (ALL,):
        return tuple(KINDS)
    if unknown := [name for name in names if name not in KINDS]:
        raise ValueError(f"{', '.join(unknown)}: there are {', '.join(KINDS)}, or {ALL}")
    return names
