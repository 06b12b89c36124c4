"""`Client.on_any` on both profiles, beside an observer of the load, and with a server that asks for answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gevent
import pytest

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.prometheus import contract
from loadtest.clients.errors import EventTimeoutError
from loadtest.clients.helper import Helper
from loadtest.transport.all_events import AllEvents, AnyEvent, Direction

from ..contract.broadcasts import create_task
from ..support import until
from ..transport.peer import Conversation, Peer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.backends.prometheus.rows import OwnedRoom
    from loadtest.clients.client import Client

    from ..support import Backend

IN, OUT = Direction.IN, Direction.OUT
BROADCASTS = 7


@pytest.fixture
def helper(backend: Backend) -> Iterator[Helper]:
    with Helper(Endpoint(backend.url)) as made:
        yield made


class Observer:
    """Of the load: it takes broadcasts out of the way before anybody decodes them."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        self.seen.append(event)

    def at(self, instance: str) -> Observer:
        return self


def short(heard: list[AnyEvent]) -> list[tuple[Direction, str]]:
    return [(one.direction, one.event) for one in heard]


def until_heard(heard: list[AnyEvent], number: int) -> None:
    until(lambda: len(heard) >= number, 10, 0.01, sleep=gevent.sleep, told=lambda: list(map(str, heard)))


@pytest.mark.parametrize("observed", [False, True])
def test_all_events_are_heard_though_nobody_handles_them(
    helper: Helper, backend: Backend, room: OwnedRoom, observed: bool
) -> None:
    client, other = helper.create(2, backend.token(room))
    observer = Observer()
    if observed:
        client.socket.observe(observer, [contract.AGENT_LOG, contract.TASK_STATUS_UPDATE])
    heard: list[AnyEvent] = []
    client.on_any(heard.append)
    helper.wait_for_connections()
    other.listen(contract.AGENT_LOG, contract.TASK_STATUS_UPDATE)
    helper.join([client, other], room.project_id)
    task = create_task(backend, room, "heard by all")
    until_heard(heard, 2 + BROADCASTS)
    until(lambda: len(other.heard) == BROADCASTS, 10, 0.01, sleep=gevent.sleep)
    assert short(heard[:2]) == [(OUT, contract.JOIN), (IN, contract.JOINED)]
    assert heard[0].arguments == (room.project_id,)
    assert heard[1].arguments[0].endswith(room.project_id)
    assert [(one.event, one.arguments) for one in heard[2:]] == [(one.event, one.arguments) for one in other.heard]
    assert {one.direction for one in heard[2:]} == {IN}
    assert task in {one.arguments[0].get("taskId") for one in heard[2:]}
    times = [one.at_ns for one in heard]
    assert times == sorted(times)
    assert len(observer.seen) == (BROADCASTS if observed else 0)


def test_a_handled_event_is_heard_once_and_first(helper: Helper, backend: Backend, room: OwnedRoom) -> None:
    client = helper.client(backend.token(room))
    client.connect()
    order: list[str] = []
    client.inbox.subscribe(contract.JOINED, lambda *_: order.append("handled"))
    client.on_any(lambda told: order.append(str(told.direction)))
    client.join(room.project_id)
    assert order == ["out", "in", "handled"]


def test_acknowledgements_are_heard(helper: Helper, backend: Backend, room: OwnedRoom) -> None:
    client = helper.client(backend.token(room))
    client.connect()
    heard: list[AnyEvent] = []
    client.on_any(heard.append)
    if backend.profile == "as-built":
        with pytest.raises(EventTimeoutError):
            client.call(contract.JOIN, room.project_id, 0.3)
        assert short(heard) == [(OUT, contract.JOIN), (IN, contract.JOINED)]
        return
    answer = client.call(contract.JOIN, room.project_id, 5)
    until_heard(heard, 3)
    asked, acknowledged = heard[0], next(one for one in heard if one.is_ack)
    assert (asked.direction, asked.event, asked.is_ack) == (OUT, contract.JOIN, False)
    assert (acknowledged.direction, acknowledged.event) == (IN, contract.JOIN)
    assert asked.ack_id == acknowledged.ack_id is not None
    assert acknowledged.arguments == (answer,)
    assert (IN, contract.JOINED) in short(heard)


