"""The connection's life on the event-driven transport, against a server that does what it is told."""

from __future__ import annotations

import gc
import logging
import socket
import struct
from typing import TYPE_CHECKING

import gevent
import pytest
from gevent.event import AsyncResult, Event
from wsproto.frame_protocol import Opcode

from loadtest.transport.client import SocketIOClient
from loadtest.transport.engine import EngineIOClient
from loadtest.transport.shared import shared

from ..greenlets import until
from .peer import Conversation, Peer, server_frame
from .scripts import WAIT_S, connect, descriptors, echo, fails_with, opened, stay

if TYPE_CHECKING:
    from collections.abc import Callable


class Ends:
    """Collects how connections end."""

    def __init__(self, client: SocketIOClient) -> None:
        self.reasons: list[str] = []
        self.states: list[str] = []

        def on_disconnect(reason: str) -> None:
            self.states.append(client.eio.state)
            self.reasons.append(reason)

        client.on("disconnect", on_disconnect)


@pytest.mark.parametrize(
    ("then", "why"),
    [
        (lambda c: c.sock.close(), "closed by the peer"),
        (lambda c: c.sock.sendall(server_frame(Opcode.CLOSE, b"")), "closed by the server"),
        (
            lambda c: c.sock.sendall(server_frame(Opcode.CLOSE, b"\x0f\xa0bye")),
            "closed by the server with 4000 (bye)",
        ),
        (lambda c: c.sock.sendall(b"\x83\x00"), "protocol error of the server: unknown data frame 0x3"),
        (lambda c: c.sock.sendall(b"\x81\x02\xff\xff"), "protocol error of the server"),
        (lambda c: c.text("42[not json"), "protocol error of the server"),
        (lambda c: c.text("9"), "protocol error of the server"),
    ],
)
def test_an_end_is_reported_once_with_its_reason(
    client: SocketIOClient, then: Callable[[Conversation], None], why: str
) -> None:
    ends = Ends(client)
    with Peer(opened(then)) as peer:
        connect(client, peer.url)
        until(lambda: bool(ends.reasons))
        gevent.sleep(0.02)
    assert ends.reasons == [client.reason.TRANSPORT_ERROR]
    assert why in client.eio.end_reason
    # While the handler runs the state is still "connected": python-socketio reconnects only then.
    assert ends.states == ["connected"]
    assert client.eio.state == "disconnected"
    assert not client.connected


def test_a_reset(client: SocketIOClient) -> None:
    def reset(conversation: Conversation) -> None:
        linger = struct.pack("ii", 1, 0)
        conversation.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        conversation.sock.close()

    ends = Ends(client)
    with Peer(opened(reset)) as peer:
        connect(client, peer.url)
        until(lambda: bool(ends.reasons))
    assert client.eio.end_reason == "connection reset by peer"


def test_a_server_that_goes_silent_is_noticed(client: SocketIOClient) -> None:
    ends = Ends(client)
    with Peer(opened(interval_ms=100, timeout_ms=100)) as peer:
        connect(client, peer.url)
        until(lambda: bool(ends.reasons))
    assert client.eio.end_reason == "no ping from the server in time"


def test_pings_are_answered_and_keep_the_connection(client: SocketIOClient) -> None:
    answers: AsyncResult = AsyncResult()

    def ping(conversation: Conversation) -> None:
        frames = conversation.frames()
        got = []
        for _ in range(6):
            conversation.text("2")
            got.append(next(frames))
            gevent.sleep(0.3)
        conversation.sock.sendall(server_frame(Opcode.PING, b"are you there"))
        pong = next(frames)
        answers.set((got, pong.opcode, bytes(pong.payload)))

    ends = Ends(client)
    with Peer(opened(ping, interval_ms=500, timeout_ms=500)) as peer:
        connect(client, peer.url)
        assert answers.get(timeout=WAIT_S) == (["3"] * 6, Opcode.PONG, b"are you there")
        assert ends.reasons == []


def test_a_connection_that_is_lost_before_connect_returns_was_not_made(client: SocketIOClient) -> None:
    def close_at_once(conversation: Conversation) -> None:
        conversation.open()
        conversation.sock.sendall(server_frame(Opcode.CLOSE, b"\x0f\xa0"))

    with Peer(close_at_once) as peer:
        assert "lost at once: closed by the server with 4000" in fails_with(client, peer.url)
    assert not client.connected


