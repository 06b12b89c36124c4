"""Connections through an HTTP proxy, against a small one that tunnels for real."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import gevent
import pytest
import socketio
from gevent import socket
from gevent.server import StreamServer

from loadtest.transport.client import SocketIOClient
from loadtest.transport.proxy import Proxy, ProxyError, proxy_for

from .peer import Conversation, Peer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("scheme", "host", "environment", "expected"),
    [
        ("ws", "a.example", {}, None),
        ("ws", "localhost", {"http_proxy": "http://p"}, None),
        ("ws", "localhost", {"http_proxy": "http://p", "no_proxy": "b.example"}, Proxy("p", 80, "")),
        ("ws", "a.example", {"http_proxy": "http://p:3128"}, Proxy("p", 3128, "")),
        ("ws", "a.example", {"HTTP_PROXY": "p:3128"}, Proxy("p", 3128, "")),
        ("ws", "a.example", {"https_proxy": "http://p:3128"}, None),
        ("wss", "a.example", {"https_proxy": "http://p"}, Proxy("p", 80, "")),
        ("wss", "a.example", {"https_proxy": "http://p", "no_proxy": "b.example,.example"}, None),
        (
            "ws",
            "a.example",
            {"http_proxy": "http://me:s%40fe@p:1"},
            Proxy("p", 1, "Basic " + base64.b64encode(b"me:s@fe").decode()),
        ),
    ],
)
def test_which_proxy(scheme: str, host: str, environment: dict[str, str], expected: Proxy | None) -> None:
    assert proxy_for(scheme, host, environment) == expected


def test_another_kind_of_proxy_is_refused() -> None:
    with pytest.raises(ProxyError, match="socks5://p is no HTTP proxy"):
        proxy_for("ws", "a.example", {"http_proxy": "socks5://p:1080"})


def test_an_ipv6_target_is_in_brackets() -> None:
    assert Proxy("p", 1, "").request("::1", 443).startswith(b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n")


class Tunnels:
    """A proxy that asks for a password."""

    def __init__(self, answer: bytes = b"") -> None:
        self.heads: list[bytes] = []
        self._answer = answer
        self.server = StreamServer(("127.0.0.1", 0), self._handle)

    def _handle(self, sock: Any, _address: Any) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(4096)
        self.heads.append(head)
        if self._answer:
            sock.sendall(self._answer)
            sock.close()
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        target = socket.create_connection((host, int(port)))
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        there = gevent.spawn(_copy, sock, target)
        _copy(target, sock)
        there.join()


def _copy(source: Any, sink: Any) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def client() -> Iterator[SocketIOClient]:
    made = SocketIOClient(reconnection=False, request_timeout=2)
    yield made
    made.shutdown()


def stay(conversation: Conversation) -> None:
    conversation.open()
    for _ in conversation.frames():
        pass


def test_a_connection_through_a_proxy(client: SocketIOClient, monkeypatch: pytest.MonkeyPatch) -> None:
    tunnels = Tunnels()
    tunnels.server.start()
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{tunnels.server.server_port}")
    monkeypatch.setenv("no_proxy", "elsewhere.invalid")
    with Peer(stay) as peer:
        client.connect(peer.url, transports=["websocket"], wait_timeout=5)
        assert client.connected
        assert set(client.eio.phases_ns) == {"tcp", "proxy", "upgrade", "open", "socketio"}
        client.disconnect()
    (head,) = tunnels.heads
    assert head.startswith(f"CONNECT {peer.url.removeprefix('http://')} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:secret") in head
    tunnels.server.stop(timeout=0.1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno", "proxy: HTTP 407: no"),
        (b"SSH-2.0\r\n", "proxy: the answer is no HTTP"),
    ],
)
def test_a_proxy_that_refuses(
    client: SocketIOClient, monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str
) -> None:
    tunnels = Tunnels(answer)
    tunnels.server.start()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{tunnels.server.server_port}")
    with pytest.raises(socketio.exceptions.ConnectionError, match=said):
        client.connect("http://backend.invalid", transports=["websocket"], wait_timeout=5)
    tunnels.server.stop(timeout=0.1)


def test_a_proxy_that_is_not_there(client: SocketIOClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(socketio.exceptions.ConnectionError, match="tcp: connection refused"):
        client.connect("http://backend.invalid", transports=["websocket"], wait_timeout=5)
