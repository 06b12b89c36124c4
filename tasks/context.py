"""What a user needs of the run it is part of: the plan, the meter, and whether to publish."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from gevent.event import Event
from locust.exception import StopUser

from faults import Owner

if TYPE_CHECKING:
    from locust.env import Environment

    from backend.plan import Plan
    from measure.meter import Meter

logger = logging.getLogger("loadtest")


@dataclass(slots=True)
class RunContext:
    """One run in one process.

    publishing: set when publishers may begin. closing: set when they have to end. over: set when everything is
    counted and the users may go. throttled_until_s: source address -> monotonic time until which a 429 asked for
    quiet. rooms: project id -> its number in the plan.
    """

    plan: Plan
    meter: Meter
    publishing: Event = field(default_factory=Event)
    closing: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)
    throttled_until_s: dict[str | None, float] = field(default_factory=dict)
    rooms: dict[str, int] = field(init=False)
    _numbers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rooms = {room.project_id: number for number, room in enumerate(self.plan.rooms)}

    def number(self, kind: str) -> int:
        """A number from 0 for a new user of a kind in this process."""
        self._numbers[kind] += 1
        return self._numbers[kind] - 1


_contexts: WeakKeyDictionary[Environment, RunContext] = WeakKeyDictionary()


def install(environment: Environment, context: RunContext) -> None:
    """Make a run the current one of a Locust environment."""
    _contexts[environment] = context


def current_context(environment: Environment) -> RunContext:
    """The current run of a Locust environment.

    :raises StopUser: if there is none: ends the user.
    """
    context = _contexts.get(environment)
    if context is None:
        logger.error("A user was started before the master's plan came; it is stopped (fault of %s).", Owner.OURS)
        raise StopUser
    return context
