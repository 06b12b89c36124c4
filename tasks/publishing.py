"""Publishing: tasks are created at a fixed rate, each of which makes the backend broadcast a burst."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Protocol, cast

import gevent
from locust import TaskSet, task
from locust.exception import StopUser

from backend import contract
from backend.rest import Answer, RestClient, UnreachableError
from measure import trace
from measure.triggers import Outcome, Trigger

from . import schedule

if TYPE_CHECKING:
    from .context import RunContext

_MAX_IN_FLIGHT = 1024
"""Triggers that one publisher may have on the way: enough for a backend that stands still for seconds to be met
with what was due meanwhile, which would otherwise be missed sends."""
_NAME = "/v1/projects/:id/tasks"


class PublishingUser(Protocol):
    """What a user needs in order to publish."""

    run_context: RunContext

    def report(self, name: str, duration_ms: float, failure: str = "") -> None:
        """Tell Locust of one trigger."""
        ...


class Publishing(TaskSet):
    """Walks over all rooms at its share of the run's rate. Its user is a `PublishingUser`."""

    def on_start(self) -> None:
        """Take a number, a source address and a connection pool."""
        self._sender = cast("PublishingUser", self.user)
        self._context = self._sender.run_context
        plan = self._context.plan
        local = self._context.number("publisher")
        self._publisher = plan.publisher_number(local)
        self._index = local * plan.workers + plan.worker
        self._address = plan.source_of(local)
        self._client = RestClient(plan.endpoint.host, self._address, _MAX_IN_FLIGHT, plan.endpoint.ssl_context())
        self._next_seq = [0] * len(plan.rooms)
        self._in_flight = 0

    def on_stop(self) -> None:
        """Close the connections."""
        self._client.close()

    @task
    def publish(self) -> None:
        """Follow the schedule until the run closes."""
        context = self._context
        plan = context.plan
        share = schedule.Share(plan.rate_per_s, plan.publishers, self._index, plan.ramp_s)
        random = Random(f"{plan.run}/{self._publisher}")  # noqa: S311 - repeatable, and nobody's secret
        context.publishing.wait()
        started_s = time.monotonic()
        for number, due_s in enumerate(share.due_s(plan.arrivals, random.expovariate)):
            wait_s = started_s + due_s - time.monotonic()
            if context.closing.is_set() or (wait_s > 0 and context.closing.wait(wait_s)):
                break
            room = (self._index + number) % len(plan.rooms)
            self._trigger(room, started_s + due_s)
        context.over.wait()
        raise StopUser

    def _trigger(self, room: int, due_s: float) -> None:
        context = self._context
        context.meter.trigger_due()
        late_s = time.monotonic() - due_s
        throttled = context.throttled_until_s.get(self._address, 0.0) > time.monotonic()
        if late_s > schedule.LATEST_S or throttled or self._in_flight >= _MAX_IN_FLIGHT:
            context.meter.trigger_missed()
            return
        seq = self._next_seq[room]
        self._next_seq[room] += 1
        sent_ns = time.time_ns()
        context.meter.trigger_sent(self._publisher, room, seq, sent_ns)
        self._in_flight += 1
        # The wall clock may be slewed meanwhile: only the last moment is told by it, not the way to it.
        gevent.spawn(self._send, room, seq, sent_ns - round(late_s * 1e9), sent_ns)

    def _send(self, room: int, seq: int, due_ns: int, sent_ns: int) -> None:
        plan = self._context.plan
        where = plan.rooms[room]
        token = trace.encode(trace.Trace(plan.run, room, self._publisher, seq, due_ns))
        body = {
            "title": f"Load test {token}",
            "description": "made by a load test",
            "agentId": where.agent_id,
        }
        started_s = time.perf_counter()
        failure = ""
        answer = None
        asked = True
        try:
            answer = self._client.send("POST", contract.tasks_path(where.project_id), where.token, body)
            failure = "" if answer.status == 201 else f"{answer.status}: {answer.message}"
        except UnreachableError as error:
            failure = str(error)
            asked = error.asked
        answer_ms = (time.perf_counter() - started_s) * 1000
        outcome, key = self._outcome(answer) if asked else (Outcome.UNSENT, "")
        trigger = Trigger(room, self._publisher, seq, due_ns, sent_ns, outcome, key)
        self._context.meter.trigger_answered(trigger, answer_ms if answer is not None else None)
        self._in_flight -= 1
        self._sender.report(_NAME, answer_ms, failure)

    def _outcome(self, answer: Answer | None) -> tuple[Outcome, str]:
        if answer is None or answer.status >= 500:
            return Outcome.FAILED, ""
        if answer.status == 201:
            return Outcome.ACCEPTED, str(answer.body["id"])
        if answer.status == 429:
            quiet_until_s = time.monotonic() + answer.retry_after_s
            self._context.throttled_until_s[self._address] = quiet_until_s
        return Outcome.REFUSED, ""
