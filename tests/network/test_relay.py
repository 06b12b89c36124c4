"""The bad network on one machine, with a plain echo behind it: what it does to bytes and connections, exactly."""

from __future__ import annotations

import itertools
import time
from random import Random
from typing import TYPE_CHECKING, Any

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer
from hypothesis import given
from hypothesis import strategies as st

from loadtest.network.conditions import RETRANSMISSION_S, Conditions, Direction, Way
from loadtest.network.relay import Relay

from ..greenlets import until

if TYPE_CHECKING:
    from collections.abc import Iterator


class Echo:
    """A server that sends back what it gets. ended: how its connections ended, as it saw them."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.server = StreamServer(("127.0.0.1", 0), self._serve)
        self.server.start()
        self.address = ("127.0.0.1", self.server.server_port)

    def _serve(self, connection: Any, _address: Any) -> None:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError as error:
            self.ended.append(type(error).__name__)
        else:
            self.ended.append("closed")


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    echo.server.stop()


@pytest.fixture
def relay(echo: Echo) -> Iterator[Relay]:
    with Relay(echo.address, Random(1)) as relay:
        yield relay


def connect(relay: Relay) -> Any:
    connection = socket.create_connection(("127.0.0.1", relay.port), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection: Any, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(65536)
        assert part
        data += part
    return data


def goes_through(connection: Any) -> bool:
    connection.sendall(b"x")
    return receive(connection, 1) == b"x"


def hears_nothing(connection: Any, for_s: float = 0.2) -> bool:
    connection.settimeout(for_s)
    try:
        return not connection.recv(10) and False
    except TimeoutError:
        return True
    finally:
        connection.settimeout(10)


def test_every_byte_arrives_in_order_however_bad_it_is(echo: Echo) -> None:
    data = Random(1).randbytes(200_000)
    with Relay(echo.address, Random(2), Conditions(0.001, 0.005, 0.05)) as relay:
        connection = connect(relay)
        for start in range(0, len(data), 10_000):
            connection.sendall(data[start : start + 10_000])
            gevent.sleep(0)
        assert receive(connection, len(data)) == data
        assert relay.counts["up_bytes"] == relay.counts["down_bytes"] == len(data)


def test_delays_are_what_was_asked_for() -> None:
    constant = itertools.repeat(0.5)
    assert Conditions(0.1, 0.2).delay_s(lambda: next(constant)) == 0.2
    lost = [Conditions(loss=0.2).delay_s(Random(seed).random) for seed in range(2000)]
    assert set(lost) == {0.0, RETRANSMISSION_S}
    assert sum(delay_s > 0 for delay_s in lost) / len(lost) == pytest.approx(0.2, abs=0.03)


def test_what_waits_is_sent_piece_after_piece() -> None:
    narrow, none = Conditions(latency_s=0.1, bytes_per_s=1000), Random(1).random
    way = Way()
    assert [way.take(10.0, 500, narrow, none) for _ in range(3)] == pytest.approx([10.6, 11.1, 11.6])
    assert way.sent_s == 11.5
    assert way.take(20.0, 500, narrow, none) == pytest.approx(20.6), "a way that was free keeps nobody waiting"
    assert way.take(20.1, 500, Conditions(), none) == pytest.approx(20.6), "what follows does not overtake"
    assert way.take(20.7, 500, Conditions(), none) == pytest.approx(20.7)


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 70_000)), min_size=1),
    st.floats(100, 1e6),
    st.floats(0, 0.3),
)
def test_no_more_goes_through_than_the_rate(reads: list[tuple[float, int]], rate: float, jitter_s: float) -> None:
    way, random, now_s = Way(), Random(1).random, 100.0
    conditions = Conditions(jitter_s=jitter_s, bytes_per_s=rate)
    sizes, arrivals = [], []
    for pause_s, size in reads:
        now_s += pause_s
        sizes.append(size)
        arrivals.append(way.take(now_s, size, conditions, random))
    assert arrivals == sorted(arrivals)
    least_s = sum(sizes) / rate
    assert 100.0 + least_s <= arrivals[-1] + 1e-6
    assert arrivals[-1] <= now_s + least_s + jitter_s + 1e-6


@pytest.fixture
def told() -> Iterator[tuple[Relay, list[int]]]:
    """A relay before a server that sends as many bytes as it is told to, and closes; what it has sent."""
    sent: list[int] = []

    def serve(connection: Any, _address: Any) -> None:
        size = int(connection.recv(100))
        connection.sendall(bytes(size))
        sent.append(size)
        connection.close()

    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    with Relay(("127.0.0.1", server.server_port), Random(2)) as relay:
        yield relay, sent
    server.stop()


def test_all_of_what_waits_arrives_though_who_sent_it_has_gone(told: tuple[Relay, list[int]]) -> None:
    relay, sent = told
    relay.conditions[Direction.DOWN] = Conditions(bytes_per_s=100_000)
    connection = connect(relay)
    began_s = time.monotonic()
    connection.sendall(b"150000")
    assert len(receive(connection, 150_000)) == sum(sent) == 150_000
    assert time.monotonic() - began_s >= 1.4, "it came faster than it could"
    assert connection.recv(1) == b""


def test_who_sends_into_a_narrow_way_has_to_wait(told: tuple[Relay, list[int]]) -> None:
    relay, sent = told
    relay.conditions[Direction.DOWN] = Conditions(bytes_per_s=1e6)
    connection = connect(relay)
    connection.sendall(b"16000000")
    receive(connection, 300_000)
    assert sent == [], "the relay took more than a network can hold"


@pytest.mark.parametrize("direction", Direction)
def test_a_stall_holds_one_direction_and_tells_nobody(relay: Relay, direction: Direction) -> None:
    connection = connect(relay)
    assert goes_through(connection)
    relay.stall([direction])
    connection.sendall(b"during")
    assert hears_nothing(connection)
    arrived = 6 if direction is Direction.DOWN else 0
    assert relay.counts["up_bytes"] == 1 + arrived
    relay.go_on([direction])
    assert receive(connection, 6) == b"during"


def test_one_direction_is_slow_and_the_other_is_not(relay: Relay) -> None:
    relay.conditions[Direction.DOWN] = Conditions(latency_s=0.3)
    connection = connect(relay)
    connection.sendall(b"x")
    until(lambda: relay.counts["up_bytes"] == 1)
    assert relay.counts["down_bytes"] == 0
    assert receive(connection, 1) == b"x"


def test_a_cut_ends_what_there_is_and_leaves_what_comes(relay: Relay, echo: Echo) -> None:
    old = connect(relay)
    assert goes_through(old)
    relay.cut()
    assert old.recv(10) == b""
    until(lambda: echo.ended == ["closed"])
    assert goes_through(connect(relay))
    assert (relay.counts["connections"], relay.counts["broken"]) == (2, 1)


def test_a_reset_is_one_at_both_ends(relay: Relay, echo: Echo) -> None:
    connection = connect(relay)
    assert goes_through(connection)
    relay.reset()
    with pytest.raises(ConnectionResetError):
        connection.recv(10)
    until(lambda: echo.ended == ["ConnectionResetError"])
    until(lambda: relay.connections == 0)
    assert goes_through(connect(relay))


@pytest.mark.parametrize("side", ["client", "server"])
def test_half_open_is_what_one_end_knows_and_the_other_does_not(relay: Relay, echo: Echo, side: str) -> None:
    connection = connect(relay)
    assert goes_through(connection)
    relay.half_open(side)
    if side == "server":
        until(lambda: echo.ended == ["ConnectionResetError"])
        connection.sendall(b"into the void")
        assert hears_nothing(connection)
        assert relay.connections == 1
    else:
        with pytest.raises(ConnectionResetError):
            connection.recv(10)
        gevent.sleep(0.1)
        assert echo.ended == []


def test_refused_connections_are_refused_and_those_there_stay(relay: Relay) -> None:
    there = connect(relay)
    assert goes_through(there)
    port = relay.port
    relay.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(relay)
    assert goes_through(there)
    relay.accept()
    relay.accept()
    assert relay.port == port
    assert goes_through(connect(relay))


def test_a_server_that_is_not_there_is_seen_as_one() -> None:
    with Relay(("127.0.0.1", 1), Random(1)) as relay:
        assert connect(relay).recv(10) == b""
        assert relay.counts["refused by the server"] == 1


def test_many_connections_that_come_and_go_leave_nothing(relay: Relay) -> None:
    for _ in range(50):
        connection = connect(relay)
        assert goes_through(connection)
        connection.close()
    until(lambda: relay.connections == 0)
