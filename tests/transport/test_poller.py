"""The one place that reads sockets, with pairs of sockets in this process."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from loadtest.transport import channel as channel_module
from loadtest.transport import poller as poller_module
from loadtest.transport.channel import Channel
from loadtest.transport.poller import READ_BYTES, Poller
from loadtest.transport.receive_clock import USER_SPACE

from ..greenlets import until

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 5.0


@pytest.fixture(params=["epoll", "watchers"])
def poller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Poller:
    """Both ways: this system's, and that of systems without epoll and the kernel's timestamps."""
    if request.param == "watchers":
        monkeypatch.setattr(poller_module, "HAS_EPOLL", False)
        monkeypatch.setattr(channel_module, "receive_clock", lambda: USER_SPACE)
    return Poller()


class Pair:
    """A started channel and its peer's end; what the channel read, and how it ended."""

    def __init__(self, poller: Poller) -> None:
        ours, self.peer = socket.socketpair()
        ours.setblocking(False)
        self.channel = Channel(ours, "pair")
        self.read: list[tuple[bytes, int]] = []
        self.ended: list[str] = []
        self.channel.start(poller, self.on_data, self.ended.append)

    def on_data(self, data: bytes, received_ns: int) -> None:
        self.read.append((data, received_ns))

    @property
    def data(self) -> bytes:
        return b"".join(data for data, _ in self.read)


@pytest.fixture
def pairs(poller: Poller) -> Iterator[list[Pair]]:
    made = [Pair(poller) for _ in range(3)]
    yield made
    for pair in made:
        pair.peer.close()
        pair.channel.close()
    # Nothing is left: no watcher, no descriptor.
    assert poller._watchers == {}
    assert poller._epoll is None


def test_each_channel_gets_its_own_in_order(pairs: list[Pair]) -> None:
    payloads = [os.urandom(READ_BYTES * 5 + number) for number in range(3)]
    for pair, payload in zip(pairs, payloads, strict=True):
        pair.peer.sendall(payload)
    until(lambda: all(pair.data == payload for pair, payload in zip(pairs, payloads, strict=True)))
    times_ns = [received_ns for _, received_ns in pairs[0].read]
    assert times_ns == sorted(times_ns)
    assert abs(times_ns[-1] - time.time_ns()) < WAIT_S * 1e9


def test_data_before_the_end_comes_before_the_end(pairs: list[Pair]) -> None:
    pairs[0].peer.sendall(b"last words")
    pairs[0].peer.close()
    until(lambda: bool(pairs[0].ended))
    assert pairs[0].data == b"last words"
    assert pairs[0].ended == ["closed by the peer"]
    assert not pairs[1].ended


def test_whoever_is_closed_by_another_of_its_batch_hears_nothing_more(pairs: list[Pair]) -> None:
    first, second, third = pairs
    for one, other in ((first, second), (second, first)):
        one.channel._on_data = lambda *read, one=one, other=other: (one.on_data(*read), other.channel.close())
        one.peer.sendall(b"x")
    third.peer.sendall(b"x")
    until(lambda: bool(third.read))
    assert len(first.read) + len(second.read) == 1
    assert not first.ended
    assert not second.ended


def test_whoever_raises_does_not_take_another_s_read_along(
    pairs: list[Pair], capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_data: bytes, _received_ns: int) -> None:
        raise RuntimeError("own trouble")

    pairs[0].channel._on_data = pairs[1].channel._on_data = fail
    for pair in pairs:
        pair.peer.sendall(b"x")
    until(lambda: bool(pairs[2].read))
    assert capfd.readouterr().err.count("RuntimeError: own trouble") == 2


def test_a_reader_that_sleeps_knows_how_late_it_was(poller: Poller) -> None:
    """The process sleeps while bytes wait in the kernel: that is its own delay."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        ours.setblocking(False)
        channel, read = Channel(ours, "late"), []
        assert not poller.take_delays_ns()
        channel.start(poller, lambda *what: read.append(what), print)

        def exchange(asleep_s: float) -> list[int]:
            read.clear()
            theirs.sendall(b"x")
            time.sleep(asleep_s)
            until(lambda: bool(read))
            return list(poller.take_delays_ns())

        if poller_module.HAS_EPOLL:
            # The kernel begins to stamp times a moment after the first socket has asked for it.
            until(lambda: bool(exchange(0.0)))
            (delay_ns,) = exchange(0.2)
            assert 0.2e9 <= delay_ns < WAIT_S * 1e9
        else:
            assert exchange(0.0) == []
        assert not poller.take_delays_ns()
        channel.close()
        theirs.close()


def test_a_reset_says_so() -> None:
    poller = Poller()
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        ours.setblocking(False)
        ended: list[str] = []
        Channel(ours, "reset").start(poller, lambda *_: None, ended.append)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        theirs.close()
        until(lambda: bool(ended))
    assert ended == ["connection reset by peer"]
    assert poller._epoll is None
