"""The audience: many listeners for the price of one Locust user."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from locust import User

from loadtest.clients.errors import FAILURES
from loadtest.tasks.context import current_context
from loadtest.tasks.listening import Listening
from loadtest.users.accounting import watched_client

if TYPE_CHECKING:
    from locust.env import Environment

    from loadtest.clients.client import Client


class Audience(User):
    """Holds `--audience-size` connections, each with an account of its own, and none of them ever acts.

    A viewer's greenlet and Locust's books for it cost about as much memory as its connection; who only listens
    needs neither.
    """

    tasks = [Listening]  # noqa: RUF012 - Locust's way to name them

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._listeners: list[Client] = []

    def on_start(self) -> None:
        """Take part in the run."""
        self.run_context = current_context(self.environment)

    def seat(self) -> None:
        """One more listener, in the rooms of the next viewer."""
        context = self.run_context
        rooms = context.plan.rooms_of(context.number("viewer"))
        token = partial(context.tokens.__getitem__, rooms[0])
        client = watched_client(self.environment, context, type(self).__name__, token)
        self._listeners.append(client)
        # The watcher has counted what fails; a listener that is let in nowhere stays, as a dashboard would.
        with suppress(*FAILURES), context.play():
            client.connect()
            for room in rooms:
                with suppress(*FAILURES):
                    client.join(context.plan.rooms[room].project_id)

    def on_stop(self) -> None:
        """Everybody goes."""
        listeners, self._listeners = self._listeners, []
        for client in listeners:
            self.run_context.clients.discard(client)
            client.disconnect()
