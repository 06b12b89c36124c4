"""What a canary says, line by line. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

CLIENT: Final = "client"
TRANSPORT: Final = "transport"
CONNECTED: Final = "connected"
JOINED: Final = "joined"
EVENT: Final = "event"
LOST: Final = "lost"
REFUSED: Final = "refused"
_KINDS: Final = (CLIENT, TRANSPORT, CONNECTED, JOINED, EVENT, LOST, REFUSED)


@dataclass(frozen=True, slots=True)
class Said:
    """One line.

    at_ns: when it happened. text: what else was said. event, frame: of an event, as it would come by Engine.IO.
    """

    what: str
    at_ns: int
    text: str = ""
    event: str = ""
    frame: bytes = b""


def parse(line: str) -> Said | None:
    """What a line says; None if it is none of a canary's, as of a library that warns."""
    try:
        what, at_ms, *rest = json.loads(line)
        at_ns = round(at_ms * 1e6)
    except (ValueError, TypeError):
        return None
    if what == EVENT and len(rest) == 2:
        event, payload = rest
        # An event without arguments has no payload.
        packed = json.dumps(event) if payload is None else f"{json.dumps(event)},{payload}"
        return Said(what, at_ns, event=event, frame=f"42[{packed}]".encode())
    return Said(what, at_ns, " ".join(map(str, rest))) if what in _KINDS else None
