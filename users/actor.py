"""The base of all users that play scenarios: it gives them the run's backend, rooms, clients and accounts."""

from __future__ import annotations

import time
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from locust import User

from loadtest.backends.rest import UnreachableError
from loadtest.clients.errors import NoAnswerError
from loadtest.clients.helper import Helper
from loadtest.clients.reporting import report_act
from loadtest.measurement.triggers import Outcome
from loadtest.scenarios import findings
from loadtest.scenarios.capabilities import Capabilities
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.hearing import Task
from loadtest.tasks.context import current_context
from loadtest.users.accounting import AccountWatcher

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from loadtest.backends.rest import Answer
    from loadtest.scenarios.scenario import Scenario

_PLAY = "PLAY"


class Actor(User):
    """See the module. Implements `scenarios.company.Company`; its clients are measured like everybody's."""

    abstract = True

    def on_start(self) -> None:
        """Take part in the run."""
        self.run_context = current_context(self.environment)
        plan = self.run_context.plan
        number = self.run_context.number("actor")
        self.random = Random(f"{plan.run}/{type(self).__name__}/{plan.worker}/{number}")  # noqa: S311 - repeatable
        self.endpoint = plan.endpoint
        self.rooms = plan.rooms
        self.cast = plan.cast
        self.capabilities = Capabilities.from_message(plan.cast.capabilities)
        self.patience_s = plan.cast.patience_s
        self.session_s = plan.cast.session_s
        self._source = plan.source_of(number)
        self._user_number = self.run_context.user_number()
        self._failed = ""

    def play(self, scenario: Scenario) -> None:
        """Play it once, and tell Locust's own statistics how long that took, and what failed first."""
        if not scenario.held_to(self.capabilities):
            return
        self._failed = ""
        started_s = time.perf_counter()
        scenario.play(self)
        took_ms = (time.perf_counter() - started_s) * 1000
        report_act(self.environment, _PLAY, scenario.name, took_ms, self._failed)

    def helper(self) -> Helper:
        """Clients whose accounts are kept."""
        return Helper(
            self.endpoint,
            lambda: AccountWatcher(self.environment, self.run_context, self._user_number),
            lambda: self._source,
            self.patience_s,
            lambda: self.run_context.debug_clients.log_for(type(self).__name__),
        )

    def token(self, room: int) -> str:
        """The token of a room's owner that is good now."""
        return self.run_context.tokens[room]

    def choose_room(self) -> int:
        """By the run's topology, another one for each play."""
        return self.run_context.plan.room_of(self.run_context.number("play"))

    def create_task(self, room: int) -> Task:
        """A trigger like those of the publishers: what it makes the backend broadcast is accounted for."""
        triggers = self.run_context.triggers()
        ticket = triggers.take(room)
        if ticket is None:
            raise SkipError("HTTP is throttled: raise the backend's limit, or give --source-addresses")
        self.run_context.meter.trigger_due()
        sent = triggers.send(ticket)
        report_act(self.environment, "POST", triggers.name, sent.answer_ms, sent.failure)
        if sent.outcome is Outcome.REFUSED:
            raise SkipError(f"a task could not be made: {sent.failure}")
        if sent.outcome is not Outcome.ACCEPTED:
            raise NoAnswerError(f"a task could not be made: {sent.failure}")
        return Task(sent.key, ticket.title, replace(self.rooms[room], token=self.token(room)))

    def request(self, method: str, path: str, token: str | None = None, body: Any = None) -> Answer:
        """A REST call that is part of a scenario."""
        try:
            client = self.run_context.rest(self.run_context.triggers().endpoint, self._source)
            answer = client.send(method, path, token, body)
        except UnreachableError as error:
            raise NoAnswerError(f"{method} {path} was not answered: {error}") from error
        if answer.status == 429:
            raise SkipError("HTTP is throttled: raise the backend's limit, or give --source-addresses")
        return answer

    def is_ending(self) -> bool:
        """As soon as publishers are told to end."""
        return self.run_context.closing.is_set()

    def overload(self, scenario: str) -> AbstractContextManager[None]:
        """What is delivered meanwhile is timed apart."""
        return self.run_context.overload(scenario)

    def answered(self, question: str, took_ms: float) -> None:
        """Into the record, and into Locust's own statistics."""
        self.run_context.meter.answered(question, took_ms)
        report_act(self.environment, "WS", question, took_ms)

    def find(self, name: str, evidence: str) -> None:
        """Into the record."""
        self.run_context.meter.checks.count(findings.SCENARIO, name, passed=False, evidence=evidence)

    def check(self, scenario: str, check: str, passed: bool | None, evidence: str, hint: str = "") -> None:
        """Into the record."""
        self.run_context.meter.checks.count(scenario, check, passed, evidence, hint)
        if passed is False:
            self._failed = self._failed or f"{check}: {evidence}"
