"""python-socketio's client with an observer: it sees chosen events as raw frames, in order of arrival."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

import engineio
import socketio
from engineio import packet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RECEIVE_CLOCK = "user-space"
"""Where receive timestamps are taken: when the process read the frame, not when the kernel got it."""


class Observer(Protocol):
    """Sees broadcasts before anybody decodes them."""

    def observe(self, event: str, frame: bytes, received_ns: int) -> None:
        """One event arrived.

        :param frame: the Socket.IO packet's text as UTF-8.
        :param received_ns: nanoseconds since the epoch.
        """
        ...


class EngineIOClient(engineio.Client):
    """An Engine.IO client with an observe lane.

    A text message that begins with an observed event goes to the observer at once, in the reading greenlet;
    it goes on to python-socketio only if somebody handles it.
    """

    observer: Observer | None = None
    prefixes: tuple[tuple[str, str], ...] = ()
    is_handled: Callable[[str], bool]

    def _receive_packet(self, pkt: packet.Packet) -> None:
        if self.observer is not None and pkt.packet_type == packet.MESSAGE and isinstance(pkt.data, str):
            for prefix, event in self.prefixes:
                if pkt.data.startswith(prefix):
                    self.observer.observe(event, pkt.data.encode(), time.time_ns())
                    if not self.is_handled(event):
                        return
                    break
        super()._receive_packet(pkt)


class SocketIOClient(socketio.Client):
    """A Socket.IO client whose Engine.IO client may be observed.

    :param options: as for `socketio.Client`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.eio.is_handled = self._is_handled

    def observe(self, observer: Observer, events: Iterable[str]) -> None:
        """Show the named events of the default namespace to an observer."""
        self.eio.prefixes = tuple((f'2["{event}",', event) for event in events)
        self.eio.observer = observer

    def _is_handled(self, event: str) -> bool:
        handlers = self.handlers.get("/", {})
        return event in handlers or "*" in handlers

    def _engineio_client_class(self) -> type[EngineIOClient]:
        return EngineIOClient
