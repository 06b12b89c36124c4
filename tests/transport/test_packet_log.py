"""Logged connections against the reference backend: every packet, both ways; others are as without a log."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import gevent
import pytest

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.prometheus import contract
from loadtest.clients.client import Client
from loadtest.clients.errors import ConnectFailedError
from loadtest.transport.engine import EngineIOClient
from loadtest.transport.packet_log import LoggingEngine, PacketLog
from loadtest.transport.websocket_frames import CLOSE, PING

from ..contract.broadcasts import create_task
from ..support import ROOT, until
from .peer import Conversation, Peer, server_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend

LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{6} c1 (<-|->|--) (.*)")
BROADCASTS = [contract.AGENT_LOG, contract.TASK_STATUS_UPDATE]


class Observer:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        self.frames.append(frame)

    def at(self, instance: str) -> Observer:
        return self


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    made: list[Client] = []
    yield made
    for client in made:
        client.disconnect()


def told(lines: list[str]) -> list[tuple[str, str]]:
    """(arrow, what) of each line, sizes and payloads left out of events."""
    parts = [found.groups() for line in lines if (found := LINE.fullmatch(line))]
    assert len(parts) == len(lines)
    return [(arrow, re.sub(r" \d+ B.*", "", what)) for arrow, what in parts]


def logged(backend: Backend, token: str | None, lines: list[str], **more: str) -> Client:
    endpoint = Endpoint(backend.url, **more)
    return Client(endpoint, token, reconnects=False, packet_log=PacketLog("c1", lines.append))


def test_every_packet_is_logged_and_the_observer_sees_the_same(
    backend: Backend, room: OwnedRoom, lines: list[str], clients: list[Client]
) -> None:
    """Also reads that are known from the other member of the room."""
    token = backend.token(room)
    clients += [logged(backend, token, lines), Client(Endpoint(backend.url), token, reconnects=False)]
    observers = [Observer(), Observer()]
    for client, observer in zip(clients, observers, strict=True):
        client.socket.observe(observer, BROADCASTS)
        client.connect()
        client.join(room.project_id)
    create_task(backend, room, "logged")
    until(lambda: all(len(one.frames) == 7 for one in observers), 10, 0.01, sleep=gevent.sleep)
    clients[0].disconnect()
    assert observers[0].frames == observers[1].frames
    events = [frame.split(b'"')[1].decode() for frame in observers[0].frames]
    assert told(lines) == [
        ("--", f"connects to {backend.url}"),
        *[one for one in told(lines) if one[1].startswith("opened by websocket: sid ")],
        ("->", "CONNECT"),
        ("<-", "CONNECT"),
        ("->", f'EVENT "{contract.JOIN}"'),
        ("<-", f'EVENT "{contract.JOINED}"'),
        *(("<-", f'EVENT "{event}"') for event in events),
        ("->", "DISCONNECT"),
        ("->", "CLOSE"),
        ("--", "ended: client disconnect"),
        ("->", "WebSocket CLOSE 1000"),
    ]
    assert sum("opened by websocket" in line for line in lines) == 1
    assert not any(part in "\n".join(lines) for part in token.split("."))
    (join,) = (line for line in lines if f'-> EVENT "{contract.JOIN}"' in line)
    assert join.endswith(f' B ["{room.project_id}"]')


def test_a_client_that_is_not_logged_keeps_its_short_way(
    documented: Backend, lines: list[str], clients: list[Client]
) -> None:
    clients += [logged(documented, None, lines), Client(Endpoint(documented.url), None, reconnects=False)]
    for client in clients:
        client.socket.observe(Observer(), BROADCASTS)
        client.connect()
    log, plain = (client.socket.eio for client in clients)
    assert type(plain) is EngineIOClient
    assert plain._channel.known is plain.known.reads
    assert type(log) is LoggingEngine
    assert log._channel.known is not log.known.reads


@pytest.mark.parametrize("place", ["auth", "header", "query", "cookie"])
def test_a_token_that_is_refused_is_not_shown(documented: Backend, lines: list[str], place: str) -> None:
    """An opaque one that looks like nothing, wherever it goes along, also when the client says it again."""
    token = "nobody-s-opaque-credential"
    client = logged(documented, token, lines, token_in=place)
    try:
        client.connect()
    except ConnectFailedError:
        # Only there does the backend look for it.
        assert place == "auth"
        assert ("<-", "CONNECT_ERROR") in told(lines)
    else:
        client.emit("whose", token)
        assert any(line.endswith('["<redacted>"]') for line in lines)
        client.disconnect()
    assert not [line for line in lines if "opaque" in line]


def test_nobody_is_there(lines: list[str]) -> None:
    client = Client(Endpoint("http://u:secret@127.0.0.1:9"), "t0ken", packet_log=PacketLog("c1", lines.append))
    with pytest.raises(ConnectFailedError):
        client.connect()
    assert told(lines)[0] == ("--", "connects to http://127.0.0.1:9")
    assert told(lines)[1][1].startswith("could not connect: ")
    assert "secret" not in "".join(lines)


def odd(conversation: Conversation) -> None:
    conversation.open()
    sock: Any = conversation.sock
    conversation.text('451-["file",{"_placeholder":true,"num":0}]')
    sock.sendall(server_frame(2, b"12345"))
    sock.sendall(server_frame(PING, b"hi"))
    conversation.text("2")
    # Two packets in one read, one of them broken off by the end.
    sock.sendall(
        server_frame(1, b'42["a",1]') + server_frame(1, b'42["b",2]') + server_frame(CLOSE, b"\x03\xf3no")
    )
    for _ in conversation.frames():
        pass


def test_what_else_goes_over_a_websocket(lines: list[str]) -> None:
    with Peer(odd) as peer:
        client = Client(Endpoint(peer.url), None, reconnects=False, packet_log=PacketLog("c1", lines.append))
        client.connect()
        until(lambda: any("ended" in line for line in lines), 10, 0.01, sleep=gevent.sleep)
    assert told(lines)[4:] == [
        ("<-", 'BINARY_EVENT "file" + 1 attachments'),
        ("<-", "ATTACHMENT"),
        ("<-", "WebSocket PING"),
        ("->", "WebSocket PONG"),
        ("<-", "PING"),
        ("->", "PONG"),
        ("<-", 'EVENT "a"'),
        ("<-", 'EVENT "b"'),
        ("<-", "WebSocket CLOSE 1011"),
        ("->", "WebSocket CLOSE 1011"),
        ("--", "broken off: closed by the server with 1011 (no)"),
        ("--", "ended: closed by the server with 1011 (no)"),
    ]


BY_POLLING = """
from gevent import monkey; monkey.patch_all()
import json, sys, time, gevent
from loadtest.backends.endpoint import Endpoint
from loadtest.clients.client import Client
from loadtest.transport.packet_log import PacketLog
url, token, room, transport = sys.argv[1:]
lines = []
client = Client(Endpoint(url, transport), token, reconnects=False, packet_log=PacketLog("c1", lines.append))
client.connect()
client.join(room)
client.disconnect()
gevent.sleep(0.2)
print(json.dumps(lines))
"""


@pytest.mark.parametrize("transport", ["polling", "upgrade"])
def test_long_polling_is_logged(documented: Backend, transport: str) -> None:
    """In a process of its own, patched by gevent as under Locust."""
    from loadtest.backends.prometheus.rows import Rows

    with Rows(documented.database_url, f"test-log-{transport}") as rows:
        room = rows.create_rooms(1)[0]
        token = documented.token(room)
        command = [sys.executable, "-c", BY_POLLING, documented.url, token, room.project_id, transport]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        rows.remove()
    lines: list[str] = json.loads(done.stdout)
    # A poll that is under way when the connection is upgraded is answered with nothing.
    packets = [one for one in told(lines) if one[0] != "--" and not one[1].startswith(("NOOP", "WebSocket"))]
    assert packets[:4] == [
        ("->", "CONNECT"),
        ("<-", "CONNECT"),
        ("->", f'EVENT "{contract.JOIN}"'),
        ("<-", f'EVENT "{contract.JOINED}"'),
    ]
    assert packets[4:6] == [("->", "DISCONNECT"), ("->", "CLOSE")]
    assert any("opened by polling" in line for line in lines)
    assert any("upgraded to WebSocket" in line for line in lines) == (transport == "upgrade")
    assert not any(part in "\n".join(lines) for part in token.split("."))
