"""A connection that is made, lost and made again, and who is told of it."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import gevent
import socketio
from gevent.event import Event

from loadtest.backends.prometheus import contract
from loadtest.clients.answers import said
from loadtest.clients.credentials import Credentials
from loadtest.clients.errors import FAILURES, ConnectFailedError
from loadtest.clients.inbox import Inbox
from loadtest.clients.round_trips import RoundTrips
from loadtest.clients.watcher import NOBODY, LossCause
from loadtest.transport.client import SocketIOClient
from loadtest.transport.packet_log import LoggingSocketIOClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.backends.endpoint import Endpoint
    from loadtest.clients.credentials import Token
    from loadtest.clients.inbox import Heard
    from loadtest.clients.watcher import Watcher
    from loadtest.transport.packet_log import PacketLog

PATIENCE_S: Final = 10.0
"""How long a client waits for an answer where it is not told otherwise."""


class Connection(RoundTrips):
    """What a client has one of. After a loss it connects again, unless told otherwise, and joins its rooms again.

    As with the official client, a backend that disconnects it on purpose (`socket.disconnect()`) has it stay away.
    One that refuses it is asked again, with the token that is good then.

    :param endpoint: where the backend is.
    :param token: the JWT, or what gives it anew for each connect; None connects as a guest.
    :param watcher: who is told of all it does.
    :param source_address: the local address to leave from; None for the system's choice.
    :param reconnects: whether it connects again by itself, with python-socketio's back-off.
    :param patience_s: how long it waits where a call does not say otherwise.
    :param packet_log: takes a line for each of its packets; None for no log, at no cost.
    """

    __slots__ = (
        *("_answered_ns", "_back", "_credentials", "_dropped_by", "_ended", "_endpoint", "_leaving", "_lost_by"),
        *("_lost_ns", "_refused", "_rejoining", "_was_connected", "_watcher", "end_reason", "heard", "inbox"),
        *("joined_again", "patience_s", "refusal", "rooms", "socket"),
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
        packet_log: PacketLog | None = None,
    ) -> None:
        if packet_log is not None:
            token = _hidden(token, packet_log)
        self.patience_s = patience_s
        self._endpoint = endpoint
        self._credentials = Credentials(endpoint, token)
        self._watcher = watcher
        self.refusal = ""
        """What the backend said when it refused to let it in; empty if it said nothing."""
        self._refused = ""
        """The same, of the attempt to connect that is under way."""
        self._was_connected = self._leaving = False
        self._dropped_by: LossCause | None = None
        """Who has broken off the connection that there is; None if nobody on our side has."""
        self._lost_by = LossCause.BACKEND
        """Who ended the last connection."""
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
        self._rejoining: gevent.Greenlet | None = None
        self._lost_ns = self._answered_ns = 0
        options: dict[str, Any] = {"reconnection": reconnects, **endpoint.backoff.options()}
        if endpoint.parser != "default":
            options["serializer"] = endpoint.parser
        make = SocketIOClient if packet_log is None else partial(LoggingSocketIOClient, packet_log)
        self.socket = make(
            # An address of this machine's network need not lead to a relay on its loopback interface.
            source_address if endpoint.connect_to is None else None,
            endpoint.ssl_context(),
            instance_header=endpoint.instance_header,
            connect_to=endpoint.connect_to,
            **options,
        )
        watcher.attach(self.socket)
        self.inbox = Inbox(self.socket)
        self.socket.on("connect", self._on_connect)
        self.socket.on("connect_error", self._on_connect_error)
        self.socket.on("disconnect", self._on_disconnect)

    @property
    def connected(self) -> bool:
        """Whether it is connected now."""
        return bool(self.socket.connected)

    @property
    def max_payload(self) -> int:
        """Bytes of the largest message that the backend takes: as it announced, else its contract's."""
        return self.socket.eio.max_payload or contract.MAX_PAYLOAD_BYTES

    def connect(self, timeout_s: float | None = None) -> float:
        """Connect and authenticate; return how long the network and the backend took, in milliseconds.

        :raises ConnectFailedError: if it cannot.
        """
        started_ns = time.time_ns()
        self.refusal = self._refused = ""
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
            reason = self._refused or str(error)
            if self._was_connected:
                self._on_reconnect(started_ns, reason)
            else:
                self._watcher.connect_failed(started_ns, time.time_ns(), reason)
            raise ConnectFailedError(reason) from error
        phases_ns = self.socket.eio.phases_ns
        if self._was_connected:
            self._on_reconnect(started_ns, "")
        else:
            self._was_connected = True
            self._watcher.connected(started_ns, self._answered_ns, phases_ns)
        return sum(phases_ns.values()) / 1e6

    def disconnect(self) -> None:
        """Disconnect for good; what was joined is forgotten."""
        if self._leaving:
            return
        self._leaving = True
        self._stop_rejoining()
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
        self.joined_again, self._back = False, None
        # A connection that has ended already, or is being made, is not ours to end: its loss has another cause.
        if self.connected and not self.socket.eio.end_reason:
            self._dropped_by = LossCause.USER if wanted else LossCause.LOAD_TEST
            self.socket.eio.break_off("dropped by the load test")

    def wait_until_back(self, timeout_s: float | None = None) -> bool:
        """Wait until it is in its rooms again, after a lost connection; whether it is in time."""
        if self.joined_again:
            return True
        if self._back is None or self._back.is_set():
            self._back = Event()
        return self._back.wait(self.patience(timeout_s))

    def join(self, project_id: str, timeout_s: float | None = None) -> float:
        """Join a room: see `Client`."""
        raise NotImplementedError

    # What happens behind

    def _on_connect(self) -> None:
        self._answered_ns = self.socket.eio.answered_ns
        if self.socket.eio.recovery.pid:
            self.socket.on_recovered = self._on_recovered

    def _on_recovered(self) -> None:
        """In the hub: what follows is live again."""
        self._watcher.recovered(time.time_ns())

    def _on_connect_error(self, *data: Any) -> None:
        # python-socketio spreads a list over its arguments, and a backend may say anything.
        self.refusal = self._refused = said(*data[:1])

    def _on_disconnect(self, reason: str = "") -> None:
        thrown_out = reason == self.socket.reason.SERVER_DISCONNECT
        dropped_by, self._dropped_by = self._dropped_by, None
        self._lost_by = LossCause.BACKEND if thrown_out or dropped_by is None else dropped_by
        self.end_reason = reason if thrown_out else self.socket.eio.end_reason or reason
        self.joined_again = False
        self._lost_ns = time.time_ns()
        self._stop_rejoining()
        if self._ended is not None:
            self._ended.set()
        if not self._leaving:
            # Only who has lost a connection makes one again: most clients never need this.
            self.socket.on_reconnect = self._on_reconnect
            self._watcher.lost(self._lost_ns, self.end_reason, self._lost_by)

    def _on_reconnect(self, started_ns: int, failure: str) -> None:
        """An attempt to connect again is over.

        :param failure: empty if it succeeded.
        """
        now_ns = time.time_ns()
        reason, self._refused = self._refused or failure, ""
        if self._leaving:
            return
        recovered = self.socket.recovered
        if not failure:
            if not recovered:
                self._watcher.resumed(started_ns, self._answered_ns)
            self._rejoining = gevent.spawn(self._rejoin, [] if recovered else list(self.rooms))
        elif recovered:
            # It was back in its rooms by the backend's answer, and is lost again.
            by_user = self._lost_by is LossCause.USER
            self._watcher.lost(now_ns, reason, LossCause.USER if by_user else LossCause.BACKEND)
        else:
            self._watcher.reconnect_failed(started_ns, now_ns, reason)

    def _rejoin(self, rooms: list[str]) -> None:
        """A reconnect does not rejoin: the backend knows nothing of the old connection, unless it recovered it."""
        whole = True
        for project_id in rooms:
            try:
                self.join(project_id)
            except FAILURES:
                whole = False  # the watcher knows why
        self.joined_again = whole
        if whole:
            if self._back is not None:
                self._back.set()
            self._watcher.returned(self._lost_ns, time.time_ns())

    def _stop_rejoining(self) -> None:
        """A join whose connection is gone is not answered any more, and neither failed nor refused."""
        if self._rejoining is not None:
            self._rejoining.kill(block=False)
            self._rejoining = None


def _hidden(token: Token | Callable[[], Token], packet_log: PacketLog) -> Callable[[], Token]:
    """Return what gives the same token, and keeps it out of the log."""

    def ask() -> Token:
        now = token() if callable(token) else token
        packet_log.hide(now)
        return now

    return ask
