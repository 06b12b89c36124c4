"""Listening: many dashboards that sit in their projects' rooms, receive, and never act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from gevent.pool import Group
from locust import TaskSet, task
from locust.exception import StopUser

from loadtest.tasks.always import always

if TYPE_CHECKING:
    from loadtest.tasks.context import RunContext


class ListeningUser(Protocol):
    """What a user needs in order to hold listeners."""

    run_context: RunContext

    def seat(self) -> None:
        """Connect one more listener and have it join its rooms; what fails is counted."""
        ...


class Listening(TaskSet):
    """Seats the listeners one by one at the run's pace, and stays until the run is over.

    Its user is a `ListeningUser`. Connecting takes a greenlet as long as it lasts; listening takes none.
    """

    def on_start(self) -> None:
        """Say how many will come."""
        self._audience = cast("ListeningUser", self.user)
        self._context = self._audience.run_context
        self._to_come = self._context.plan.audience_size
        self._context.arrivals.to_come += self._to_come

    def on_stop(self) -> None:
        """Who has not come by now does not come any more."""
        self._context.arrivals.to_come -= self._to_come
        self._to_come = 0

    @always
    @task
    def listen(self) -> None:
        """Seat everybody and wait for the end; what arrives is observed without waking any greenlet."""
        arrivals = self._context.arrivals
        connecting = Group()
        try:
            while self._to_come and not self._context.closing.is_set():
                arrivals.take_next_turn()
                connecting.spawn(self._seat)
                self._to_come -= 1
                arrivals.to_come -= 1
            self.on_stop()
            self._context.over.wait()
        finally:
            connecting.kill()
        raise StopUser

    def _seat(self) -> None:
        with self._context.arrivals.arriving():
            self._audience.seat()
