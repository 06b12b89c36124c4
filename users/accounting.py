"""What the load makes of a client's doings: accounts, times, and Locust's own statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clients.client import Client
from clients.reporting import report_act

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from locust.env import Environment

    from clients.credentials import Token
    from tasks.context import RunContext
    from transport.client import SocketIOClient

_CONNECT: Final = "connect"
_JOIN: Final = "join"


class AccountWatcher:
    """One client's account. Implements `clients.watcher.Watcher`; rooms that are not of the plan are nobody's."""

    __slots__ = ("_account", "_away", "_context", "_environment", "_meter", "_socket")
    _socket: SocketIOClient

    def __init__(self, environment: Environment, context: RunContext) -> None:
        self._environment = environment
        self._context = context
        self._meter = context.meter
        self._account = context.meter.open_account()
        self._away = False

    def attach(self, socket: SocketIOClient) -> None:
        """Observe what arrives."""
        self._socket = socket
        events = self._context.plan.endpoint.adapter.reader.events
        socket.observe(self._meter, events, self._account.number)

    def connected(self, started_ns: int, now_ns: int, phases_ns: Mapping[str, int]) -> None:
        """Count a connection."""
        self._account.instance = self._socket.eio.instance
        self._meter.connected(started_ns, now_ns, phases_ns)
        self._report(_CONNECT, started_ns, now_ns)

    def connect_failed(self, started_ns: int, now_ns: int, reason: str) -> None:
        """Count a failure."""
        self._meter.connect_failed(f"connect: {reason}")
        self._report(_CONNECT, started_ns, now_ns, reason)

    def resumed(self, now_ns: int) -> None:
        """There is a connection again."""
        self._account.instance = self._socket.eio.instance
        self._account.resumed(now_ns)
        self._meter.counters["reconnects"] += 1

    def recovered(self, now_ns: int) -> None:
        """There is one again, and all memberships with it."""
        self._account.instance = self._socket.eio.instance
        self._account.recovered(now_ns)
        self._meter.counters["reconnects"] += 1
        self._meter.counters["recovered"] += 1

    def returned(self, lost_ns: int, now_ns: int) -> None:
        """It is where it was, after so long."""
        self._set_away(away=False)
        self._meter.answered("return", (now_ns - lost_ns) / 1e6)
        self._report("return", lost_ns, now_ns)

    def lost(self, now_ns: int, reason: str, *, wanted: bool) -> None:
        """All memberships end; whose fault that is decides on what is owed meanwhile."""
        self._account.disconnected(now_ns, wanted=wanted)
        if wanted:
            self._meter.counters["disconnects"] += 1
        else:
            self._meter.connection_lost(f"connection lost: {reason}")
            self._set_away(away=True)

    def ended(self, now_ns: int, *, connected: bool) -> None:
        """The user went."""
        self._set_away(away=False)
        self._account.ended(now_ns)
        if connected:
            self._meter.counters["disconnects"] += 1

    def joining(self, project_id: str) -> None:
        """From now on a broadcast of this room is no leak."""
        if (room := self._context.rooms.get(project_id)) is not None:
            self._account.joining(room)

    def joined(self, project_id: str, started_ns: int, now_ns: int) -> None:
        """From now on its broadcasts are owed."""
        if (room := self._context.rooms.get(project_id)) is not None:
            self._account.joined(room, now_ns)
        self._meter.join_answered(now_ns - started_ns)
        self._report(_JOIN, started_ns, now_ns)

    def join_failed(self, project_id: str, started_ns: int, now_ns: int, reason: str) -> None:
        """Count a failure, unless it was to be expected."""
        if project_id in self._context.rooms:
            self._meter.join_failed(f"join: {reason}")
            self._report(_JOIN, started_ns, now_ns, reason)

    def leaving(self, project_id: str, now_ns: int) -> None:
        """From now on nothing of this room is owed."""
        if (room := self._context.rooms.get(project_id)) is not None:
            self._account.left(room, now_ns)

    def _set_away(self, *, away: bool) -> None:
        self._meter.counters["away"] += away - self._away
        self._away = away

    def _report(self, name: str, started_ns: int, now_ns: int, failure: str = "") -> None:
        report_act(self._environment, "WS", name, (now_ns - started_ns) / 1e6, failure)


def watched_client(environment: Environment, context: RunContext, token: Token | Callable[[], Token]) -> Client:
    """A new client of the run, that storms reach, and not connected yet.

    :param token: the JWT, or what gives it; None connects as a guest.
    """
    number = context.number("user")
    plan = context.plan
    watcher = AccountWatcher(environment, context)
    client = Client(plan.endpoint_of(number), token, watcher=watcher, source_address=plan.source_of(number))
    context.clients.add(client)
    return client
