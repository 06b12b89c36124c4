"""The observe lane: chosen events go to an observer, undecoded, in their order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .gevent_engine import GeventEngine
from .known_reads import KnownReads, event_name
from .observer import NOBODY
from .packed import as_text
from .recovery import NOTHING, Recovery
from .shared import shared
from .websocket_frames import FrameParser

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .channel import Channel
    from .known_reads import Known
    from .observer import Observer

_NOTHING: Final[Mapping[Any, Known]] = {}
_UNOBSERVED: Final = KnownReads(())


class ObservingEngine(GeventEngine):
    """Tells text that an observer has asked for from text that python-socketio has to see."""

    # More attributes than python-engineio's own, and an instance's dictionary would be twice as large.
    __slots__ = (
        "_channel",
        "_observer",
        "_parser",
        "handled",
        "known",
        "member",
        "observer",
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
        self.known = _UNOBSERVED
        self.handled: frozenset[str] = frozenset()
        """Observed events that are decoded and handed on all the same."""
        self.recovery = NOTHING
        self._parser = FrameParser()
        self._channel: Channel | None = None

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
        self.handled = frozenset(events).intersection(self.known.observed.values())
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
            short = self._parser.idle and not self.handled
            self._channel.shorten(self.known.reads if short else _NOTHING, self.observer, self.member)

    def _on_text(self, payload: bytes, received_ns: int) -> None:
        event = self.known.observed.get(event_name(payload))
        if event is None:
            self._take(payload)
        else:
            self._on_observed(event, payload, received_ns)

    def _on_binary(self, payload: bytes, received_ns: int) -> None:
        """A binary message: an attachment, or any packet of the msgpack parser."""
        text = as_text(payload) if self.known.packed else b""
        event = self.known.observed.get(event_name(text))
        if event is not None:
            self.observer.observe(self.member, event, text, received_ns)
        if event is None or event in self.handled:
            self._trigger_event("message", payload, run_async=False)

    def _on_observed(self, event: str, payload: bytes, received_ns: int) -> None:
        self.observer.observe(self.member, event, payload, received_ns)
        if event in self.handled:
            self._take(payload)

    def _take(self, payload: bytes) -> None:
        """A text message that is not, or not only, the observer's."""
        raise NotImplementedError
