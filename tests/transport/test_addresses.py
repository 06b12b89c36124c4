"""Tests of connections to a host name with several addresses, with servers that listen on each of them."""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from gevent import get_hub
from gevent.server import StreamServer

from loadtest.backends.rest import RestClient, UnreachableError
from loadtest.transport.dial import DialError, Dialler
from loadtest.transport.resolver import Resolver

from .peer import Conversation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "backend.test"
ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


class Instances:
    """Servers on one port of several addresses, their common name, and the number of connections to each.

    lookups: how often the name was looked up.
    """

    def __init__(self) -> None:
        self.port = 0
        self.came: Counter[str] = Counter()
        self.names = list(ADDRESSES)
        self.lookups = 0
        self._servers: dict[str, StreamServer] = {}

    def start(self, address: str) -> None:
        server = self._servers[address] = StreamServer((address, self.port), self._serve)
        server.start()
        self.port = server.server_port

    def stop(self, address: str) -> None:
        self._servers.pop(address).stop(timeout=0.1)

    def stop_all(self) -> None:
        for address in list(self._servers):
            self.stop(address)

    def lookup(self, host: str, port: int) -> list[tuple[Any, ...]]:
        assert host == NAME
        self.lookups += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.names]

    def taken(self) -> dict[str, int]:
        """Return the number of connections to each address since the last call."""
        found, self.came = dict(self.came), Counter()
        return found

    def _serve(self, sock: Any, _: Any) -> None:
        self.came[sock.getsockname()[0]] += 1
        start = sock.recv(4, socket.MSG_PEEK)
        if start == b"POST":
            sock.recv(4096)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        else:
            Conversation(sock).upgrade()


@pytest.fixture
def instances() -> Iterator[Instances]:
    found = Instances()
    for address in ADDRESSES:
        found.start(address)
    yield found
    found.stop_all()


@pytest.fixture(params=["WebSocket", "REST"])
def connect(request: pytest.FixtureRequest, instances: Instances) -> Iterator[Callable[..., None]]:
    """Yield a function that makes a number of connections; its clock advances only by `resolver.wait`."""
    with ExitStack() as ends:
        resolver = MovedResolver(instances)

        def by_websocket(times: int) -> None:
            dialler = Dialler(resolver)
            for _ in range(times):
                dialled = dialler.open(f"ws://{NAME}:{instances.port}/", {}, 5.0)
                ends.callback(dialled.channel.close)

        def by_rest(times: int) -> None:
            client = RestClient(f"http://{NAME}:{instances.port}", resolver=resolver)
            ends.callback(client.close)
            for _ in range(times):
                # The servers need this thread, so the client blocks another one; a run uses gevent's sockets.
                assert get_hub().threadpool.apply(client.send, ("POST", "/", None, {})).status == 200

        found: Any = by_websocket if request.param == "WebSocket" else by_rest
        found.resolver = resolver
        yield found


class MovedResolver(Resolver):
    """A resolver whose clock advances only when the test says so."""

    def __init__(self, instances: Instances) -> None:
        self.now_s = 0.0
        super().__init__(instances.lookup, lambda: self.now_s)


def test_connections_go_to_all_addresses(instances: Instances, connect: Callable[..., None]) -> None:
    connect(12)
    assert instances.taken() == dict.fromkeys(ADDRESSES, 4)
    assert instances.lookups == 1


def test_a_dead_address_is_passed_over_and_is_back_in_turn_when_it_lives(
    instances: Instances, connect: Callable[..., None]
) -> None:
    resolver: MovedResolver = connect.resolver  # type: ignore[attr-defined]
    instances.stop(ADDRESSES[0])
    connect(13)
    # The first connection met the dead address and went on to the next at once: none failed.
    assert set(instances.came) == set(ADDRESSES[1:])
    assert max(instances.came.values()) - min(instances.taken().values()) <= 1
    instances.start(ADDRESSES[0])
    resolver.now_s += 5.0
    connect(12)
    assert set(instances.taken()) == set(ADDRESSES)


def test_a_set_that_changes_is_followed_when_the_time_is_over(
    instances: Instances, connect: Callable[..., None]
) -> None:
    resolver: MovedResolver = connect.resolver  # type: ignore[attr-defined]
    instances.names = list(ADDRESSES[:2])
    connect(4)
    assert instances.taken() == dict.fromkeys(ADDRESSES[:2], 2)
    instances.names = list(ADDRESSES[1:])
    connect(4)
    assert instances.taken() == dict.fromkeys(ADDRESSES[:2], 2)
    resolver.now_s += resolver.ttl_s
    connect(4)
    assert instances.taken() == dict.fromkeys(ADDRESSES[1:], 2)


def test_a_time_of_0_resolves_for_each_connection(instances: Instances, connect: Callable[..., None]) -> None:
    connect.resolver.ttl_s = 0.0  # type: ignore[attr-defined]
    connect(5)
    assert instances.lookups == 5
    assert len(instances.taken()) == 3


def test_where_all_are_dead_that_is_told(instances: Instances, connect: Callable[..., None]) -> None:
    instances.stop_all()
    with pytest.raises((DialError, UnreachableError), match="connection refused"):
        connect(1)


def test_a_name_without_an_address_is_told(instances: Instances, connect: Callable[..., None]) -> None:
    def nobody(*_: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    connect.resolver._lookup = nobody  # type: ignore[attr-defined]
    with pytest.raises((DialError, UnreachableError), match=r"(?i)name or service not known"):
        connect(1)
    assert not instances.came


def test_websockets_and_rest_take_turns_of_their_own(instances: Instances) -> None:
    """Otherwise, if the two alternate, each kind would use only half of the addresses."""
    resolver = Resolver(instances.lookup)
    found = [resolver.targets(NAME, 80, purpose)[0].address[0] for _ in range(2) for purpose in ("", "REST")]
    assert found == [ADDRESSES[0], ADDRESSES[0], ADDRESSES[1], ADDRESSES[1]]


def test_an_upgrade_goes_where_the_polls_go(instances: Instances) -> None:
    """They belong to one session, which only one instance knows, and `requests` uses the first address."""
    dialler = Dialler(Resolver(instances.lookup))
    for _ in range(4):
        dialler.open(f"ws://{NAME}:{instances.port}/", {}, 5.0, in_turn=False).channel.close()
    assert instances.taken() == {ADDRESSES[0]: 4}
