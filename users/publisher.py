"""The publisher: makes the backend broadcast, at a rate that the backend cannot slow down."""

from __future__ import annotations

from locust import User

from loadtest.clients.reporting import report_act
from loadtest.tasks.context import current_context
from loadtest.tasks.publishing import Publishing


class Publisher(User):
    """Creates tasks over REST. How many publishers share the run's rate is an option; they hold no socket."""

    tasks = [Publishing]  # noqa: RUF012 - Locust's way to name them

    def on_start(self) -> None:
        """Take part in the run."""
        self.run_context = current_context(self.environment)

    def report(self, name: str, duration_ms: float, failure: str = "") -> None:
        """Tell Locust's own statistics of one trigger, with its real duration."""
        report_act(self.environment, "POST", name, duration_ms, failure)