def test_our_own_goodbye_is_heard(client: SocketIOClient) -> None:
    heard: AsyncResult = AsyncResult()
    ends = Ends(client)
    with Peer(opened(lambda c: heard.set([getattr(f, "opcode", f) for f in c.frames()]))) as peer:
        connect(client, peer.url)
        client.disconnect()
        assert heard.get(timeout=WAIT_S) == ["41", "1", Opcode.CLOSE]
    assert ends.reasons == [client.reason.CLIENT_DISCONNECT]


def test_a_server_s_goodbye_is_a_lost_connection() -> None:
    """As for the official client; it is a DISCONNECT of Socket.IO that is final."""
    client = SocketIOClient(reconnection_delay=0.01, randomization_factor=0)
    connects = []
    client.on("connect", lambda: connects.append(1))
    ends = Ends(client)
    with Peer(opened(lambda c: c.text("1"))) as peer:
        connect(client, peer.url)
        until(lambda: len(connects) > 1)
        client.shutdown()
    assert ends.reasons[0] == client.reason.TRANSPORT_ERROR


def test_a_connection_that_is_made_again_is_given_as_much_time_as_the_first() -> None:
    """python-socketio would give up after a second and come again: more load on a backend that is slow already."""
    client = SocketIOClient(reconnection_delay=0.01, randomization_factor=0)
    opened_ones = []

    def answer_late(conversation: Conversation) -> None:
        opened_ones.append(conversation)
        if len(opened_ones) == 1:
            opened(lambda c: c.text("1"))(conversation)
            return
        conversation.upgrade()
        conversation.text('0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')
        next(conversation.frames())
        gevent.sleep(1.3)
        conversation.text('40{"sid":"y"}')
        list(conversation.frames())

    with Peer(answer_late) as peer:
        connect(client, peer.url)
        until(lambda: len(opened_ones) > 1 and client.connected)
        client.disconnect()
    assert len(opened_ones) == 2


def test_a_call_from_inside_a_handler_is_answered(client: SocketIOClient) -> None:
    got: AsyncResult = AsyncResult()
    client.on("n", lambda _: got.set(client.call("ask", timeout=5)))
    with Peer(opened(echo)) as peer:
        connect(client, peer.url)
        client.emit("go")
        assert got.get(timeout=WAIT_S) == "ok"


def test_one_slow_and_one_raising_handler_hold_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    gate, got = Event(), []
    with Peer(opened(echo)) as peer, caplog.at_level(logging.ERROR):
        clients = [SocketIOClient(reconnection=False) for _ in range(10)]
        clients[0].on("n", lambda _: gate.wait())
        clients[1].on("n", lambda _: 1 / 0)
        for client in clients[2:]:
            client.on("n", got.append)
        for client in clients:
            connect(client, peer.url)
            client.emit("go")
        until(lambda: len(got) == 8)
        assert all(client.connected for client in clients)
        gate.set()
        for client in clients:
            client.shutdown()
    assert "ZeroDivisionError" in caplog.text


def greenlets() -> int:
    gc.collect()
    return sum(isinstance(found, gevent.Greenlet) and not found.dead for found in gc.get_objects())


def test_two_hundred_resets_at_once_are_all_reported_and_all_come_back() -> None:
    first_round: list[Conversation] = []
    lost: list[int] = []
    back: list[int] = []
    descriptors_before, greenlets_before = descriptors(), greenlets()

    def script(conversation: Conversation) -> None:
        conversation.open()
        if len(first_round) < 200:
            first_round.append(conversation)
        stay(conversation)

    with Peer(script) as peer:
        clients = [SocketIOClient(reconnection_delay=0.05, randomization_factor=0.5) for _ in range(200)]
        for number, client in enumerate(clients):
            client.on("disconnect", lambda _reason, number=number: lost.append(number))
            client.on("connect", lambda number=number: back.append(number))
        gevent.joinall([gevent.spawn(connect, client, peer.url) for client in clients], raise_error=True)
        assert sorted(back) == list(range(200))
        back.clear()
        for conversation in first_round:
            conversation.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conversation.sock.close()
        until(lambda: len(lost) == 200 and len(back) == 200)
        assert sorted(lost) == sorted(back) == list(range(200))
        assert len(shared()._wheel) >= 200
        for client in clients:
            client.shutdown()
    until(lambda: descriptors() <= descriptors_before + 2)
    assert len([item for item in shared()._wheel._where if isinstance(item, EngineIOClient)]) == 0
    until(lambda: greenlets() <= greenlets_before + 20)  # the idle servers of lanes stay, 16 at most
