"""Observed events with attachments, and those that want an acknowledgement, on the wire."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import gevent
import msgpack
import pytest
from wsproto.frame_protocol import Opcode

from loadtest.transport.client import SocketIOClient
from loadtest.transport.shared import shared

from ..greenlets import until
from .peer import Conversation, Peer, server_frame
from .scripts import Seen, connect, opened, stay

if TYPE_CHECKING:
    from collections.abc import Callable

ONE = b'451-["a",{"_placeholder":true,"num":0}]'
TWO = b'452-["a",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]'


def text(payload: bytes) -> bytes:
    return server_frame(Opcode.TEXT, payload)


def binary(payload: bytes) -> bytes:
    return server_frame(Opcode.BINARY, payload)


def sends(*reads: bytes) -> Callable[[Conversation], None]:
    """Sends each of these as a read of its own, and then nothing more."""

    def send(conversation: Conversation) -> None:
        for data in reads:
            conversation.sock.sendall(data)
            gevent.sleep(0.05)
        stay(conversation)

    return opened(send)


def acknowledges(answers: list[str], *reads: bytes) -> Callable[[Conversation], None]:
    """Sends, and notes what the client answers."""

    def send(conversation: Conversation) -> None:
        for data in reads:
            conversation.sock.sendall(data)
        answers.extend(answer for answer in conversation.frames() if isinstance(answer, str))

    return opened(send)


def frames_of(seen: Seen) -> list[bytes]:
    return [frame for _, frame, _ in seen.frames]


@pytest.mark.parametrize("cut", [1, 7, 100_000])
@pytest.mark.parametrize("handled", [False, True])
def test_it_is_observed_once_it_is_whole_however_it_is_cut(
    client: SocketIOClient, cut: int, handled: bool
) -> None:
    data = b"".join((text(b'42["a",1]'), text(TWO), binary(b"\x00"), text(b"2"), binary(b""), text(b'42["a",2]')))
    seen, got = Seen(), []
    client.observe(seen, ["a"])
    if handled:
        client.on("a", lambda *arguments: got.append(arguments))

    def send(conversation: Conversation) -> None:
        for start in range(0, len(data), cut):
            conversation.sock.sendall(data[start : start + cut])
            gevent.sleep(0)
        stay(conversation)

    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(seen.frames) == 3)
        gevent.sleep(0.02)
    assert frames_of(seen) == [b'42["a",1]', TWO, b'42["a",2]']
    assert got == ([(1,), (b"\x00", {"x": b""}), (2,)] if handled else [])


def test_its_time_is_when_the_last_attachment_arrived(client: SocketIOClient) -> None:
    times_ns: list[int] = []

    def send(conversation: Conversation) -> None:
        for data in (text(TWO), binary(b"1"), binary(b"2")):
            times_ns.append(time.time_ns())
            conversation.sock.sendall(data)
            gevent.sleep(0.1)
        stay(conversation)

    seen = Seen()
    client.observe(seen, ["a"])
    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: bool(seen.frames))
    ((_, _, received_ns),) = seen.frames
    assert times_ns[2] <= received_ns < times_ns[2] + 90_000_000


@pytest.mark.parametrize("observed", ["a", "b"])
@pytest.mark.parametrize("one_read", [False, True])
def test_a_packet_where_attachments_are_missing_ends_the_connection(
    client: SocketIOClient, observed: str, one_read: bool
) -> None:
    """As the official client does; nothing of what came after it counts, and neither does the packet itself."""
    reads = [text(b'42["n",0]'), text(TWO), binary(b"1"), text(b'42["n",0]'), binary(b"2"), text(b'42["n",1]')]
    ends: list[str] = []
    seen = Seen()
    client.observe(seen, [observed, "n"])
    client.on("disconnect", lambda _: ends.append(client.eio.end_reason))
    with Peer(sends(*([b"".join(reads)] if one_read else reads))) as peer:
        connect(client, peer.url)
        until(lambda: bool(ends))
        gevent.sleep(0.05)
    assert ends == [
        "protocol error of the server: a text packet while 1 attachments of the packet before are missing"
    ]
    assert frames_of(seen) == [b'42["n",0]']


def test_a_connection_that_is_made_again_begins_between_two_packets(client: SocketIOClient) -> None:
    seen, ends = Seen(), []
    client.observe(seen, ["a", "n"])
    client.on("disconnect", ends.append)
    with Peer(sends(text(TWO), text(b'42["n",0]'))) as peer:
        connect(client, peer.url)
        until(lambda: bool(ends))
    with Peer(sends(text(b'42["n",1]'), text(ONE), binary(b"1"))) as peer:
        connect(client, peer.url)
        until(lambda: len(seen.frames) == 2)
    assert frames_of(seen) == [b'42["n",1]', ONE]


def test_attachments_of_others_go_where_they_belong(client: SocketIOClient) -> None:
    other = TWO.replace(b'"a"', b'"b"')
    seen, got = Seen(), []
    client.observe(seen, ["a"])
    client.on("b", lambda *arguments: got.append(arguments))
    with Peer(
        sends(text(ONE), binary(b"of a"), text(other), binary(b"1"), binary(b"2"), text(b'42["b"]'))
    ) as peer:
        connect(client, peer.url)
        until(lambda: len(got) == 2)
    assert frames_of(seen) == [ONE]
    assert got == [(b"1", {"x": b"2"}), ()]


def test_a_packet_and_its_attachments_in_one_read_are_not_coalesced(client: SocketIOClient) -> None:
    whole = text(TWO) + binary(b"1") + binary(b"2")
    seen = Seen()
    client.observe(seen, ["a"])
    before = shared().coalesced
    with Peer(sends(whole, whole + whole, text(TWO), binary(b"1"), binary(b"2") + text(b"2"))) as peer:
        connect(client, peer.url)
        until(lambda: len(seen.frames) == 4)
        gevent.sleep(0.02)
    assert shared().coalesced - before == 3


@pytest.mark.parametrize("handled", [False, True])
def test_each_acknowledgement_is_sent_once(client: SocketIOClient, handled: bool) -> None:
    answers: list[str] = []
    seen = Seen()
    client.observe(seen, ["a"])
    if handled:
        client.on("a", lambda *_: "yes")
    wanted = [b'42["a",1]', b'4217["a",1]', b'420["a",1]', b'451-18["a",{"_placeholder":true,"num":0}]']
    reads = [*map(text, wanted), binary(b"1"), text(wanted[1])]
    with Peer(acknowledges(answers, *reads)) as peer:
        connect(client, peer.url)
        until(lambda: len(answers) == 4)
        gevent.sleep(0.05)
    said = '["yes"]' if handled else "[]"
    assert Counter(answers) == {f"4317{said}": 2, f"430{said}": 1, f"4318{said}": 1}
    assert frames_of(seen) == [*wanted, wanted[1]]


@pytest.mark.parametrize("handled", [False, True])
def test_with_msgpack_too(handled: bool) -> None:
    client = SocketIOClient(reconnection=False, serializer="msgpack")
    answers: list[Any] = []
    seen = Seen()
    client.observe(seen, ["a"])
    if handled:
        client.on("a", lambda *_: "yes")

    def send(conversation: Conversation) -> None:
        conversation.upgrade()
        conversation.text('0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')
        frames = conversation.frames()
        next(frames)
        conversation.sock.sendall(binary(msgpack.packb({"type": 0, "nsp": "/", "data": {"sid": "x"}})))
        for more in ({}, {"id": 17}, {"id": 0}, {"id": 17}):
            packet = {"type": 2, "nsp": "/", "data": ["a", b"\x00", float("nan")], **more}
            conversation.sock.sendall(binary(msgpack.packb(packet)))
            gevent.sleep(0.02)
        answers.extend(msgpack.unpackb(bytes(frame.payload)) for frame in frames if frame.opcode is Opcode.BINARY)

    with Peer(send) as peer:
        client.connect(peer.url, transports=["websocket"], wait_timeout=5)
        until(lambda: len(answers) == 3)
        gevent.sleep(0.05)
    client.shutdown()
    assert [(one["type"], one["id"], one["data"]) for one in answers] == [
        (3, ack_id, ["yes"] if handled else []) for ack_id in (17, 0, 17)
    ]
    assert frames_of(seen) == [head + b'["a",null,null]' for head in (b"42", b"4217", b"420", b"4217")]


def test_a_broken_frame_is_shown_as_it_came_and_one_that_is_handled_ends_the_connection(
    client: SocketIOClient,
) -> None:
    seen, ends = Seen(), []
    client.observe(seen, ["a", "b"])
    client.on("b", lambda _: None)
    client.on("disconnect", lambda _: ends.append(client.eio.end_reason))
    broken = [b'42["a",{]', b'451-["a",]', b'451-["b",]']
    with Peer(sends(text(broken[0]), text(broken[1]), binary(b"1"), text(broken[2]) + binary(b"1"))) as peer:
        connect(client, peer.url)
        until(lambda: bool(ends))
    assert frames_of(seen) == broken
    assert len(ends) == 1
    assert ends[0].startswith("protocol error of the server")


def test_what_wants_an_acknowledgement_leaves_the_recovery_s_offset_alone(client: SocketIOClient) -> None:
    """No server puts an offset into it: the one before is where the session can go on from."""
    seen = Seen()
    client.observe(seen, ["a"])

    def send(conversation: Conversation) -> None:
        conversation.text('40{"sid":"x","pid":"p"}')
        conversation.sock.sendall(text(b'451-["a",{"_placeholder":true,"num":0},"offset.1"]') + binary(b"1"))
        conversation.text('4217["a","no-offset"]')
        stay(conversation)

    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(seen.frames) == 2)
    assert client.eio.recovery.present({}) == {"pid": "p", "offset": "offset.1"}
