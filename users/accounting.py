"""What the load makes of a client's doings: accounts, times, and Locust's own statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtest.clients.client import Client
from loadtest.clients.reporting import report_act
from loadtest.clients.watcher import LossCause

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from locust.env import Environment

    from loadtest.clients.credentials import Token
    from loadtest.tasks.context import RunContext
    from loadtest.transport.client import SocketIOClient

_CONNECT: Final = "connect"
_JOIN: Final = "join"
_RECONNECT: Final = "reconnect"


class AccountWatcher:
    """One client's account. Implements `clients.watcher.Watcher`; rooms that are not of the plan are nobody's.

    :param user: the number of its Locust user, see `RunContext.user_number`; None if each of that
        user's clients stands for a user of its own.

    The counter `away` counts clients that lost their connection and are not back in all their rooms: also one that
    ends before it is back, because the run ends, a shape takes its user away, or its scenario is over. The one
    exception is a client that the load test itself dropped and then took away before any attempt failed.
    """

    __slots__ = ("_account", "_away", "_context", "_environment", "_excused", "_meter", "_socket")
    _socket: SocketIOClient

    def __init__(self, environment: Environment, context: RunContext, user: int | None = None) -> None:
        self._environment = environment
        self._context = context
        self._meter = context.meter
        self._account = context.meter.open_account(user=user)
        self._away = False
        self._excused = False
        """Whether it is away only because the load test dropped it: nothing has failed since."""

    def attach(self, socket: SocketIOClient) -> None:
        """Observe what arrives."""
        self._socket = socket
        events = self._context.plan.endpoint.adapter.reader.events
        socket.observe(self._meter, events, self._account.number)

    def connected(self, started_ns: int, now_ns: int, phases_ns: Mapping[str, int]) -> None:
        """Count a connection."""
        self._account.instance = self._socket.eio.instance
        self._meter.connected(started_ns, now_ns, phases_ns)
        self._report(_CONNECT, 0, sum(phases_ns.values()))

    def connect_failed(self, started_ns: int, now_ns: int, reason: str) -> None:
        """Count a failure."""
        self._meter.connect_failed(f"connect: {reason}")
        self._report(_CONNECT, started_ns, now_ns, reason)

    def reconnect_failed(self, started_ns: int, now_ns: int, reason: str) -> None:
        """Count a failed attempt to come back."""
        self._excused = False
        self._meter.reconnect_failed(f"reconnect: {reason}")
        self._report(_RECONNECT, started_ns, now_ns, reason)

    def resumed(self, started_ns: int, now_ns: int) -> None:
        """There is a connection again."""
        self._account.instance = self._socket.eio.instance
        self._account.resumed(now_ns)
        self._meter.counters["reconnects"] += 1
        self._report(_RECONNECT, started_ns, now_ns)

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

    def lost(self, now_ns: int, reason: str, cause: LossCause) -> None:
        """All memberships end; who ended them decides on what is expected meanwhile."""
        by_user, dropped = cause is LossCause.USER, cause is LossCause.LOAD_TEST
        self._account.disconnected(now_ns, wanted=by_user, dropped=dropped)
        if by_user:
            self._meter.counters["disconnects"] += 1
            return
        self._meter.connection_lost(f"connection lost: {reason}", dropped=dropped)
        self._excused = dropped
        self._set_away(away=True)

    def ended(self, now_ns: int, *, connected: bool) -> None:
        """The user went."""
        if self._excused:
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

    def join_failed(self, project_id: str, started_ns: int, now_ns: int, reason: str, *, refused: bool) -> None:
        """Count a failure, unless it was to be expected."""
        if (room := self._context.rooms.get(project_id)) is not None:
            self._excused = False
            self._account.join_failed(room, now_ns, refused=refused)
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


def watched_client(
    environment: Environment,
    context: RunContext,
    user_class: str,
    token: Token | Callable[[], Token],
    user: int | None = None,
) -> Client:
    """A new client of the run, that storms reach, and not connected yet.

    :param user_class: of its user, as the log of packets names it.
    :param token: the JWT, or what gives it; None connects as a guest.
    :param user: see `AccountWatcher`.
    """
    number = context.number("user")
    plan = context.plan
    watcher = AccountWatcher(environment, context, user)
    client = Client(
        plan.endpoint_of(number),
        token,
        watcher=watcher,
        source_address=plan.source_of(number),
        packet_log=context.debug_clients.log_for(user_class),
    )
    context.clients.add(client)
    return client
