"""Remembers what reads were, by their bytes: the members of a room read the same frame, one after the other.

Pure. A read that is one whole frame with an observed Socket.IO event is remembered; everything else is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .packed import as_text
from .websocket_frames import BINARY, TEXT, single_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

_EVENT_HEAD: Final = b'42["'
_MOST: Final = 4096
_LONGEST_BYTES: Final = 4096

Known = tuple[str, bytes]
"""(event's name, payload)."""


def event_name(payload: bytes) -> bytes:
    """The name of the event in a packet's text, as it stands there; empty if it is no event."""
    return payload[4 : payload.find(b'"', 4)] if payload[:4] == _EVENT_HEAD else b""


class KnownReads:
    """The last few thousand different reads with one of the observed events.

    :param packed: whether events come by the msgpack parser; they are known as text all the same.
    """

    def __init__(self, events: Iterable[str], *, packed: bool = False) -> None:
        self.packed = packed
        self.observed: dict[bytes, str] = {event.encode(): event for event in events}
        self.reads: dict[bytes, Known] = {}

    def learn(self, data: bytes) -> Known | None:
        """What a read is that is not known yet; None if it is more or less than one observed event in one frame.

        Only for a connection whose parser is idle: otherwise the bytes mean something else.
        """
        start = single_frame(data, BINARY if self.packed else TEXT)
        if not start or len(data) > _LONGEST_BYTES:
            return None
        payload = as_text(data[start:]) if self.packed else data[start:]
        event = self.observed.get(event_name(payload))
        if event is None:
            return None
        if len(self.reads) >= _MOST:
            self.reads.clear()
        known = self.reads[data] = (event, payload)
        return known
