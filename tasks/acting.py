"""Acting: a user plays the scenarios of its role, one after the other, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from locust import SequentialTaskSet
from locust.exception import StopUser

from loadtest.scenarios.catalogue import ROLES, add_role

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from loadtest.scenarios.scenario import Scenario
    from loadtest.tasks.context import RunContext


class ActingUser(Protocol):
    """What a user needs in order to act."""

    run_context: RunContext
    random: Random

    def play(self, scenario: Scenario) -> None:
        """Play it once."""
        ...


class Acting(SequentialTaskSet):
    """Begins when publishers do. Its user is an `ActingUser`."""

    def on_start(self) -> None:
        """Wait until clocks are compared and everybody is there."""
        self._actor = cast("ActingUser", self.user)
        self._actor.run_context.publishing.wait()

    def act(self, scenario: Scenario) -> None:
        """Play one, and think; the user ends with the run."""
        context = self._actor.run_context
        if not context.closing.is_set():
            with context.play():
                self._actor.play(scenario)
        if context.closing.wait(self._actor.random.uniform(*context.plan.cast.think_s)):
            context.over.wait()
            raise StopUser

    def wait(self) -> None:
        """Nothing: thinking ends when the run closes, which Locust's own waiting does not."""


def acting(role: str, *scenarios: Scenario) -> type[Acting]:
    """The task set of a role: a task for each of its scenarios, with its suites and its name as tags.

    :param scenarios: of a role that the catalogue does not have.
    """
    if scenarios:
        add_role(role, scenarios)
    return cast("type[Acting]", type(f"{role}Tasks", (Acting,), {"tasks": [_task(one) for one in ROLES[role]]}))


def _task(scenario: Scenario) -> Callable[[Acting], None]:
    def play(tasks: Acting) -> None:
        tasks.act(scenario)

    play.__name__ = scenario.name
    tagged: Any = play
    tagged.locust_tag_set = set(scenario.tags)
    return play
