"""Every event and acknowledgement of a connection, in both directions, whether anybody handles it or not."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from socketio import packet

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_DEFAULT_NAMESPACE: Final = "/"
_EVENTS: Final = frozenset((packet.EVENT, packet.BINARY_EVENT))
_ACKS: Final = frozenset((packet.ACK, packet.BINARY_ACK))
_MAX_UNANSWERED: Final = 1024
_SHOWN_CHARACTERS: Final = 200


class Direction(StrEnum):
    """Which way a packet goes, as seen from the client."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class AnyEvent:
    """An event that arrived or was sent, or the acknowledgement of one.

    direction: `in` from the server, `out` to it.
    event: its name; for an acknowledgement, the name of the event that it answers, or empty if that is unknown.
    arguments: all of them, decoded.
    at_ns: when it was received, by the kernel where that tells; or when it was sent; nanoseconds since the epoch.
    is_ack: whether it is an acknowledgement.
    ack_id: the number of the acknowledgement, or of the one that is wanted; None if none is.
    namespace: `/` as a rule.
    """

    direction: Direction
    event: str
    arguments: tuple[Any, ...]
    at_ns: int
    is_ack: bool = False
    ack_id: int | None = None
    namespace: str = _DEFAULT_NAMESPACE

    def __str__(self) -> str:
        arrow = "<-" if self.direction is Direction.IN else "->"
        place = "" if self.namespace == _DEFAULT_NAMESPACE else f"{self.namespace} "
        kind = f"ack {self.ack_id} of " if self.is_ack else ""
        wanted = f" wants ack {self.ack_id}" if self.ack_id is not None and not self.is_ack else ""
        text = ", ".join(map(repr, self.arguments))
        shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
        return f"{arrow} {place}{kind}{self.event}({shown}){wanted}"


class AllEvents:
    """Who hears all events of one connection."""

    def __init__(self) -> None:
        self.hearers: list[Callable[[AnyEvent], object]] = []
        self._unanswered: dict[tuple[Direction, str, int], str] = {}
        """(direction of the event, namespace, id of the acknowledgement) -> the event's name."""

    def sent(self, sent: Any, now_ns: int) -> None:
        """Tell of a packet that is about to be sent, if it is an event or an acknowledgement."""
        self._tell(Direction.OUT, sent.packet_type, sent.namespace, sent.id, sent.data, now_ns)

    def received(self, received: Any, data: Any, received_ns: int) -> None:
        """Tell of a packet that arrived, if it is an event or an acknowledgement.

        :param data: its name and arguments, or the acknowledgement's arguments.
        """
        self._tell(Direction.IN, received.packet_type, received.namespace, received.id, data, received_ns)

    def _tell(
        self, way: Direction, kind: int, namespace: str | None, ack_id: int | None, data: Any, at_ns: int
    ) -> None:
        place = namespace or _DEFAULT_NAMESPACE
        if kind in _EVENTS and isinstance(data, list) and data:
            name, *arguments = data
            if ack_id is not None:
                self._remember((way, place, ack_id), str(name))
        elif kind in _ACKS and ack_id is not None:
            asked = Direction.OUT if way is Direction.IN else Direction.IN
            name = self._unanswered.pop((asked, place, ack_id), "")
            arguments = data if isinstance(data, list) else []
        else:
            return
        told = AnyEvent(way, str(name), tuple(arguments), at_ns, kind in _ACKS, ack_id, place)
        for hear in list(self.hearers):
            try:
                hear(told)
            except Exception:
                # A listener that fails must not stop the event.
                logger.exception("a listener of all events failed")

    def _remember(self, key: tuple[Direction, str, int], event: str) -> None:
        """A backend may never acknowledge anything: the oldest are forgotten."""
        if len(self._unanswered) >= _MAX_UNANSWERED:
            del self._unanswered[next(iter(self._unanswered))]
        self._unanswered[key] = event
