"""What arrives: whole, in order, with the kernel's times, and each event to whom it is for."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any

import gevent
import pytest
from gevent.event import Event
from wsproto.frame_protocol import Opcode

from loadtest.transport.client import SocketIOClient
from loadtest.transport.known_reads import KnownReads
from loadtest.transport.receive_clock import ANCILLARY_BYTES, SO_TIMESTAMPNS, stamped_ns
from loadtest.transport.shared import shared

from ..greenlets import until
from .peer import Conversation, Peer, server_frame
from .scripts import Seen, connect, opened, stay

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_events_come_whole_in_order_however_they_are_cut(client: SocketIOClient) -> None:
    def send(conversation: Conversation) -> None:
        large = "x" * 900_000
        data = b"".join(
            [
                server_frame(Opcode.TEXT, b'42["n",0]'),
                server_frame(Opcode.TEXT, b'42["n",', fin=False),
                server_frame(Opcode.PING, b""),
                server_frame(Opcode.CONTINUATION, b"1]"),
                server_frame(Opcode.TEXT, f'42["n","{large}"]'.encode()),
                server_frame(Opcode.TEXT, b'451-["n",{"_placeholder":true,"num":0}]'),
                server_frame(Opcode.BINARY, b"\x00\x01"),
                server_frame(Opcode.TEXT, b'42["n",4]'),
            ]
        )
        for start in range(0, len(data), 70_001):
            conversation.sock.sendall(data[start : start + 70_001])
            gevent.sleep(0)
        stay(conversation)

    got: list[Any] = []
    client.on("n", got.append)
    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(got) == 5)
    assert got == [0, 1, "x" * 900_000, b"\x00\x01", 4]


@contextlib.contextmanager
def stamping() -> Iterator[None]:
    """While the kernel stamps what arrives: it begins a moment after a socket has asked for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        probe.bind(("127.0.0.1", 0))
        deadline_s = time.monotonic() + 10
        while True:
            assert time.monotonic() < deadline_s
            probe.sendto(b"?", probe.getsockname())
            time.sleep(0.005)
            _, ancillary, _, _ = probe.recvmsg(8, ANCILLARY_BYTES)
            if time.time_ns() - stamped_ns(ancillary) > 4_000_000:
                break
        yield


def test_receive_times_are_the_kernel_s(client: SocketIOClient) -> None:
    """The process sleeps while a frame waits in the kernel: its time is when it came, not when it was read."""
    sent_ns = []

    def send(conversation: Conversation) -> None:
        conversation.text('42["a",1]')
        sent_ns.append(time.time_ns())
        time.sleep(0.3)
        stay(conversation)

    seen = Seen()
    client.observe(seen, ["a"])
    with stamping(), Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: bool(seen.frames))
        read_ns = time.time_ns()
    ((event, frame, received_ns),) = seen.frames
    assert (event, frame) == ("a", b'42["a",1]')
    assert received_ns <= sent_ns[0]
    assert read_ns - received_ns >= 300_000_000


def test_only_observed_events_are_observed_and_only_handled_ones_decoded(client: SocketIOClient) -> None:
    def send(conversation: Conversation) -> None:
        for text in ('42["a",1]', '42["ab",2]', '42["b",3]', '42/other,["a",4]', '42["c",5]'):
            conversation.text(text)
        stay(conversation)

    seen, handled = Seen(), []
    client.observe(seen, ["a", "b"])
    client.on("b", lambda value: handled.append(("b", value)))
    client.on("c", lambda value: handled.append(("c", value)))
    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(handled) == 2)
    assert [frame[1] for frame in seen.frames] == [b'42["a",1]', b'42["b",3]']
    assert handled == [("b", 3), ("c", 5)]


def test_events_of_one_read_are_counted_as_coalesced(client: SocketIOClient) -> None:
    def send(conversation: Conversation) -> None:
        one = server_frame(Opcode.TEXT, b'42["a",1]')
        other = server_frame(Opcode.TEXT, b'42["b",1]')
        conversation.sock.sendall(one)
        gevent.sleep(0.05)
        conversation.sock.sendall(one + other + one)
        stay(conversation)

    seen = Seen()
    client.observe(seen, ["a"])
    before = shared().coalesced
    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(seen.frames) == 3)
    assert shared().coalesced - before == 2


def test_a_catch_all_handler_gets_observed_events_too(client: SocketIOClient) -> None:
    handled: list[Any] = []
    client.observe(Seen(), ["a"])
    client.on("*", lambda event, value: handled.append((event, value)))
    with Peer(opened(lambda c: (c.text('42["a",1]'), stay(c)))) as peer:  # type: ignore[arg-type, func-returns-value]
        connect(client, peer.url)
        until(lambda: bool(handled))
    assert handled == [("a", 1)]


def test_bytes_that_are_known_are_no_event_inside_another_message(client: SocketIOClient) -> None:
    def send(conversation: Conversation) -> None:
        known = server_frame(Opcode.TEXT, b'42["a",1]')
        wrapped = server_frame(Opcode.BINARY, known)
        announced = server_frame(Opcode.TEXT, b'451-["b",{"_placeholder":true,"num":0}]')
        for data in (known, announced, wrapped[: -len(known)], known, known):
            conversation.sock.sendall(data)
            gevent.sleep(0.05)  # so that each is a read of its own
        stay(conversation)

    seen = Seen()
    client.observe(seen, ["a"])
    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(seen.frames) == 2)
        time.sleep(0.1)
    assert len(seen.frames) == 2


def test_an_observer_that_raises_harms_no_other_connection(capfd: pytest.CaptureFixture[str]) -> None:
    class Raises(Seen):
        def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
            super().observe(member, event, frame, received_ns)
            raise RuntimeError("the observer's own trouble")

    go = Event()

    def send(conversation: Conversation) -> None:
        go.wait()
        for number in range(3):
            conversation.text(f'42["a",{number}]')
        stay(conversation)

    observers = [Raises(), Seen(), Raises(), Seen()]
    clients = [SocketIOClient() for _ in observers]
    with Peer(opened(send)) as peer:
        for one, observer in zip(clients, observers, strict=True):
            one.observe(observer, ["a"])
            connect(one, peer.url)
        go.set()
        until(lambda: all(observer.frames for observer in observers))
        until(lambda: len(observers[1].frames) == len(observers[3].frames) == 3)
        assert all(one.connected for one in clients)
        for one in clients:
            one.disconnect()
    assert "the observer's own trouble" in capfd.readouterr().err


def test_known_reads_are_single_observed_events() -> None:
    known = KnownReads(["agentLog"])
    event = b'42["agentLog",{"message":"x"}]'
    assert known.learn(server_frame(Opcode.TEXT, event)) == ("agentLog", event)
    assert known.reads[server_frame(Opcode.TEXT, event)] == ("agentLog", event)
    for other in (
        server_frame(Opcode.TEXT, b"2"),
        server_frame(Opcode.TEXT, b'42["joinedRoom",1]'),
        server_frame(Opcode.TEXT, b'42/ns,["agentLog"]'),
        server_frame(Opcode.BINARY, event),
        server_frame(Opcode.TEXT, event) * 2,
        server_frame(Opcode.TEXT, event)[:-1],
        server_frame(Opcode.TEXT, event + bytes(5000)),
    ):
        assert known.learn(other) is None
    assert len(known.reads) == 1


def test_known_reads_are_bounded() -> None:
    known = KnownReads(["n"])
    for number in range(10_000):
        known.learn(server_frame(Opcode.TEXT, f'42["n",{number}]'.encode()))
    assert len(known.reads) <= 4096
