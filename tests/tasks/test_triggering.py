"""What becomes of a trigger, by what a real server answers."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.plan import MOST_PUBLISHERS, Plan, Room
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.clocks import worker_of
from loadtest.measurement.meter import Meter
from loadtest.measurement.throttle import ThrottleLimit, limit_of
from loadtest.measurement.triggers import Outcome
from loadtest.tasks.context import RunContext
from loadtest.tasks.triggering import Sent, Streams, Triggers

from ..web_server import answering, web_server

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path


ADAPTER = """
from loadtest.backends.base import Call
from loadtest.backends.prometheus.adapter import Prometheus

class Own(Prometheus):
    def {method}:
        {body}

BACKEND = Own()
"""


def context_at(url: str, *addresses: str) -> RunContext:
    plan = Plan("run-1", "0123abcd", Endpoint(url), (Room("p", "a", "t"),), 1.0, 1, addresses)
    return RunContext(plan, Meter("0123abcd", Reader()))


def send(triggers: Triggers) -> Sent:
    """Send a trigger from an address that may send."""
    ticket = triggers.take(0)
    assert ticket is not None
    return triggers.send(ticket)


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
        triggers = Triggers(context, 0)
        sent = send(triggers)
        context.end()
    assert (sent.outcome, sent.key) == (outcome, "task-1" if outcome is Outcome.ACCEPTED else "")
    assert sent.failure.startswith(failure)
    assert bool(sent.failure) == bool(failure)
    # Nothing stays in flight, whatever it was: a run would wait for it.
    assert (triggers.in_flight, context.meter.in_flight) == (0, 0)
    assert context.meter.counters["sent"] == 1
    assert (triggers.take(0) is None) == (status == 429), "a 429 asks for quiet"


@pytest.mark.parametrize(("address", "outcome"), [(None, Outcome.FAILED), ("203.0.113.1", Outcome.UNSENT)])
def test_what_is_not_answered_failed_unless_it_never_left(address: str | None, outcome: Outcome) -> None:
    context = context_at("http://127.0.0.1:1", *filter(None, [address]))
    triggers = Triggers(context, 0)
    sent = send(triggers)
    assert sent.outcome is outcome
    assert sent.failure
    assert (triggers.in_flight, context.meter.in_flight) == (0, 0)
    assert context.meter.counters["sent"] == (outcome is Outcome.FAILED)


def send_as(
    method: str, body: str, folder: Path, monkeypatch: pytest.MonkeyPatch, times: int = 1
) -> tuple[RunContext, list[Sent]]:
    """Send triggers as an adapter of one's own has them, to a backend that accepts each with another id."""
    name = f"own_{abs(hash((method, body)))}"
    (folder / f"{name}.py").write_text(ADAPTER.format(method=method, body=body), encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    ids = itertools.count()
    with web_server(lambda *_: (201, b'{"id": %d}' % next(ids))) as url:
        endpoint = Endpoint(url, backend=name)
        plan = Plan("run-1", "0123abcd", endpoint, (Room("p", "a", "t"),), 1.0, 1)
        context = RunContext(plan, Meter("0123abcd", Reader(), adapter=name))
        triggers = Triggers(context, 0)
        sent = [send(triggers) for _ in range(times)]
        context.end()
    assert (triggers.in_flight, context.meter.in_flight) == (0, 0)
    return context, sent


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise KeyError('agent')", "`trigger` raised KeyError('agent') for 'Load test ~0123abcd."),
        ("return None", "`trigger` returned None, expected Call("),
        ("return Call('POST', '/x', {1})", "`trigger` returned the body {1}, which is not JSON"),
        ("return Call('PO ST', '/x', {})", "`trigger` raised"),
    ],
)
def test_a_trigger_that_the_adapter_cannot_make_never_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    context, sent = send_as("trigger(self, room, title)", body, tmp_path, monkeypatch, 2)
    assert [one.outcome for one in sent] == [Outcome.UNSENT] * 2
    assert words in sent[0].failure
    assert sent[0].failure == sent[1].failure, "one failure of Locust's, however often"
    assert "\n" not in sent[0].failure
    counters = context.meter.counters
    assert (counters["unmade"], counters["adapter_errors"], counters["sent"]) == (2, 2, 0)
    assert list(context.meter.failures) == [sent[0].failure]


@pytest.mark.parametrize(
    ("body", "words", "counter"),
    [
        ("return answer['id']", "`key_of` returned 0 for {'id': 0}, expected the id as a text", "adapter_errors"),
        ("raise RuntimeError('x')", "`key_of` raised RuntimeError('x') for {'id': 0}", "adapter_errors"),
        ("return answer['data']", "`key_of` raised KeyError('data') for {'id': 0}", "unread_answers"),
    ],
)
def test_an_answer_that_the_adapter_cannot_read_is_told_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str, counter: str
) -> None:
    context, sent = send_as("key_of(self, answer)", body, tmp_path, monkeypatch, 2)
    assert [one.outcome for one in sent] == [Outcome.FAILED] * 2
    assert sent[0].failure == sent[1].failure
    assert "201, with an answer that cannot be read: " in sent[0].failure
    assert context.meter.counters[counter] == 2
    ((line, times),) = context.meter.failures.items()
    assert line.startswith(f"adapter {context.plan.endpoint.backend}: ")
    assert words in line
    assert times == 2


