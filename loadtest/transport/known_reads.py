"""Remembers what reads were, by their bytes: the members of a room read the same frame, one after the other.

Pure. A read is remembered if it is one whole frame with an observed Socket.IO event, and asks for nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtest.transport.packed import as_text
from loadtest.transport.packet_head import Head, event_head, spellings
from loadtest.transport.websocket_frames import BINARY, TEXT, single_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN_EVENT: Final = b'42["'
_EVENT_TYPES: Final = (b"42", b"45")
_MOST: Final = 4096
_LONGEST_BYTES: Final = 4096

Known = tuple[str, bytes]
"""(event's name, payload)."""


class KnownReads:
    """The last few thousand different reads with one of the observed events.

    :param packed: whether events come by the msgpack parser; they are known as text all the same.
    """

    def __init__(self, events: Iterable[str], *, packed: bool = False) -> None:
        self.packed = packed
        self.events: frozenset[str] = frozenset(events)
        self._plain = {spelling: Head(event) for event in self.events for spelling in spellings(event)}
        self.reads: dict[bytes, Known] = {}

    def head(self, text: bytes) -> Head | None:
        """Return the head of an observed event; None for any other packet."""
        if text[:4] == _PLAIN_EVENT and (end := text.find(b'"', 4)) > 0:
            name = text[4:end]
            head = self._plain.get(name)
            if head is not None or b"\\" not in name:
                return head
        elif text[:2] not in _EVENT_TYPES:
            return None
        head = event_head(text)
        return head if head is not None and head.event in self.events else None

    def learn(self, data: bytes) -> Known | None:
        """Return what a read is that is not known yet, and remember it.

        None if it is more or less than one observed event in one frame, or if it has attachments or wants to be
        acknowledged: a read that is known goes to the observer and nowhere else. Only for a connection that is
        between two packets: otherwise the bytes mean something else.
        """
        start = single_frame(data, BINARY if self.packed else TEXT)
        if not start or len(data) > _LONGEST_BYTES:
            return None
        payload = as_text(data[start:]) if self.packed else data[start:]
        head = self.head(payload)
        if head is None or head.attachments or head.wants_ack:
            return None
        if len(self.reads) >= _MOST:
            self.reads.clear()
        known = self.reads[data] = (head.event, payload)
        return known
