"""One dashboard's connection: connects, joins rooms, emits, and waits for events, each with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import engineio
import gevent
import socketio
from gevent.event import Event

from transport.client import SocketIOClient

from .answers import about, let_in, said
from .credentials import Credentials
from .errors import FAILURES, ConnectFailedError, EventTimeoutError
from .inbox import Heard, Inbox
from .round_trips import RoundTrips
from .watcher import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from backend.endpoint import Endpoint

    from .credentials import Token
    from .inbox import Expectation
    from .watcher import Watcher

PATIENCE_S: Final = 10.0
"""How long a client waits for an answer where it is not told otherwise."""


class Client(RoundTrips):
    """See the module. After a lost connection it connects again, unless told otherwise, and joins its rooms again.

    :param endpoint: where the backend is.
    :param token: the JWT, or what gives it anew for each connect; None connects as a guest.
    :param watcher: who is told of all it does.
    :param source_address: the local address to leave from; None for the system's choice.
    :param reconnects: whether it connects again by itself, with python-socketio's back-off.
    :param patience_s: how long it waits where a call does not say otherwise.
    """

    __slots__ = (
        *("_back", "_credentials", "_dropping", "_ended", "_endpoint", "_leaving", "_lost_ns", "_was_connected"),
        *("_watcher", "end_reason", "heard", "inbox", "joined_again", "patience_s", "refusal"),
        *("rooms", "socket"),
    )

    def __init__(
        self,
        endpoint: Endpoint,
        token: Token | Callable[[], Token] = None,
        *,
        watcher: Watcher = NOBODY,
        source_address: str | None = None,
        reconnects: bool = True,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.patience_s = patience_s
        self._endpoint = endpoint
        self._credentials = Credentials(endpoint, token)
        self._watcher = watcher
        self.refusal = ""
        """What the backend said when it refused to let it in; empty if it said nothing."""
        self._was_connected = self._leaving = self._dropping = False
        self.rooms: list[str] = []
        """The projects whose rooms it is in, or wants to be in, in the order of joining."""
        self.heard: list[Heard] = []
        """What `listen` has asked for, in the order of arrival."""
        self.end_reason = ""
        """Why the last connection was lost."""
        self.joined_again = False
        """Whether it is in its rooms again, after the last connection was lost."""
        self._ended: Event | None = None
        self._back: Event | None = None
        self._lost_ns = 0
        options: dict[str, Any] = {"reconnection": reconnects, **endpoint.backoff.options()}
        if endpoint.parser != "default":
            options["serializer"] = endpoint.parser
        self.socket = SocketIOClient(
            source_address, endpoint.ssl_context(), instance_header=endpoint.instance_header, **options
        )
        watcher.attach(self.socket)
        self.inbox = Inbox(self.socket)
        self.socket.on("connect", self._on_connect)
        self.socket.on("connect_error", self._on_connect_error)
        self.socket.on("disconnect", self._on_disconnect)

    # The connection

    @property
    def connected(self) -> bool:
        """Whether it is connected now."""
        return bool(self.socket.connected)

    def connect(self, timeout_s: float | None = None) -> float:
        """Connect and authenticate; how long that took, in milliseconds.

        :raises ConnectFailedError: if it cannot.
        """
        started_ns = time.time_ns()
        self.refusal = ""
        self._leaving = False
        try:
            self.socket.connect(
                self._credentials.url,
                headers=self._credentials.headers,
                auth=self._credentials.auth,
                transports=list(self._endpoint.transports),
                wait_timeout=self.patience(timeout_s),
            )
        except socketio.exceptions.ConnectionError as error:
            reason = self.refusal or str(error)
            self._watcher.connect_failed(started_ns, time.time_ns(), reason)
            raise ConnectFailedError(reason) from error
        now_ns = time.time_ns()
        self._watcher.connected(started_ns, now_ns, self.socket.eio.phases_ns)
        return (now_ns - started_ns) / 1e6

    def disconnect(self) -> None:
        """Disconnect for good; what was joined is forgotten."""
        if self._leaving:
            return
        self._leaving = True
        self._watcher.ended(time.time_ns(), connected=self.connected)
        self.rooms.clear()
        self._was_connected = False
        self.socket.shutdown()

    def expect_end(self) -> Event:
        """Set when the connection that there is now has been lost."""
        self._ended = Event()
        return self._ended

    def drop(self, *, wanted: bool = True) -> None:
        """Break the connection off without a good-bye, as a network does that fails.

        :param wanted: whether this is its user's will, so that nothing is owed to it until it is back.
        """
        self._dropping = wanted
        self.joined_again, self._back = False, None
        self.socket.eio.break_off("dropped by the load test")

    def wait_until_back(self, timeout_s: float | None = None) -> bool:
        """Wait until it is in its rooms again, after `drop`; whether it is in time."""
        self._back = self._back or Event()
        return self.joined_again or self._back.wait(self.patience(timeout_s))

    # Rooms

    def join(self, project_id: str, timeout_s: float | None = None) -> float:
        """Join a project's room; how long the answer took, in milliseconds.

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
        started_ns = time.time_ns()
        try:
            self.emit(words.join, project_id)
            let_in(joined, refused, self.patience(timeout_s))
        except FAILURES as error:
            self._watcher.join_failed(project_id, started_ns, time.time_ns(), str(error))
            raise
        finally:
            self.inbox.forget(joined)
            self.inbox.forget(refused)
        now_ns = time.time_ns()
        self._watcher.joined(project_id, started_ns, now_ns)
        return (now_ns - started_ns) / 1e6

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

    def listen(self, *events: str) -> None:
        """Keep all events of these names in `heard`, from now on."""
        for event in events:
            self.inbox.subscribe(event, lambda *arguments, name=event: self.heard.append(Heard(name, arguments)))

    # What happens behind

    def _on_connect(self) -> None:
        if self.socket.eio.recovery.pid:
            self.socket.on_recovered = self._on_recovered
        if self._was_connected:
            gevent.spawn(self._return, time.time_ns())
        self._was_connected = True

    def _on_recovered(self) -> None:
        """In the hub: what follows is live again."""
        self._watcher.recovered(time.time_ns())

    def _on_connect_error(self, *data: Any) -> None:
        # python-socketio spreads a list over its arguments, and a backend may say anything.
        self.refusal = said(*data[:1])

    def _on_disconnect(self, reason: str = "") -> None:
        self.end_reason = self.socket.eio.end_reason or reason
        self.joined_again = False
        self._lost_ns = time.time_ns()
        if self._ended is not None:
            self._ended.set()
        if not self._leaving:
            self._watcher.lost(self._lost_ns, self.end_reason, wanted=self._dropping)

    def _return(self, resumed_ns: int) -> None:
        """A reconnect does not rejoin: the backend knows nothing of the old connection, unless it recovered it."""
        while not self.socket.connected and self.socket.eio.state == "connected":
            gevent.sleep(0.01)
        if not self.socket.connected:
            # Answered when it had been given up, or lost at once: there will be another one.
            if self.socket.recovered:
                self._watcher.lost(time.time_ns(), "given up", wanted=self._dropping)
            return
        self._dropping = False
        if not self.socket.recovered:
            self._watcher.resumed(resumed_ns)
        whole = True
        for project_id in [] if self.socket.recovered else list(self.rooms):
            try:
                self.join(project_id)
            except FAILURES:
                whole = False  # the watcher knows why
        self.joined_again = whole
        if whole:
            if self._back is not None:
                self._back.set()
            self._watcher.returned(self._lost_ns, time.time_ns())