def test_several_listeners_and_their_ends(helper: Helper, backend: Backend, room: OwnedRoom) -> None:
    client = helper.client(backend.token(room))
    client.socket.observe(Observer(), [contract.AGENT_LOG])
    client.connect()
    first: list[AnyEvent] = []
    second: list[AnyEvent] = []

    def fails(told: AnyEvent) -> None:
        raise ValueError(told)

    ends = [client.on_any(first.append), client.on_any(fails), client.on_any(second.append)]
    client.join(room.project_id)
    assert len(first) == len(second) == 2
    ends[0]()
    client.emit(contract.JOIN, room.project_id)
    until_heard(second, 4)
    assert len(first) == 2
    assert client.socket.eio.handled == {contract.AGENT_LOG}
    for end in (ends[1], ends[2], ends[2]):
        end()
    # Nobody listens: what the load observes goes its short way again.
    assert client.socket.eio.handled == frozenset()
    client.join(room.project_id)
    assert len(second) == 4


def asks(conversation: Conversation) -> None:
    """A server that sends binary data and events of two kinds, wants one acknowledged, and hears the answer."""
    conversation.open()
    conversation.text('42["nobody handles this",1,{"a":[null,"ß"]}]')
    conversation.text('4217["question",2]')
    frames = conversation.frames()
    assert next(frames) == '4317["answer"]'
    conversation.text('430["late"]')
    next(frames)


def peer_client(url: str, helper: Helper) -> Client:
    client = helper.client(endpoint=Endpoint(url))
    client.socket.on("question", lambda number: "answer")
    return client


def test_a_server_that_wants_to_be_acknowledged() -> None:
    heard: list[AnyEvent] = []
    with Peer(asks) as peer, Helper(Endpoint(peer.url)) as helper:
        client = peer_client(peer.url, helper)
        client.on_any(heard.append)
        client.connect()
        until_heard(heard, 4)
    assert [str(one) for one in heard] == [
        "<- nobody handles this(1, {'a': [None, 'ß']})",
        "<- question(2) wants ack 17",
        "-> ack 17 of question('answer')",
        "<- ack 0 of ('late')",
    ]


def event(kind: int, data: Any, ack_id: int | None = None, namespace: str = "/") -> Any:
    class Packet:
        packet_type, id = kind, ack_id

    made: Any = Packet()
    made.data, made.namespace = data, namespace
    return made


def test_acknowledgements_of_two_namespaces_and_directions_are_told_apart() -> None:
    told: list[AnyEvent] = []
    events = AllEvents()
    events.hearers.append(told.append)
    events.sent(event(2, ["a", b"x"], 1), 1)
    events.sent(event(5, ["b"], 1, "/n"), 2)
    events.received(event(2, ["c"], 1), ["c"], 3)
    events.received(event(3, ["of a"], 1), ["of a"], 4)
    events.received(event(6, ["of b"], 1, "/n"), ["of b"], 5)
    events.sent(event(3, [], 1), 6)
    events.received(event(0, {"sid": "x"}), {"sid": "x"}, 7)
    assert [(one.event, one.is_ack, one.namespace, one.at_ns) for one in told] == [
        ("a", False, "/", 1),
        ("b", False, "/n", 2),
        ("c", False, "/", 3),
        ("a", True, "/", 4),
        ("b", True, "/n", 5),
        ("c", True, "/", 6),
    ]
    assert str(told[4]) == "<- /n ack 1 of b('of b')"
    assert len(str(AnyEvent(IN, "large", ("x" * 1000,), 0))) < 250


def test_what_is_never_acknowledged_is_forgotten() -> None:
    events = AllEvents()
    for number in range(3000):
        events.sent(event(2, ["a"], number), number)
    assert len(events._unanswered) <= 1024
