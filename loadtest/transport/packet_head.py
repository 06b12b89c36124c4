"""The head of a Socket.IO packet's text: which event it carries, and what has to come or go with it.

    4 2       17 ["name", ...]    an event; 17: the id of the acknowledgement that the server waits for
    4 5 2-    17 ["name", ...]    the same, followed by two binary messages, its attachments

Engine.IO's packet type comes first, then Socket.IO's. A namespace other than the default one stands before the id.
The arguments stay undecoded. Pure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from loadtest.transport.websocket_frames import BINARY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.transport.websocket_frames import Message

_EVENT: Final = re.compile(rb'4(?:2|5(\d{1,10})-)(?:/,)?(\d*)\[[ \t\r\n]*("[^"\\]*+(?:\\.[^"\\]*+)*+")', re.DOTALL)
_ATTACHMENTS: Final = re.compile(rb"4[56](\d{1,10})-")


class Head(NamedTuple):
    """What the text of an event in the default namespace says before its arguments.

    event: the name, decoded. attachments: the binary messages that follow. wants_ack: whether the server waits for
    an acknowledgement.
    """

    event: str
    attachments: int = 0
    wants_ack: bool = False


@dataclass(slots=True)
class Incomplete:
    """A packet whose attachments have not all arrived.

    missing: the attachments that are still to come. head, text: of an observed event; None and empty for all other
    packets. kept: the attachments so far; None where nobody needs them.
    """

    missing: int
    head: Head | None = None
    text: bytes = b""
    kept: list[bytes] | None = field(default=None)


def event_head(text: bytes) -> Head | None:
    """Return the head of an event; None for any other packet, or another namespace."""
    match = _EVENT.match(text)
    if match is None:
        return None
    attachments, ack_id, name = match.groups()
    try:
        event = json.loads(name.decode())
    except ValueError:
        return None
    return Head(event, int(attachments or 0), bool(ack_id))


def attachments_of(text: bytes) -> int:
    """Return how many binary messages follow a packet, whatever its namespace."""
    match = _ATTACHMENTS.match(text) if text[:2] in (b"45", b"46") else None
    return int(match[1]) if match is not None else 0


def spellings(event: str) -> set[bytes]:
    """Return how servers write a name inside its quotes: in UTF-8, or with `\\u` escapes as Python does."""
    plain = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return {plain[1:-1], json.dumps(event).encode()[1:-1]}


def are_several(messages: Sequence[Message], *, packed: bool) -> bool:
    """Return whether the messages of one read belong to more than one packet.

    :param packed: whether the packets are those of the msgpack parser, which have no attachments.
    """
    if packed or len(messages) < 2:
        return len(messages) > 1
    # An attachment in front belongs to a packet of an earlier read.
    return (messages[0][0] == BINARY) + sum(opcode != BINARY for opcode, _ in messages) > 1
