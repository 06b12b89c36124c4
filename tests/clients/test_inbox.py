from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import gevent
import pytest

from loadtest.clients.errors import EventTimeoutError
from loadtest.clients.inbox import Inbox, first_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.transport.client import SocketIOClient


class Handlers:
    """What the inbox uses of a client: a place to register handlers."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., Any]] = {}
        self.event_received_ns = 0

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        assert event not in self.handlers
        self.handlers[event] = handler


@pytest.fixture
def client() -> Handlers:
    return Handlers()


@pytest.fixture
def inbox(client: Handlers) -> Inbox:
    return Inbox(cast("SocketIOClient", client))


def test_an_event_that_comes_before_anybody_waits_is_kept(client: Handlers, inbox: Inbox) -> None:
    expectation = inbox.expect("pong")
    client.event_received_ns = 77
    client.handlers["pong"](1, 2)
    client.event_received_ns = 99
    client.handlers["pong"](3)
    assert expectation.wait(0) == (1, 2)
    assert expectation.received_ns == 77


def test_only_what_matches_is_taken(client: Handlers, inbox: Inbox) -> None:
    expectation = inbox.expect("joinedRoom", lambda answer: answer.endswith("b"))
    client.handlers["joinedRoom"]("a")
    client.handlers["joinedRoom"]("b")
    assert expectation.wait(0) == ("b",)


def test_two_expectations_of_one_event_are_both_met(client: Handlers, inbox: Inbox) -> None:
    one, two = inbox.expect("pong"), inbox.expect("pong")
    client.handlers["pong"](5)
    assert one.wait(0) == two.wait(0) == (5,)


def test_an_event_that_does_not_come(inbox: Inbox) -> None:
    with pytest.raises(EventTimeoutError, match=r"no pong within 0\.01 s"):
        inbox.expect("pong").wait(0.01)


def test_whoever_forgets_is_not_served(client: Handlers, inbox: Inbox) -> None:
    expectation = inbox.expect("pong")
    inbox.forget(expectation)
    client.handlers["pong"](1)
    assert not expectation.result.ready()


def test_the_first_of_several(client: Handlers, inbox: Inbox) -> None:
    joined, refused = inbox.expect("joinedRoom"), inbox.expect("exception")
    gevent.spawn(client.handlers["exception"], {"message": "no"})
    assert first_of(1, joined, refused) is refused
    assert first_of(0.01, joined) is None
