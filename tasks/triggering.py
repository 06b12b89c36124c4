"""Triggers: tasks that carry a trace, created over REST, each entered into the accounts."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Final

from loadtest.backends.guard import UNREAD, AdapterError, error_of
from loadtest.backends.rest import Answer, UnreachableError
from loadtest.errors import Fault
from loadtest.measurement import names, trace
from loadtest.measurement.one_line import shorten
from loadtest.measurement.triggers import Outcome, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.tasks.context import RunContext
    from loadtest.tasks.sources import Source

_DONE: Final = (200, 201, 202, 204)
_REST_S: Final = 1.0
"""How long after an answer the next trigger is of another stream, where there are several."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A trigger that is about to leave.

    source: the address that it leaves from. publisher, room: its stream. seq: its number in the stream.
    """

    source: Source
    publisher: int
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


class Streams:
    """Which publisher's stream to a room the next trigger is of.

    It is the first that has nothing on the way, and had its last answer some time ago: a backend may still be at
    work when it has answered. If there is none, it is the one whose last answer is oldest.

    :param publishers: their numbers; the fewer of them are in use, the less has to be counted for each member.
    """

    def __init__(self, publishers: Sequence[int]) -> None:
        self._publishers = publishers
        self._free_s: defaultdict[int, dict[int, float]] = defaultdict(dict)
        """Room -> publisher -> from when its stream is free again, by a clock that only goes forward; infinite
        while something is on the way."""

    def take(self, room: int, now_s: float) -> int:
        """Return the publisher of a trigger that leaves for a room now."""
        free_s = self._free_s[room]
        at_rest = (one for one in self._publishers if free_s.get(one, now_s) <= now_s)
        taken = next(at_rest, None)
        if taken is None:
            taken = min(self._publishers, key=free_s.__getitem__)
        free_s[taken] = math.inf
        return taken

    def give_back(self, room: int, publisher: int, now_s: float) -> None:
        """Take note that a publisher's trigger was answered, or given up."""
        self._free_s[room][publisher] = now_s + _REST_S


class Triggers:
    """The triggers of one publisher, each of which leaves from the next source address.

    :param publisher: the number that they carry.
    :param more: further numbers, for triggers that are sent at once. The backend may serve those in any order, so
        each gets a stream of its own: one that has nothing on the way. Without further numbers, all triggers of
        a room are one stream, in the order in which they were sent.
    """

    def __init__(self, context: RunContext, publisher: int, *more: int) -> None:
        self.endpoint = endpoint = context.plan.endpoint_of(publisher)
        self._context = context
        self._streams = Streams((publisher, *more))
        self._sources = context.sources(endpoint.host)
        self._instance_header = endpoint.instance_header
        self._adapter = endpoint.adapter
        self.name = self._adapter.trigger_name
        """Of a trigger in Locust's statistics."""
        self._next_seq: Counter[tuple[int, int]] = Counter()
        """(publisher, room) -> the number of its next trigger."""
        self.in_flight = 0

    def take(self, room: int, late_s: float = 0.0) -> Ticket | None:
        """Take the next number of a stream to a room for a trigger that leaves at once.

        :param late_s: how long ago it was due.
        :returns: the ticket; None if the backend has asked for quiet on every source address.
        """
        source = self._sources.take(time.monotonic())
        if source is None:
            return None
        publisher = self._streams.take(room, time.monotonic())
        seq = self._next_seq[publisher, room]
        self._next_seq[publisher, room] += 1
        sent_ns = time.time_ns()
        # The wall clock may be slewed meanwhile: only the last moment is told by it, not the way to it.
        due_ns = sent_ns - round(late_s * 1e9)
        self._context.meter.trigger_sent(publisher, room, seq, sent_ns)
        self.in_flight += 1
        token = trace.encode(trace.Trace(self._context.plan.run, room, publisher, seq, due_ns))
        return Ticket(source, publisher, room, seq, due_ns, sent_ns, f"{trace.LEAD}{token}")

    def send(self, ticket: Ticket) -> Sent:
        """Send it, and enter its outcome."""
        where = self._context.plan.rooms[ticket.room]
        started_s = time.perf_counter()
        answer = None
        key = ""
        try:
            client = self._context.rest(self.endpoint, ticket.source.address)
            call = self._adapter.trigger(where, ticket.title)
            token = self._context.tokens[ticket.room]
            answer = client.send(call.method, call.path, token, call.body)
        except AdapterError as error:
            outcome, failure = Outcome.UNSENT, self._note(error)
            self._context.meter.counters["unmade"] += 1
        except (ValueError, TypeError, HTTPException) as error:
            # There is no such request: nothing left.
            told = error_of(self._adapter.name, "trigger", error, call)
            outcome, failure = Outcome.UNSENT, self._note(told)
            self._context.meter.counters["unmade"] += 1
        except Fault as error:
            # Of the adapter's own: nothing left.
            outcome, failure = Outcome.UNSENT, str(error)
            self._context.meter.counters["unmade"] += 1
        except UnreachableError as error:
            outcome, failure = Outcome.FAILED if error.asked else Outcome.UNSENT, str(error)
        answer_ms = (time.perf_counter() - started_s) * 1000
        if answer is not None and answer.took_ms is not None:
            answer_ms = answer.took_ms
        if answer is not None:
            ticket.source.budget.address = client.local_address
            outcome, key, failure = self._judge(answer, ticket.source)
        origin = "" if answer is None else answer.header(self._instance_header)
        times_ns = (ticket.due_ns, ticket.sent_ns)
        trigger = Trigger(ticket.room, ticket.publisher, ticket.seq, *times_ns, outcome, key, origin)
        self._context.meter.trigger_answered(trigger, answer_ms if answer is not None else None)
        self.in_flight -= 1
        self._streams.give_back(ticket.room, ticket.publisher, time.monotonic())
        return Sent(outcome, failure, answer_ms, key)

    def _judge(self, answer: Answer, source: Source) -> tuple[Outcome, str, str]:
        """Its outcome, its key, and what went wrong."""
        if answer.status in _DONE:
            source.budget.accepted += 1
            # If the answer cannot be read, the broadcasts are expected; those without a trace cannot be matched.
            try:
                return Outcome.ACCEPTED, names.sound(self._adapter.key_of(answer.body)), ""
            except UNREAD as error:
                told = error_of(self._adapter.name, "key_of", error, answer.body)
                self._context.meter.answer_unread(told.kind, told.what)
                why = shorten(error)
            except AdapterError as error:
                why = self._note(error)
            return Outcome.FAILED, "", f"{answer.status}, with an answer that cannot be read: {why}"
        failure = f"{answer.status}: {answer.message}"
        if answer.status >= 500:
            return Outcome.FAILED, "", failure
        if answer.status == 429:
            source.budget.refuse(time.monotonic() + answer.retry_after_s, answer.asked_quiet_s)
            self._context.meter.counters["throttled"] += 1
        return Outcome.REFUSED, "", failure

    def _note(self, error: AdapterError) -> str:
        return self._context.meter.adapter_failed(error.kind, error.what)
