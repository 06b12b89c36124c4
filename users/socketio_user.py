"""The base of all users that hold a Socket.IO connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import gevent
import socketio
from locust import User
from locust.exception import StopUser

from backend import contract
from backend.reader import Reader
from tasks.context import current_context
from transport.client import SocketIOClient

from .inbox import EventTimeoutError, Inbox, first_of
from .reporting import report_act

if TYPE_CHECKING:
    from collections.abc import Callable

    from .inbox import Expectation

CONNECT_TIMEOUT_S = 10.0
JOIN_TIMEOUT_S = 10.0

_CONNECT = "connect"
_JOIN = "join"


class JoinRefusedError(Exception):
    """The backend did not let the user into a room."""


class SocketIOUser(User):
    """Connects, authenticates, joins rooms, emits, and waits for events; everything it does is measured.

    After a lost connection it reconnects by python-socketio's own back-off and joins its rooms again.
    """

    abstract = True

    def on_start(self) -> None:
        """Take part in the run."""
        self.run_context = current_context(self.environment)
        self.account = self.run_context.meter.open_account()
        plan = self.run_context.plan
        self.client = SocketIOClient(plan.source_of(self.run_context.number("user")), plan.ssl_context())
        self.client.observe(self.run_context.meter, Reader.events, self.account.number)
        self.client.on("connect", self._on_connect)
        self.client.on("connect_error", self._on_connect_error)
        self.client.on("disconnect", self._on_disconnect)
        self.inbox = Inbox(self.client)
        self._rooms: list[int] = []
        self._refusal = ""
        self._was_connected = False
        self._leaving = False

    def connect(self, token: str | None) -> None:
        """Connect and authenticate; a user that cannot is stopped.

        :param token: the JWT; None connects as a guest.
        """
        plan = self.run_context.plan
        meter = self.run_context.meter
        started_ns = time.time_ns()
        started_s = time.perf_counter()
        failure = ""
        try:
            self.client.connect(
                plan.host,
                auth={"token": token} if token is not None else None,
                transports=["websocket"],
                wait_timeout=CONNECT_TIMEOUT_S,
            )
        except socketio.exceptions.ConnectionError as error:
            failure = self._refusal or str(error)
        connect_ms = (time.perf_counter() - started_s) * 1000
        report_act(self.environment, "WS", _CONNECT, connect_ms, failure)
        if failure:
            meter.connect_failed(f"connect: {failure}")
            raise StopUser(failure)
        meter.connected(started_ns, time.time_ns(), self.client.eio.phases_ns)

    def join(self, room: int, timeout_s: float = JOIN_TIMEOUT_S) -> None:
        """Join a room of the plan and wait for the answer; a refusal or silence is counted.

        :param room: the room's index in the plan.
        """
        if room not in self._rooms:
            self._rooms.append(room)
        try:
            self._join(room, timeout_s)
        except (JoinRefusedError, EventTimeoutError, socketio.exceptions.SocketIOError) as error:
            self.run_context.meter.join_failed(f"join: {error}")

    def leave(self, room: int, timeout_s: float = JOIN_TIMEOUT_S) -> None:
        """Leave a room where the backend can.

        :raises EventTimeoutError: if it does not answer.
        """
        self._rooms.remove(room)
        project_id = self.run_context.plan.rooms[room].project_id
        left = self.inbox.expect(contract.LEFT, lambda answer: str(answer).endswith(project_id))
        self.account.left(room, time.time_ns())
        self.client.emit(contract.LEAVE, project_id)
        try:
            left.wait(timeout_s)
        finally:
            self.inbox.forget(left)

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event."""
        self.client.emit(event, data)

    def wait_for(self, event: str, timeout_s: float, match: Callable[..., bool] | None = None) -> tuple[Any, ...]:
        """Wait for the next event of a name whose arguments match; its arguments.

        :raises EventTimeoutError: if it does not come in time.
        """
        expectation = self.inbox.expect(event, match)
        try:
            return expectation.wait(timeout_s)
        finally:
            self.inbox.forget(expectation)

    def on_stop(self) -> None:
        """Disconnect for good."""
        self._leaving = True
        self.account.ended(time.time_ns())
        if self.client.connected:
            self.run_context.meter.counters["disconnects"] += 1
        self.client.shutdown()

    def _join(self, room: int, timeout_s: float) -> None:
        project_id = self.run_context.plan.rooms[room].project_id
        joined = self.inbox.expect(contract.JOINED, lambda answer: str(answer).endswith(project_id))
        refused = self.inbox.expect(contract.EXCEPTION)
        self.account.joining(room)
        started_ns = time.time_ns()
        self.client.emit(contract.JOIN, project_id)
        failure = ""
        try:
            self._answer_of(joined, refused, timeout_s)
            now_ns = time.time_ns()
            self.account.joined(room, now_ns)
            self.run_context.meter.join_answered(now_ns - started_ns)
        except (JoinRefusedError, EventTimeoutError) as error:
            failure = str(error)
            raise
        finally:
            self.inbox.forget(joined)
            self.inbox.forget(refused)
            report_act(self.environment, "WS", _JOIN, (time.time_ns() - started_ns) / 1e6, failure)

    def _answer_of(self, joined: Expectation, refused: Expectation, timeout_s: float) -> None:
        answered = first_of(timeout_s, joined, refused)
        if answered is None:
            raise EventTimeoutError(f"no {contract.JOINED} within {timeout_s:g} s")
        if answered is refused:
            (said,) = refused.wait(0) or ("",)
            raise JoinRefusedError(_said(said))

    # python-socketio's handlers

    def _on_connect(self) -> None:
        if self._was_connected:
            self.account.resumed(time.time_ns())
            self.run_context.meter.counters["reconnects"] += 1
            gevent.spawn(self._rejoin)
        self._was_connected = True

    def _on_connect_error(self, data: Any = None) -> None:
        self._refusal = _said(data)

    def _on_disconnect(self, reason: str = "") -> None:
        if not self._leaving:
            self.account.disconnected(time.time_ns(), wanted=False)
            self.run_context.meter.connection_lost(f"connection lost: {reason}")

    def _rejoin(self) -> None:
        """A reconnect does not rejoin: the backend knows nothing of the old connection."""
        while not self.client.connected and self.client.eio.state == "connected":
            gevent.sleep(0.01)
        for room in list(self._rooms):
            self.join(room)


def _said(answer: Any) -> str:
    """What a refusal of the backend says."""
    return str(answer.get("message", answer) if isinstance(answer, dict) else answer)
