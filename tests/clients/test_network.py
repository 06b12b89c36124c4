"""The bad network on one machine, with a plain echo behind it: what it does to bytes, exactly."""

from __future__ import annotations

import itertools
from random import Random
from typing import TYPE_CHECKING, Any

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from backend.endpoint import Endpoint
from clients.network import RETRANSMISSION_S, Conditions, Network

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def echo() -> Iterator[Endpoint]:
    def serve(connection: Any, _address: Any) -> None:
        while data := connection.recv(65536):
            connection.sendall(data)

    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    yield Endpoint(f"http://127.0.0.1:{server.server_port}")
    server.stop()


def connect(network: Network) -> Any:
    connection = socket.create_connection(("127.0.0.1", int(network.endpoint.host.rpartition(":")[2])), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection: Any, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(65536)
        assert part
        data += part
    return data


def test_every_byte_arrives_in_order_however_bad_it_is(echo: Endpoint) -> None:
    data = Random(1).randbytes(200_000)
    with Network(echo, Conditions(0.001, 0.005, 0.05), Random(2)) as network:
        connection = connect(network)
        for start in range(0, len(data), 10_000):
            connection.sendall(data[start : start + 10_000])
            gevent.sleep(0)
        assert receive(connection, len(data)) == data


def test_delays_are_what_was_asked_for() -> None:
    constant = itertools.repeat(0.5)
    assert Conditions(0.1, 0.2).delay_s(100, lambda: next(constant)) == 0.2
    assert Conditions(bytes_per_s=1000).delay_s(500, Random(1).random) == 0.5
    lost = [Conditions(loss=0.2).delay_s(1, Random(seed).random) for seed in range(2000)]
    assert set(lost) == {0.0, RETRANSMISSION_S}
    assert sum(delay_s > 0 for delay_s in lost) / len(lost) == pytest.approx(0.2, abs=0.03)


def test_a_stall_holds_everything_and_tells_nobody(echo: Endpoint) -> None:
    with Network(echo, Conditions(), Random(1)) as network:
        connection = connect(network)
        connection.sendall(b"before")
        assert receive(connection, 6) == b"before"
        network.stall()
        connection.sendall(b"during")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        network.go_on()
        connection.settimeout(10)
        assert receive(connection, 6) == b"during"


def test_a_cut_ends_what_there_is_and_leaves_what_comes(echo: Endpoint) -> None:
    with Network(echo, Conditions(), Random(1)) as network:
        old = connect(network)
        old.sendall(b"x")
        receive(old, 1)
        network.cut()
        assert old.recv(10) == b""
        new = connect(network)
        new.sendall(b"y")
        assert receive(new, 1) == b"y"


def test_a_backend_that_is_not_there_is_seen_as_one(echo: Endpoint) -> None:
    with Network(Endpoint("http://127.0.0.1:1"), Conditions(), Random(1)) as network:
        assert connect(network).recv(10) == b""
