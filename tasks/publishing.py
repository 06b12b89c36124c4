"""Publishing: tasks are created at a fixed rate, each of which makes the backend broadcast a burst."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Final, Protocol, cast

import gevent
from locust import TaskSet, task
from locust.exception import StopUser

from loadtest.tasks import schedule
from loadtest.tasks.always import always
from loadtest.tasks.triggering import Triggers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.tasks.context import RunContext
    from loadtest.tasks.triggering import Ticket

_MAX_IN_FLIGHT: Final = 1024
"""Triggers that one publisher may have on the way: enough for a backend that stands still for seconds to be met
with what was due meanwhile, which would otherwise be missed sends."""


class PublishingUser(Protocol):
    """What a user needs in order to publish."""

    run_context: RunContext

    def report(self, name: str, duration_ms: float, failure: str = "") -> None:
        """Tell Locust of one trigger."""
        ...


class Publishing(TaskSet):
    """Walks over all rooms at its share of the run's rate. Its user is a `PublishingUser`."""

    def on_start(self) -> None:
        """Take the publisher's number."""
        self._sender = cast("PublishingUser", self.user)
        self._context = self._sender.run_context
        plan = self._context.plan
        local = self._context.number("publisher")
        self._index = local * plan.workers + plan.worker
        number = plan.publisher_number(local)
        self._random = Random(f"{plan.run}/{number}")  # noqa: S311 - repeatable, and nobody's secret
        self._triggers = Triggers(self._context, number)

    @always
    @task
    def publish(self) -> None:
        """Follow the schedule until the run closes; from the start again at each new rate."""
        context = self._context
        context.publishing.wait()
        number = 0
        while not context.closing.is_set():
            changed = context.rate_changed
            for due_s in self._due_s():
                wait_s = due_s - time.monotonic()
                if changed.is_set() or (wait_s > 0 and changed.wait(wait_s)):
                    break
                self._trigger((self._index + number) % len(context.plan.rooms), due_s)
                number += 1
        context.over.wait()
        raise StopUser

    def _due_s(self) -> Iterator[float]:
        """When each trigger is due, on the monotonic clock, at the rate of now."""
        plan = self._context.plan
        started_s = time.monotonic()
        share = schedule.Share(self._context.rate_per_s, plan.publishers, self._index, plan.ramp_s)
        return (started_s + due_s for due_s in share.due_s(plan.arrivals, self._random.expovariate))

    def _trigger(self, room: int, due_s: float) -> None:
        meter = self._context.meter
        meter.trigger_due()
        late_s = time.monotonic() - due_s
        triggers = self._triggers
        if late_s > schedule.LATEST_S or triggers.in_flight >= _MAX_IN_FLIGHT:
            meter.trigger_missed()
        elif (ticket := triggers.take(room, late_s)) is None:
            meter.trigger_withheld()
        else:
            gevent.spawn(self._send, ticket)

    def _send(self, ticket: Ticket) -> None:
        sent = self._triggers.send(ticket)
        self._sender.report(self._triggers.name, sent.answer_ms, sent.failure)
