"""The observe lane: chosen events go to an observer, undecoded, in their order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loadtest.transport.gevent_engine import GeventEngine
from loadtest.transport.known_reads import KnownReads
from loadtest.transport.observer import NOBODY
from loadtest.transport.packed import as_text
from loadtest.transport.packet_head import Incomplete, attachments_of
from loadtest.transport.recovery import NOTHING, Recovery
from loadtest.transport.shared import shared
from loadtest.transport.websocket_frames import FrameParser

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loadtest.transport.channel import Channel
    from loadtest.transport.known_reads import Known
    from loadtest.transport.observer import Observer
    from loadtest.transport.packet_head import Head

_NOTHING: Final[Mapping[Any, Known]] = {}
_UNOBSERVED: Final = KnownReads(())


class ObservingEngine(GeventEngine):
    """Tells text that an observer has asked for from text that python-socketio has to see."""

    # More attributes than python-engineio's own, and an instance's dictionary would be twice as large.
    __slots__ = (
        "_broken",
        "_channel",
        "_incomplete",
        "_observer",
        "_parser",
        "handled",
        "known",
        "member",
        "observer",
        "received_ns",
        "recovery",
        "shared",
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.shared = shared()
        self.observer: Observer = NOBODY
        self._observer: Observer = NOBODY
        """Who is behind it, if the recovery is before it."""
        self.member = 0
        self.received_ns = 0
        """When the message that is handed on was received."""
        self.known = _UNOBSERVED
        self.handled: frozenset[str] = frozenset()
        """Observed events that are decoded and handed on all the same."""
        self.recovery = NOTHING
        self._parser = FrameParser()
        self._channel: Channel | None = None
        self._incomplete: Incomplete | None = None
        """The packet whose attachments are arriving."""
        self._broken = False
        """Whether the server broke the protocol of this connection."""

    def connect(self, *arguments: Any, **options: Any) -> None:
        """As of `engineio.Client`; nothing of an earlier connection is left."""
        self._incomplete = None
        self._broken = False
        super().connect(*arguments, **options)

    def observe(self, observer: Observer, events: Iterable[str], member: int, *, packed: bool = False) -> None:
        """Show the named events to an observer.

        :param packed: whether they come by the msgpack parser.
        """
        self._observer = observer
        self.observer = self.recovery.before(observer)
        self.member = member
        self.known = self.shared.known(events, packed=packed)
        self._shorten()

    def handle(self, events: Iterable[str]) -> None:
        """Decode these events and hand them on, though they are observed."""
        self.handled = frozenset(events).intersection(self.known.events)
        self._shorten()

    def state_told(self, answer: Any) -> bool:
        """The server answered a CONNECT of the default namespace; whether it has recovered the session."""
        if self.recovery is NOTHING:
            self.recovery = Recovery()
        recovered = self.recovery.connected(answer)
        if not self.recovery.pid:
            self.recovery = NOTHING
        self.observer = self.recovery.before(self._observer)
        self._shorten()
        return recovered

    def look_from(self, instance: str) -> None:
        """The connection is to one instance of the server; before it is used."""
        self._observer = self._observer.at(instance)
        self.observer = self.recovery.before(self._observer)

    def _shorten(self) -> None:
        """Spare this object the reads whose bytes say everything, where nobody else wants them."""
        if self._channel is not None:
            short = self._parser.idle and self._incomplete is None and not self.handled
            self._channel.shorten(self.known.reads if short else _NOTHING, self.observer, self.member)

    def _on_text(self, payload: bytes, received_ns: int) -> bool:
        """Take a text message; return whether an observed event is whole with it."""
        self.received_ns = received_ns
        if self._incomplete is not None and payload[:1] == b"4":
            missing = self._incomplete.missing
            self.protocol_error(f"a text packet while {missing} attachments of the packet before are missing")
            return False
        head = self.known.head(payload)
        attachments = attachments_of(payload) if head is None else head.attachments
        if attachments:
            kept: list[bytes] | None = [] if head is not None and self._is_wanted(head) else None
            self._incomplete = Incomplete(attachments, head, payload, kept)
            self._shorten()
        elif head is not None:
            self._show(head, payload, received_ns)
        if head is None or (not attachments and self._is_wanted(head)):
            self._take(payload)
        return head is not None and not attachments

    def _on_binary(self, payload: bytes, received_ns: int) -> bool:
        """Take a binary message, an attachment or any packet of the msgpack parser; return as `_on_text` does."""
        self.received_ns = received_ns
        if self._incomplete is not None:
            return self._on_attachment(self._incomplete, payload, received_ns)
        text = as_text(payload) if self.known.packed else b""
        head = self.known.head(text)
        if head is not None:
            self._show(head, text, received_ns)
        if head is None or self._is_wanted(head):
            self._hand_on(payload)
        return head is not None

    def _on_attachment(self, packet: Incomplete, payload: bytes, received_ns: int) -> bool:
        packet.missing -= 1
        if not packet.missing:
            self._incomplete = None
            self._shorten()
        if packet.head is None:
            self._hand_on(payload)
            return False
        if packet.kept is not None:
            packet.kept.append(payload)
        if packet.missing:
            return False
        self._show(packet.head, packet.text, received_ns)
        if packet.kept is not None:
            self._take(packet.text)
            for attachment in packet.kept:
                self._hand_on(attachment)
        return True

    def _on_observed(self, event: str, payload: bytes, received_ns: int) -> None:
        self.observer.observe(self.member, event, payload, received_ns)
        if event in self.handled:
            self.received_ns = received_ns
            self._take(payload)

    def _show(self, head: Head, text: bytes, received_ns: int) -> None:
        # No server puts an offset into a packet that wants an acknowledgement: the recovery keeps the one before.
        observer = self._observer if head.wants_ack else self.observer
        observer.observe(self.member, head.event, text, received_ns)

    def _is_wanted(self, head: Head) -> bool:
        """Return whether python-socketio has to see an observed event, to handle or to acknowledge it."""
        return head.wants_ack or head.event in self.handled

    def _hand_on(self, message: str | bytes) -> None:
        """Hand a message on to python-socketio, unless the server broke the protocol with one before."""
        if not self._broken:
            self._trigger_event("message", message, run_async=False)

    def protocol_error(self, what: str) -> None:
        """Break the connection off: the server broke the protocol. What came after that is ignored."""
        if not self._broken:
            self._broken = True
            self.break_off(f"protocol error of the server: {what}")

    def break_off(self, why: str) -> None:
        """End the connection as broken, from our side."""
        raise NotImplementedError

    def _take(self, payload: bytes) -> None:
        """A text message that is not, or not only, the observer's."""
        raise NotImplementedError
