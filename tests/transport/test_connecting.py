"""A connect that fails says why, against a server that does what it is told."""

from __future__ import annotations

import contextlib
import os
import resource
from typing import TYPE_CHECKING, Any

import gevent
import pytest

from loadtest.transport.client import SocketIOClient

from .peer import Conversation, Peer, server_frame
from .scripts import connect, descriptors, fails_with, opened, stay

if TYPE_CHECKING:
    from collections.abc import Callable


def test_refused(client: SocketIOClient) -> None:
    assert fails_with(client, "http://127.0.0.1:1") == "tcp: connection refused"


def test_no_such_name(client: SocketIOClient) -> None:
    assert "resolve: no address for no-such-host.invalid" in fails_with(client, "http://no-such-host.invalid")


def answering(data: bytes) -> Callable[[Conversation], None]:
    def script(conversation: Conversation) -> None:
        conversation.sock.recv(4096)
        conversation.sock.sendall(data)
        conversation.sock.close()

    return script


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b'HTTP/1.1 400 Bad Request\r\nContent-Length: 16\r\n\r\n{"message":"no"}', "upgrade: HTTP 400: no"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", "upgrade: HTTP 502: <html>"),
        (b"SSH-2.0-OpenSSH\r\n", "upgrade: the answer is no HTTP"),
        (b"", "upgrade: the connection was closed before it answered"),
    ],
)
def test_no_upgrade(client: SocketIOClient, answer: bytes, said: str) -> None:
    with Peer(answering(answer)) as peer:
        assert fails_with(client, peer.url) == said


def test_a_wrong_accept(client: SocketIOClient) -> None:
    with Peer(lambda conversation: conversation.upgrade(accept=b"wrong")) as peer:
        assert "Sec-WebSocket-Accept is wrong" in fails_with(client, peer.url)


def deaf(conversation: Conversation) -> None:
    while conversation.sock.recv(65536):
        pass


def test_a_server_that_never_answers(client: SocketIOClient) -> None:
    with Peer(deaf) as peer:
        assert fails_with(client, peer.url) == "upgrade: timed out"


def upgraded(then: Callable[[Conversation], None]) -> Callable[[Conversation], None]:
    def script(conversation: Conversation) -> None:
        conversation.upgrade()
        then(conversation)

    return script


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (stay, "open: timed out"),
        (lambda conversation: conversation.sock.close(), "open: the server closed before it opened"),
        (lambda conversation: conversation.text("4hello"), "open: the first packet is no OPEN packet"),
        (lambda conversation: conversation.text('0{"sid":1}'), "open: an OPEN packet that is not right"),
        (lambda conversation: conversation.sock.sendall(b"\xff\xff"), "open: "),
    ],
)
def test_no_open_packet(client: SocketIOClient, then: Callable[[Conversation], None], said: str) -> None:
    with Peer(upgraded(then)) as peer:
        assert said in fails_with(client, peer.url)


def test_a_refused_namespace(client: SocketIOClient) -> None:
    def script(conversation: Conversation) -> None:
        conversation.upgrade()
        conversation.text('0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')
        next(conversation.frames())
        conversation.text('44{"message":"bad token"}')
        stay(conversation)

    said: list[Any] = []
    client.on("connect_error", said.append)
    with Peer(script) as peer:
        fails_with(client, peer.url)
    assert said == [{"message": "bad token"}]


def test_a_namespace_that_is_given_and_taken_in_one_read(client: SocketIOClient) -> None:
    def script(conversation: Conversation) -> None:
        conversation.upgrade()
        conversation.text('0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')
        next(conversation.frames())
        conversation.sock.sendall(server_frame(1, b'40{"sid":"s"}') + server_frame(1, b"41"))
        stay(conversation)

    with Peer(script) as peer:
        assert fails_with(client, peer.url) == "lost at once: server disconnect"
        assert client.eio.state == "disconnected"


@pytest.mark.parametrize("then", [b"1", b""], ids=["closed", "cut"])
def test_a_connection_that_is_gone_before_the_namespace_is_answered(client: SocketIOClient, then: bytes) -> None:
    def script(conversation: Conversation) -> None:
        conversation.upgrade()
        conversation.text('0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')
        next(conversation.frames())
        if then:
            conversation.sock.sendall(server_frame(1, then))
        conversation.sock.close()

    client.reconnection = True
    with Peer(script) as peer:
        assert fails_with(client, peer.url).startswith("lost before the namespace was joined: ")
        assert client._reconnect_task is None, "it is the caller's to repeat"


def test_out_of_descriptors(client: SocketIOClient) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gevent.sleep(0)  # the hub has what it needs
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors() + 10, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        said = fails_with(client, "http://127.0.0.1:1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)
    assert "out of file descriptors" in said


def test_a_source_address(client: SocketIOClient) -> None:
    seen: list[str] = []

    def script(conversation: Conversation) -> None:
        seen.append(conversation.sock.getpeername()[0])
        opened()(conversation)

    client.eio.source_address = "127.0.0.88"
    with Peer(script) as peer:
        connect(client, peer.url.replace("localhost", "127.0.0.1"))
    assert seen == ["127.0.0.88"]


def test_ipv6(client: SocketIOClient) -> None:
    with Peer(opened(), address="::1") as peer:
        connect(client, peer.url.replace("localhost", "[::1]"))
        assert client.connected


def test_a_source_address_that_is_not_ours(client: SocketIOClient) -> None:
    client.eio.source_address = "192.0.2.1"
    assert "no such source address" in fails_with(client, "http://127.0.0.1:1")


def test_connect_times_come_in_phases(client: SocketIOClient) -> None:
    with Peer(opened()) as peer:
        connect(client, peer.url)
        assert set(client.eio.phases_ns) == {"tcp", "upgrade", "open", "socketio"}
        # The OPEN packet may come in the same read as the answer to the upgrade.
        assert all(took_ns > 0 for name, took_ns in client.eio.phases_ns.items() if name != "open")
        assert client.eio.phases_ns["open"] >= 0
