"""One dashboard's connection: connects, joins rooms, emits, and waits for events, each with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import engineio
import socketio
from gevent.event import Event

from loadtest.clients.answers import about, let_in, said
from loadtest.clients.connection import Connection
from loadtest.clients.errors import FAILURES, EventTimeoutError, JoinRefusedError
from loadtest.clients.inbox import Heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.clients.inbox import Expectation
    from loadtest.transport.all_events import AnyEvent


class Client(Connection):
    """See the module and `Connection`."""

    __slots__ = ()

    # Rooms

    def join(self, project_id: str, timeout_s: float | None = None) -> float:
        """Join a project's room; return the milliseconds until the answer was received.

        The room is joined again after a reconnect, also if it was refused now.

        :raises JoinRefusedError: if the backend does not let it in.
        :raises EventTimeoutError: if it does not answer.
        """
        if project_id not in self.rooms:
            self.rooms.append(project_id)
        words = self.adapter.words
        joined = self.inbox.expect(words.joined, about(self.adapter, project_id))
        refused = self.inbox.expect(words.refused)
        self._watcher.joining(project_id)
        watch = self.socket.eio.stopwatch()
        try:
            self.emit(words.join, project_id)
            let_in(joined, refused, self.patience(timeout_s))
        except FAILURES as error:
            by_answer = isinstance(error, JoinRefusedError)
            self._watcher.join_failed(project_id, watch.since_ns, time.time_ns(), str(error), refused=by_answer)
            raise
        finally:
            self.inbox.forget(joined)
            self.inbox.forget(refused)
        took_ns = watch.until_ns(joined.received_ns)
        self._watcher.joined(project_id, watch.since_ns, watch.since_ns + took_ns)
        return took_ns / 1e6

    def leave(self, project_id: str, timeout_s: float | None = None) -> str:
        """Leave a project's room, where the backend has a way to; what it answers.

        :raises EventTimeoutError: if it does not answer.
        """
        if project_id in self.rooms:
            self.rooms.remove(project_id)
        words = self.adapter.words
        left = self.inbox.expect(words.left, about(self.adapter, project_id))
        self._watcher.leaving(project_id, time.time_ns())
        try:
            self.emit(words.leave, project_id)
            return said(*left.wait(self.patience(timeout_s))[:1])
        finally:
            self.inbox.forget(left)

    # Events

    def emit(self, event: str, *arguments: Any) -> None:
        """Send an event."""
        self.socket.emit(event, arguments)

    def send_packet(self, text: str) -> None:
        """Send something that need not be a Socket.IO packet."""
        self.socket.eio._send_packet(engineio.packet.Packet(engineio.packet.MESSAGE, data=text))

    def send_half(self, text: str) -> None:
        """Send the first half of a WebSocket message, and not the rest."""
        self.socket.eio.send_half(text)

    def ask_for_namespace(self, namespace: str) -> Event:
        """Ask to be let into a namespace that there should not be; set when it is refused."""
        refused = Event()
        self.socket.on("connect_error", lambda *_: refused.set(), namespace=namespace)
        kind = socketio.packet.CONNECT
        self.socket._send_packet(self.socket.packet_class(kind, data={}, namespace=namespace))
        return refused

    def call(self, event: str, data: Any = None, timeout_s: float | None = None) -> Any:
        """Send an event and wait for its acknowledgement; what that says.

        :raises EventTimeoutError: if there is none in time.
        """
        try:
            return self.socket.call(event, data, timeout=self.patience(timeout_s))
        except socketio.exceptions.TimeoutError as error:
            raise EventTimeoutError(f"no acknowledgement of {event}") from error

    def expect(self, event: str, match: Callable[..., bool] | None = None) -> Expectation:
        """Begin to wait for the next event of a name whose arguments match. Call before acting."""
        return self.inbox.expect(event, match)

    def wait_for_event(
        self, event: str, timeout_s: float | None = None, match: Callable[..., bool] | None = None
    ) -> tuple[Any, ...]:
        """Wait for the next event of a name whose arguments match; its arguments.

        :raises EventTimeoutError: if it does not come in time.
        """
        expectation = self.inbox.expect(event, match)
        try:
            return expectation.wait(self.patience(timeout_s))
        finally:
            self.inbox.forget(expectation)

    def on_any(self, hear: Callable[[AnyEvent], object]) -> Callable[[], None]:
        """Have every event and acknowledgement heard from now on, in both directions, handled or not.

        What `send_packet` and `send_half` send is no event. See `SocketIOClient.on_any`.

        :returns: a function that ends it.
        """
        return self.socket.on_any(hear)

    def listen(self, *events: str) -> None:
        """Keep all events of these names in `heard`, from now on."""
        for event in events:
            self.inbox.subscribe(event, lambda *arguments, name=event: self.heard.append(Heard(name, arguments)))
