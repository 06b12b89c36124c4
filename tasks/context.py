"""What a user needs of the run it is part of: the plan, the meter, and whether to publish."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import gevent
from gevent.event import Event
from locust.exception import StopUser

from loadtest.backends.rest import RestClient
from loadtest.clients.debug_clients import DebugClients
from loadtest.tasks import missing_run
from loadtest.tasks.arrivals import Arrivals
from loadtest.tasks.sources import Sources
from loadtest.tasks.triggering import Triggers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from locust.env import Environment

    from loadtest.backends.connections import Resolver
    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.plan import Plan
    from loadtest.clients.client import Client
    from loadtest.measurement.meter import Meter

_CONNECTIONS: Final = 1024
"""Maximum REST connections kept open over all source addresses; further ones are closed after their answer."""
_LEAST_CONNECTIONS: Final = 8
"""Maximum for one source address, if there are many addresses."""


@dataclass(slots=True)
class RunContext:
    """One run in one process.

    publishing: set when publishers may begin. closing: set when they have to end, and no play may begin. over:
    set when everything is counted and the users may go. rooms: project id -> its number in the plan. tokens: of
    the rooms' owners, those that are good now. rate_per_s: of the triggers, now. playing: plays, connects and
    joins that are under way.
    """

    plan: Plan
    meter: Meter
    resolver: Resolver | None = None
    """Resolver of the backend's host name, for REST; None for the first address that works."""
    publishing: Event = field(default_factory=Event)
    closing: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)
    rooms: dict[str, int] = field(init=False)
    tokens: list[str] = field(init=False)
    rate_per_s: float = field(init=False)
    rate_changed: Event = field(default_factory=Event)
    """Set when publishers have to look again: at the rate, or whether the run closes."""
    clients: set[Client] = field(default_factory=set)
    """Those of the users that hold one connection for as long as they live."""
    playing: int = 0
    on_overload: Callable[[], object] = lambda: None
    """Is called when a scenario begins to overload the backend on purpose, before it does."""
    arrivals: Arrivals = field(init=False)
    debug_clients: DebugClients = field(init=False)
    """Which of this process's clients log their packets."""
    _numbers: Counter[str] = field(default_factory=Counter)
    _sources: dict[str, Sources] = field(default_factory=dict)
    _clients: dict[tuple[str, str | None], RestClient] = field(default_factory=dict)
    _scenario_triggers: Triggers | None = None

    def __post_init__(self) -> None:
        self.rooms = {room.project_id: number for number, room in enumerate(self.plan.rooms)}
        self.tokens = [room.token for room in self.plan.rooms]
        self.rate_per_s = self.plan.rate_per_s
        self.debug_clients = DebugClients(self.plan.debug_clients)
        self.arrivals = Arrivals(self.plan.spawn_rate_per_s / self.plan.workers)

    def number(self, kind: str) -> int:
        """A number from 0 for a new user of a kind in this process."""
        self._numbers[kind] += 1
        return self._numbers[kind] - 1

    def user_number(self) -> int:
        """Return a number that a Locust user keeps for all its clients, so that it counts as one member."""
        return self.number("member")

    def close(self) -> None:
        """Publishers end."""
        self.closing.set()
        self.rate_changed.set()

    def change_rate(self, rate_per_s: float) -> None:
        """Publishers go on at another rate, from now."""
        changed, self.rate_changed = self.rate_changed, Event()
        self.rate_per_s = rate_per_s
        if self.closing.is_set():
            self.rate_changed.set()
        changed.set()

    def triggers(self) -> Triggers:
        """Return the triggers of the scenarios; those that are sent at once are of different streams."""
        if self._scenario_triggers is None:
            self._scenario_triggers = Triggers(self, *self.plan.scenarios_publishers())
        return self._scenario_triggers

    def sources(self, host: str) -> Sources:
        """Return the source addresses of this process's triggers to one instance of the backend.

        :param host: the instance's URL.
        """
        if host not in self._sources:
            plan = self.plan
            sources = self._sources[host] = Sources(host, plan.source_addresses, plan.worker, plan.workers)
            self.meter.budgets += sources.budgets
        return self._sources[host]

    def rest(self, endpoint: Endpoint, address: str | None) -> RestClient:
        """Return the REST client of one source address; it opens a connection when one is needed.

        :param address: a local address; None for the system's choice.
        """
        key = (endpoint.host, address)
        if key not in self._clients:
            connections = max(_CONNECTIONS // max(len(self.plan.source_addresses), 1), _LEAST_CONNECTIONS)
            trust = endpoint.ssl_context()
            self._clients[key] = RestClient(endpoint.host, address, connections, trust, self.resolver)
        return self._clients[key]

    def end(self) -> None:
        """Let the users go, and close the REST connections."""
        self.over.set()
        for client in self._clients.values():
            client.close()

    @contextmanager
    def play(self) -> Iterator[None]:
        """While something is played, or an answer is waited for, the run does not count yet."""
        self.playing += 1
        try:
            yield
        finally:
            self.playing -= 1

    @contextmanager
    def overload(self, scenario: str) -> Iterator[None]:
        """While a scenario overloads the backend on purpose: what is delivered meanwhile is timed apart."""
        self.meter.overloads.begin(scenario)
        self.on_overload()
        try:
            yield
        finally:
            self.meter.overloads.end(scenario)


_contexts: WeakKeyDictionary[Environment, RunContext] = WeakKeyDictionary()


def install(environment: Environment, context: RunContext) -> None:
    """Make a run the current one of a Locust environment."""
    _contexts[environment] = context


def context_of(environment: Environment) -> RunContext | None:
    """The current run of a Locust environment, or the last one; None if there was none."""
    return _contexts.get(environment)


def current_context(environment: Environment) -> RunContext:
    """Return the current run of a Locust environment.

    :raises GreenletExit: if there is none: ends the user. For StopUser, Locust would show a traceback.
    :raises StopUser: the same where the caller has no greenlet of its own.
    """
    context = context_of(environment)
    if context is None:
        missing_run.end_test(environment)
        raise gevent.GreenletExit if isinstance(gevent.getcurrent(), gevent.Greenlet) else StopUser
    return context
