"""What a user needs of the run it is part of: the plan, the meter, and whether to publish."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from gevent.event import Event
from locust.exception import StopUser

from faults import Owner

from .arrivals import Arrivals
from .triggering import Triggers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from locust.env import Environment

    from backend.plan import Plan
    from clients.client import Client
    from measure.meter import Meter

logger = logging.getLogger("loadtest")

_CONNECTIONS: Final = 32


@dataclass(slots=True)
class RunContext:
    """One run in one process.

    publishing: set when publishers may begin. closing: set when they have to end, and no play may begin. over:
    set when everything is counted and the users may go. throttled_until_s: source address -> monotonic time until
    which a 429 asked for quiet. rooms: project id -> its number in the plan. tokens: of the rooms' owners, those
    that are good now. rate_per_s: of the triggers, now. playing: plays that are under way.
    """

    plan: Plan
    meter: Meter
    publishing: Event = field(default_factory=Event)
    closing: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)
    throttled_until_s: dict[str | None, float] = field(default_factory=dict)
    rooms: dict[str, int] = field(init=False)
    tokens: list[str] = field(init=False)
    rate_per_s: float = field(init=False)
    rate_changed: Event = field(default_factory=Event)
    """Set when publishers have to look again: at the rate, or whether the run closes."""
    clients: set[Client] = field(default_factory=set)
    """Those of the users that hold one connection for as long as they live."""
    playing: int = 0
    arrivals: Arrivals = field(init=False)
    _numbers: Counter[str] = field(default_factory=Counter)
    _triggers: dict[str | None, Triggers] = field(default_factory=dict)
    _seqs: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rooms = {room.project_id: number for number, room in enumerate(self.plan.rooms)}
        self.tokens = [room.token for room in self.plan.rooms]
        self.rate_per_s = self.plan.rate_per_s
        self.arrivals = Arrivals(self.plan.spawn_rate_per_s / self.plan.workers)

    def number(self, kind: str) -> int:
        """A number from 0 for a new user of a kind in this process."""
        self._numbers[kind] += 1
        return self._numbers[kind] - 1

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

    def triggers(self, address: str | None) -> Triggers:
        """Those of the scenarios, which are one publisher, from a source address."""
        if address not in self._triggers:
            number = self.plan.scenarios_publisher()
            self._triggers[address] = Triggers(self, number, address, _CONNECTIONS, self._seqs)
        return self._triggers[address]

    @contextmanager
    def play(self) -> Iterator[None]:
        """While something is played, the run does not count yet."""
        self.playing += 1
        try:
            yield
        finally:
            self.playing -= 1


_contexts: WeakKeyDictionary[Environment, RunContext] = WeakKeyDictionary()


def install(environment: Environment, context: RunContext) -> None:
    """Make a run the current one of a Locust environment."""
    _contexts[environment] = context


def context_of(environment: Environment) -> RunContext | None:
    """The current run of a Locust environment, or the last one; None if there was none."""
    return _contexts.get(environment)


def current_context(environment: Environment) -> RunContext:
    """The current run of a Locust environment.

    :raises StopUser: if there is none: ends the user.
    """
    context = context_of(environment)
    if context is None:
        logger.error("A user was started before the master's plan came; it is stopped (fault of %s).", Owner.OURS)
        raise StopUser
    return context
