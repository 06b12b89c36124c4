"""Triggers: tasks that carry a trace, created over REST, each entered into the accounts."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from backend.rest import Answer, RestClient, UnreachableError
from measure import trace
from measure.triggers import Outcome, Trigger

if TYPE_CHECKING:
    from .context import RunContext

_DONE: Final = (200, 201, 202, 204)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A trigger that is about to leave; its number in the stream is taken."""

    room: int
    seq: int
    due_ns: int
    sent_ns: int
    title: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of it. failure: in one line; empty if there was none. key: as of `Adapter.key_of`."""

    outcome: Outcome
    failure: str
    answer_ms: float
    key: str


class Triggers:
    """The triggers of one publisher, whose number they carry.

    :param address: the local address to leave from; None for the system's choice.
    :param connections: how many connections to the backend are kept open.
    :param next_seq: room -> its stream's next number; shared by those that publish under one number.
    """

    def __init__(
        self,
        context: RunContext,
        publisher: int,
        address: str | None,
        connections: int,
        next_seq: Counter[int] | None = None,
    ) -> None:
        endpoint = context.plan.endpoint_of(publisher)
        self._context = context
        self._publisher = publisher
        self._address = address
        self.client = RestClient(endpoint.host, address, connections, endpoint.ssl_context())
        self._instance_header = endpoint.instance_header
        self._adapter = endpoint.adapter
        self.name = self._adapter.trigger_name
        """Of a trigger in Locust's statistics."""
        self._next_seq: Counter[int] = Counter() if next_seq is None else next_seq
        self.in_flight = 0

    @property
    def throttled(self) -> bool:
        """Whether the backend has asked for quiet on this address, and its time is not over."""
        return self._context.throttled_until_s.get(self._address, 0.0) > time.monotonic()

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def take(self, room: int, late_s: float = 0.0) -> Ticket:
        """Take the next number of a room's stream for a trigger that leaves at once.

        :param late_s: how long ago it was due.
        """
        seq = self._next_seq[room]
        self._next_seq[room] += 1
        sent_ns = time.time_ns()
        # The wall clock may be slewed meanwhile: only the last moment is told by it, not the way to it.
        due_ns = sent_ns - round(late_s * 1e9)
        self._context.meter.trigger_sent(self._publisher, room, seq, sent_ns)
        self.in_flight += 1
        token = trace.encode(trace.Trace(self._context.plan.run, room, self._publisher, seq, due_ns))
        return Ticket(room, seq, due_ns, sent_ns, f"Load test {token}")

    def send(self, ticket: Ticket) -> Sent:
        """Send it, and enter its outcome."""
        where = self._context.plan.rooms[ticket.room]
        call = self._adapter.trigger(where, ticket.title)
        started_s = time.perf_counter()
        answer = None
        key = ""
        try:
            token = self._context.tokens[ticket.room]
            answer = self.client.send(call.method, call.path, token, call.body)
        except UnreachableError as error:
            outcome, failure = Outcome.FAILED if error.asked else Outcome.UNSENT, str(error)
        answer_ms = (time.perf_counter() - started_s) * 1000
        if answer is not None:
            outcome, key, failure = self._judge(answer)
        origin = "" if answer is None else answer.header(self._instance_header)
        times_ns = (ticket.due_ns, ticket.sent_ns)
        trigger = Trigger(ticket.room, self._publisher, ticket.seq, *times_ns, outcome, key, origin)
        self._context.meter.trigger_answered(trigger, answer_ms if answer is not None else None)
        self.in_flight -= 1
        return Sent(outcome, failure, answer_ms, key)

    def _judge(self, answer: Answer) -> tuple[Outcome, str, str]:
        """Its outcome, its key, and what went wrong."""
        if answer.status in _DONE:
            try:
                return Outcome.ACCEPTED, self._adapter.key_of(answer.body), ""
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                # It owes its broadcasts; what has no trace cannot be told to be this trigger's.
                return Outcome.FAILED, "", f"{answer.status}, with an answer that cannot be read: {error!r}"
        failure = f"{answer.status}: {answer.message}"
        if answer.status >= 500:
            return Outcome.FAILED, "", failure
        if answer.status == 429:
            quiet_until_s = time.monotonic() + answer.retry_after_s
            self._context.throttled_until_s[self._address] = quiet_until_s
        return Outcome.REFUSED, "", failure
