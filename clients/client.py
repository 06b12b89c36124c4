"""One dashboard's connection: connects, joins rooms, emits, and waits for events, each with a deadline."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import gevent
import socketio

from backend import contract
from transport.client import SocketIOClient

from .inbox import EventTimeoutError, Inbox, first_of
from .latency import Latency
from .watcher import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from backend.endpoint import Endpoint

    from .inbox import Expectation
    from .watcher import Watcher

CONNECT_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 10.0

Token = str | None
"""A JWT; None connects as a guest."""


class ConnectFailedError(Exception):
    """The backend could not be reached, or did not let the client in; the message is the reason."""


class JoinRefusedError(Exception):
    """The backend did not let the client into a room; the message is what it said."""


@dataclass(slots=True)
class Heard:
    """An event that arrived. at_ns: when it was handled, in nanoseconds since the epoch."""

    event: str
    arguments: tuple[Any, ...]
    at_ns: int = field(default_factory=time.time_ns)

    @property
    def data(self) -> Any:
        """Its first argument; None if it has none."""
        return self.arguments[0] if self.arguments else None


class Client:
    """See the module. After a lost connection it connects again, unless told otherwise, and joins its rooms again.

    :param endpoint: where the backend is.
    :param token: the JWT, or what gives it anew for each connect; None connects as a guest.
    :param watcher: who is told of all it does.
    :param source_address: the local address to leave from; None for the system's choice.
    :param reconnects: whether it connects again by itself, with python-socketio's back-off.
    """

    __slots__ = (
        *("_dropping", "_endpoint", "_leaving", "_refusal", "_token", "_was_connected", "_watcher"),
        *("end_reason", "heard", "inbox", "rooms", "socket"),
    )

    def __init__(
        self,
        endpoint: Endpoint,
        token: Token | Callable[[], Token] = None,
        *,
        watcher: Watcher = NOBODY,
        source_address: str | None = None,
        reconnects: bool = True,
    ) -> None:
        self._endpoint = endpoint
        self._token = token
        self._watcher = watcher
        self._refusal = ""
        self._was_connected = self._leaving = self._dropping = False
        self.rooms: list[str] = []
        """The projects whose rooms it is in, or wants to be in, in the order of joining."""
        self.heard: list[Heard] = []
        """What `listen` has asked for, in the order of arrival."""
        self.end_reason = ""
        """Why the last connection was lost."""
        options: dict[str, Any] = {"reconnection": reconnects}
        if endpoint.parser != "default":
            options["serializer"] = endpoint.parser
        self.socket = SocketIOClient(source_address, endpoint.ssl_context(), **options)
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

    def connect(self, timeout_s: float = CONNECT_TIMEOUT_S) -> float:
        """Connect and authenticate; how long that took, in milliseconds.

        :raises ConnectFailedError: if it cannot.
        """
        started_ns = time.time_ns()
        self._refusal = ""
        self._leaving = False
        try:
            self.socket.connect(
                self._url,
                headers=self._headers,
                auth=self._auth,
                transports=list(self._endpoint.transports),
                wait_timeout=timeout_s,
            )
        except socketio.exceptions.ConnectionError as error:
            reason = self._refusal or str(error)
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

    def drop(self) -> None:
        """Break the connection off without a good-bye, as a network does that fails."""
        self._dropping = True
        self.socket.eio.break_off("dropped by the load test")

    # Rooms

    def join(self, project_id: str, timeout_s: float = ANSWER_TIMEOUT_S) -> float:
        """Join a project's room; how long the answer took, in milliseconds.

        The room is joined again after a reconnect, also if it was refused now.

        :raises JoinRefusedError: if the backend does not let it in.
        :raises EventTimeoutError: if it does not answer.
        """
        if project_id not in self.rooms:
            self.rooms.append(project_id)
        joined = self.inbox.expect(contract.JOINED, _ends_in(project_id))
        refused = self.inbox.expect(contract.EXCEPTION)
        self._watcher.joining(project_id)
        started_ns = time.time_ns()
        try:
            self.emit(contract.JOIN, project_id)
            self._answer_of(joined, refused, timeout_s)
        except (JoinRefusedError, EventTimeoutError, socketio.exceptions.SocketIOError) as error:
            self._watcher.join_failed(project_id, started_ns, time.time_ns(), str(error))
            raise
        finally:
            self.inbox.forget(joined)
            self.inbox.forget(refused)
        now_ns = time.time_ns()
        self._watcher.joined(project_id, started_ns, now_ns)
        return (now_ns - started_ns) / 1e6

    def leave(self, project_id: str, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Leave a project's room, where the backend has a way to.

        :raises EventTimeoutError: if it does not answer.
        """
        if project_id in self.rooms:
            self.rooms.remove(project_id)
        left = self.inbox.expect(contract.LEFT, _ends_in(project_id))
        self._watcher.leaving(project_id, time.time_ns())
        try:
            self.emit(contract.LEAVE, project_id)
            left.wait(timeout_s)
        finally:
            self.inbox.forget(left)

    # Events

    def emit(self, event: str, *arguments: Any) -> None:
        """Send an event."""
        self.socket.emit(event, arguments)

    def call(self, event: str, data: Any = None, timeout_s: float = ANSWER_TIMEOUT_S) -> Any:
        """Send an event and wait for its acknowledgement; what that says.

        :raises EventTimeoutError: if there is none in time.
        """
        try:
            return self.socket.call(event, data, timeout=timeout_s)
        except socketio.exceptions.TimeoutError as error:
            raise EventTimeoutError(f"no acknowledgement of {event} within {timeout_s:g} s") from error

    def expect(self, event: str, match: Callable[..., bool] | None = None) -> Expectation:
        """Begin to wait for the next event of a name whose arguments match. Call before acting."""
        return self.inbox.expect(event, match)

    def wait_for_event(
        self, event: str, timeout_s: float = ANSWER_TIMEOUT_S, match: Callable[..., bool] | None = None
    ) -> tuple[Any, ...]:
        """Wait for the next event of a name whose arguments match; its arguments.

        :raises EventTimeoutError: if it does not come in time.
        """
        expectation = self.inbox.expect(event, match)
        try:
            return expectation.wait(timeout_s)
        finally:
            self.inbox.forget(expectation)

    def listen(self, *events: str) -> None:
        """Keep all events of these names in `heard`, from now on."""
        for event in events:
            self.inbox.subscribe(event, lambda *arguments, name=event: self.heard.append(Heard(name, arguments)))

    def ping(self, timeout_s: float = ANSWER_TIMEOUT_S) -> float:
        """One round trip through the backend's `ping`, in milliseconds.

        :raises EventTimeoutError: if no `pong` with what was sent comes back.
        """
        sent = {"n": time.time_ns()}
        return self._round_trip(
            contract.PING, sent, contract.PONG, lambda answer=None, *_: answer == sent, timeout_s
        )

    def rejoin(self, timeout_s: float = ANSWER_TIMEOUT_S) -> float:
        """One round trip by joining again the room that was joined last, in milliseconds: for backends without
        a `ping`.

        :raises EventTimeoutError: if there is no answer.
        """
        room = self.rooms[-1]
        return self._round_trip(contract.JOIN, room, contract.JOINED, _ends_in(room), timeout_s)

    def measure_latency(self, rounds: int = 10, *, by_ping: bool = True) -> Latency:
        """Measure so many round trips, one after the other.

        :param by_ping: by `ping`; else by joining again, see `rejoin`.
        :raises EventTimeoutError: if one of them is not answered.
        """
        trip = self.ping if by_ping else self.rejoin
        return Latency([trip() for _ in range(rounds)])

    # What happens behind

    def _round_trip(
        self, event: str, data: Any, answer: str, match: Callable[..., bool], timeout_s: float
    ) -> float:
        expectation = self.inbox.expect(answer, match)
        started_s = time.perf_counter()
        try:
            self.emit(event, data)
            expectation.wait(timeout_s)
        finally:
            self.inbox.forget(expectation)
        return (time.perf_counter() - started_s) * 1000

    def _answer_of(self, joined: Expectation, refused: Expectation, timeout_s: float) -> None:
        answered = first_of(timeout_s, joined, refused)
        if answered is None:
            raise EventTimeoutError(f"no {contract.JOINED} within {timeout_s:g} s")
        if answered is refused:
            (said,) = refused.wait(0) or ("",)
            raise JoinRefusedError(_said(said))

    def _token_now(self) -> Token:
        return self._token() if callable(self._token) else self._token

    def _url(self) -> str:
        return self._endpoint.url(self._token_now())

    def _headers(self) -> dict[str, str]:
        return self._endpoint.headers(self._token_now())

    def _auth(self) -> dict[str, Any]:
        return self._endpoint.auth(self._token_now())

    def _on_connect(self) -> None:
        if self._was_connected:
            self._dropping = False
            self._watcher.resumed(time.time_ns())
            gevent.spawn(self._join_again)
        self._was_connected = True

    def _on_connect_error(self, data: Any = None) -> None:
        self._refusal = _said(data)

    def _on_disconnect(self, reason: str = "") -> None:
        self.end_reason = self.socket.eio.end_reason or reason
        if not self._leaving:
            self._watcher.lost(time.time_ns(), reason, wanted=self._dropping)

    def _join_again(self) -> None:
        """A reconnect does not rejoin: the backend knows nothing of the old connection."""
        while not self.socket.connected and self.socket.eio.state == "connected":
            gevent.sleep(0.01)
        for project_id in list(self.rooms):
            try:
                self.join(project_id)
            except (JoinRefusedError, EventTimeoutError, socketio.exceptions.SocketIOError):
                continue  # the watcher knows


def _ends_in(project_id: str) -> Callable[..., bool]:
    return lambda answer=None, *_: str(answer).endswith(project_id)


def _said(answer: Any) -> str:
    """What a refusal of the backend says."""
    return str(answer.get("message", answer) if isinstance(answer, dict) else answer)
