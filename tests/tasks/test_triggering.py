"""What becomes of a trigger, by what a real server answers."""

from __future__ import annotations

import pytest

from backend.endpoint import Endpoint
from backend.plan import Plan, Room
from backend.reader import Reader
from measure.meter import Meter
from measure.triggers import Outcome
from tasks.context import RunContext
from tasks.triggering import Triggers

from ..web_server import web_server


def context_at(url: str) -> RunContext:
    return RunContext(
        Plan("run-1", "0123abcd", Endpoint(url), (Room("p", "a", "t"),), 1.0, 1), Meter("0123abcd", Reader())
    )


@pytest.mark.parametrize(
    ("status", "body", "outcome", "failure"),
    [
        (201, b'{"id": "task-1"}', Outcome.ACCEPTED, ""),
        (
            201,
            b'{"data": {"id": "task-1"}}',
            Outcome.FAILED,
            "201, with an answer that cannot be read: KeyError('id')",
        ),
        (200, b"<html>welcome</html>", Outcome.FAILED, "200, with an answer that cannot be read: TypeError("),
        (204, b"", Outcome.FAILED, "204, with an answer that cannot be read: TypeError("),
        (403, b'{"message": "no"}', Outcome.REFUSED, "403: no"),
        (429, b'{"message": "slow"}', Outcome.REFUSED, "429: slow"),
        (302, b"", Outcome.REFUSED, "302: "),
        (500, b'{"message": "oh"}', Outcome.FAILED, "500: oh"),
    ],
)
def test_every_answer_comes_to_an_outcome(status: int, body: bytes, outcome: Outcome, failure: str) -> None:
    with web_server(lambda *_: (status, body)) as url:
        context = context_at(url)
        triggers = Triggers(context, 0, None, 1)
        sent = triggers.send(triggers.take(0))
        triggers.close()
    assert (sent.outcome, sent.key) == (outcome, "task-1" if outcome is Outcome.ACCEPTED else "")
    assert sent.failure.startswith(failure)
    assert bool(sent.failure) == bool(failure)
    # Nothing stays in flight, whatever it was: a run would wait for it.
    assert (triggers.in_flight, context.meter.in_flight) == (0, 0)
    assert context.meter.counters["sent"] == 1
    assert triggers.throttled == (status == 429)


@pytest.mark.parametrize(("address", "outcome"), [(None, Outcome.FAILED), ("203.0.113.1", Outcome.UNSENT)])
def test_what_is_not_answered_failed_unless_it_never_left(address: str | None, outcome: Outcome) -> None:
    context = context_at("http://127.0.0.1:1")
    triggers = Triggers(context, 0, address, 1)
    sent = triggers.send(triggers.take(0))
    assert sent.outcome is outcome
    assert sent.failure
    assert (triggers.in_flight, context.meter.in_flight) == (0, 0)
    assert context.meter.counters["sent"] == (outcome is Outcome.FAILED)
