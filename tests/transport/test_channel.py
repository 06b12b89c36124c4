"""What is sent, to a peer that does not read too; and TLS."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

import pytest
from gevent.event import Event

from loadtest.transport.channel import MAX_QUEUED_BYTES, SendQueueFullError
from loadtest.transport.client import SocketIOClient

from ..greenlets import until
from .peer import Conversation, Peer
from .scripts import Seen, connect, echo, fails_with, opened, stay

if TYPE_CHECKING:
    from pathlib import Path


def emit_often(client: SocketIOClient, payload: str) -> None:
    for _ in range(64):
        client.emit("much", payload)


def test_a_peer_that_does_not_read_is_an_error_that_names_it(client: SocketIOClient) -> None:
    gate = Event()
    with Peer(opened(lambda _: gate.wait())) as peer:  # type: ignore[arg-type]
        connect(client, peer.url)
        much = "x" * (MAX_QUEUED_BYTES // 8)
        with pytest.raises(SendQueueFullError, match=r"localhost:\d+ from port \d+: the peer does not read"):
            emit_often(client, much)
        gate.set()


def test_what_waits_is_sent_in_order_when_the_peer_reads_again(client: SocketIOClient) -> None:
    gate, got = Event(), []

    def read_late(conversation: Conversation) -> None:
        gate.wait()
        part = ""
        for text in conversation.frames():
            part += text if isinstance(text, str) else ""
            if part.endswith("]"):
                got.append(part[:8])
                part = ""

    with Peer(opened(read_late)) as peer:
        connect(client, peer.url)
        for number in range(8):
            client.emit("m", f"{number}" + "x" * 400_000)
        gate.set()
        until(lambda: len(got) == 8)
    assert got == ['42["m","' for _ in range(8)]


@pytest.mark.needs("openssl")
def test_tls(certificate: tuple[Path, Path]) -> None:
    key, cert = certificate
    client = SocketIOClient(reconnection=False, ssl_context=ssl.create_default_context(cafile=str(cert)))
    seen, got = Seen(), []
    client.observe(seen, ["a"])
    client.on("n", got.append)

    def send(conversation: Conversation) -> None:
        conversation.text('42["a",1]')
        conversation.text('42["n","' + "x" * 500_000 + '"]')
        echo(conversation)

    with Peer(opened(send), keyfile=str(key), certfile=str(cert)) as peer:
        connect(client, peer.url)
        until(lambda: bool(got))
        assert client.call("ask", timeout=5) == "ok"
        assert set(client.eio.phases_ns) == {"tcp", "tls", "upgrade", "open", "socketio"}
        client.disconnect()
    assert len(got[0]) == 500_000
    assert abs(seen.frames[0][2] - time.time_ns()) < 60_000_000_000


@pytest.mark.needs("openssl")
def test_a_certificate_nobody_signed(certificate: tuple[Path, Path]) -> None:
    key, cert = certificate
    with Peer(opened(echo), keyfile=str(key), certfile=str(cert)) as peer:
        assert "tls: self-signed certificate" in fails_with(SocketIOClient(reconnection=False), peer.url)
        trusting = SocketIOClient(reconnection=False, ssl_verify=False)
        connect(trusting, peer.url)
        assert trusting.call("ask", timeout=5) == "ok"
        trusting.disconnect()


def test_tls_to_a_plain_server(client: SocketIOClient) -> None:
    with Peer(stay) as peer:
        assert fails_with(client, peer.url.replace("http", "https")).startswith("tls: ")