def test_triggers_leave_from_each_address_until_it_is_told_to_be_quiet() -> None:
    """The backend accepts two from each address: six are accepted, and no more leave once all are quiet."""
    came: Counter[str] = Counter()

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes, dict[str, str]]:
        address = request.client_address[0]
        came[address] += 1
        if came[address] <= 2:
            return 201, b'{"id": "%d"}' % came.total(), {}
        return 429, b'{"message": "slow"}', {"Retry-After-auth": "870"}

    addresses = ("127.0.2.1", "127.0.2.2", "127.0.2.3")
    with answering(answer) as url:
        context = context_at(url, *addresses)
        publishers = [Triggers(context, number) for number in range(2)]
        outcomes = []
        while (ticket := publishers[len(outcomes) % 2].take(0)) is not None:
            outcomes.append(publishers[len(outcomes) % 2].send(ticket).outcome)
        context.end()
    assert came == dict.fromkeys(addresses, 3)
    assert outcomes == [Outcome.ACCEPTED] * 6 + [Outcome.REFUSED] * 3
    assert context.meter.counters["throttled"] == 3
    assert limit_of(context.meter.settle().budgets) == ThrottleLimit(2, 870.0, 3)


def test_an_address_of_the_system_s_choice_is_known_by_its_connections() -> None:
    with answering(lambda _: (429, b"{}", {})) as url:
        context = context_at(url)
        send(Triggers(context, 0))
        context.end()
    ((_, address, accepted, refused, quiet_s),) = context.meter.settle().budgets
    assert (address, accepted, refused, quiet_s) == ("127.0.0.1", 0, 1, 0.0)


def test_publishers_share_the_connections_of_an_address() -> None:
    """Eight publishers and two addresses: two connections, not sixteen; all are closed at the end."""
    opened: set[tuple[str, int]] = set()

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes, dict[str, str]]:
        opened.add(request.client_address)
        return 201, b'{"id": "x"}', {}

    with answering(answer, keeps_open=True) as url:
        context = context_at(url, "127.0.2.1", "127.0.2.2")
        for number in range(8):
            publisher = Triggers(context, number)
            for _ in range(2):
                assert send(publisher).outcome is Outcome.ACCEPTED
        context.end()
    assert sorted(address for address, _ in opened) == ["127.0.2.1", "127.0.2.2"]


def test_what_is_sent_at_once_is_of_different_streams() -> None:
    streams = Streams([9, 8, 7])
    assert [streams.take(0, 10.0) for _ in range(3)] == [9, 8, 7]
    assert streams.take(1, 10.0) == 9, "rooms have nothing to do with each other"
    streams.give_back(0, 8, 12.0)
    streams.give_back(0, 9, 13.0)
    assert streams.take(0, 13.0) == 8
    assert streams.take(0, 14.0) == 9


def test_a_stream_is_taken_again_a_while_after_its_answer() -> None:
    """The backend may be at work on it still; so what is sent one after the other is of two streams or three."""
    streams = Streams([9, 8, 7])
    taken = []
    for at_s in (0.0, 0.5, 1.0, 1.5, 2.0):
        taken.append(streams.take(0, at_s))
        streams.give_back(0, taken[-1], at_s + 0.1)
    assert taken == [9, 8, 7, 9, 8]


def test_if_every_stream_is_in_use_the_one_whose_answer_is_oldest_is_taken() -> None:
    streams = Streams([9, 8])
    assert [streams.take(0, 0.0) for _ in range(3)] == [9, 8, 9]
    streams.give_back(0, 8, 0.3)
    streams.give_back(0, 9, 0.2)
    assert streams.take(0, 0.4) == 9
    assert Streams([9]).take(0, 0.0) == 9


def test_streams_of_one_publisher_keep_their_numbers_whatever_is_on_the_way() -> None:
    """Of a publisher with further numbers, each trigger that is sent at once begins a stream of its own."""
    with web_server(lambda *_: (201, b'{"id": "x"}')) as url:
        context = context_at(url)
        for triggers, streams in (
            (Triggers(context, 1), [(1, 0), (1, 1), (1, 2)]),
            (Triggers(context, 9, 8), [(9, 0), (8, 0), (9, 1)]),
            (Triggers(context, 9, 8, 7), [(9, 0), (8, 0), (7, 0)]),
        ):
            first, second = triggers.take(0), triggers.take(0)
            assert first is not None
            assert second is not None
            triggers.send(first)
            triggers.send(second)
            third = triggers.take(0)
            assert third is not None
            assert [(one.publisher, one.seq) for one in (first, second, third)] == streams
            triggers.send(third)
        context.end()


def test_scenarios_publish_under_numbers_that_no_publisher_has() -> None:
    plan = Plan("run-1", "0123abcd", Endpoint("http://h"), (), 1.0, 1, worker=2, workers=3)
    numbers = plan.scenarios_publishers()
    assert len(numbers) == len(set(numbers)) == 96
    assert min(numbers) > plan.publisher_number(MOST_PUBLISHERS - 1)
    assert {worker_of(number) for number in numbers} == {2}
