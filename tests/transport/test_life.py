"""The connection's life as a table: what each event does in each state.

States: new, dialling (TCP is there, the upgrade is not answered), opening (upgraded, no OPEN packet), joining (the
namespace is not answered), connected, closed (by us), lost.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gevent
import pytest
import socketio
from wsproto.frame_protocol import Opcode

from loadtest.transport.client import SocketIOClient

from ..greenlets import until
from .peer import Conversation, Peer, server_frame

if TYPE_CHECKING:
    from collections.abc import Callable

SOON_S = 0.4
"""How long connecting and pings may take here."""


@dataclass
class Life:
    """One connection under test: brought to a state, then the event happens."""

    url: str
    conversations: list[Conversation] = field(default_factory=list)
    disconnects: list[Any] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = SocketIOClient(reconnection=False, request_timeout=SOON_S)
        self.client.on("disconnect", self.disconnects.append)
        self.connecting: gevent.Greenlet | None = None

    def connect(self) -> None:
        try:
            self.client.connect(self.url, transports=["websocket"], wait_timeout=SOON_S)
        except socketio.exceptions.ConnectionError as error:
            self.raised.append(str(error))

    @property
    def server(self) -> Conversation:
        return self.conversations[-1]

    def outcome(self) -> tuple[str, int, bool]:
        """What connect() raised, how often the disconnect handler ran, whether it is connected."""
        return "; ".join(self.raised), len(self.disconnects), self.client.connected


# Events


def nothing(_life: Life) -> None:
    """The server stays silent."""


def server_closes(life: Life) -> None:
    life.server.sock.shutdown(socket.SHUT_WR)


def server_resets(life: Life) -> None:
    life.server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    life.server.sock.close()


def garbage(life: Life) -> None:
    life.server.sock.sendall(b"\xff\xff garbage, and no end\r\n\r\n")


def close_frame(life: Life) -> None:
    life.server.sock.sendall(server_frame(Opcode.CLOSE, b"\x03\xe9bye"))


def close_packet(life: Life) -> None:
    life.server.text("1")


def unknown_packet(life: Life) -> None:
    life.server.text("9")


def ping(life: Life) -> None:
    life.server.text("2")
    gevent.sleep(0.05)


def namespace_disconnect(life: Life) -> None:
    life.server.text("41")


def namespace_refused(life: Life) -> None:
    life.server.text('44{"message":"no"}')


def we_disconnect(life: Life) -> None:
    life.client.disconnect()


def we_emit(life: Life) -> None:
    try:
        life.client.emit("hello")
    except socketio.exceptions.BadNamespaceError:
        life.raised.append("emit refused")


SILENT = "the namespace was not answered in time"
LOST = "lost before the namespace was joined: "

TABLE: dict[tuple[str, Callable[[Life], None]], tuple[str, int, bool]] = {
    ("new", we_disconnect): ("", 0, False),
    ("new", we_emit): ("emit refused", 0, False),
    ("dialling", nothing): ("upgrade: timed out", 0, False),
    ("dialling", server_closes): ("upgrade: the connection was closed before it answered", 0, False),
    ("dialling", server_resets): ("upgrade: connection reset by peer", 0, False),
    ("dialling", garbage): ("upgrade: the answer is no HTTP", 0, False),
    ("dialling", we_disconnect): ("upgrade: timed out", 0, False),
    ("dialling", we_emit): ("emit refused; upgrade: timed out", 0, False),
    ("opening", nothing): ("open: timed out", 0, False),
    ("opening", server_closes): ("open: the server closed before it opened", 0, False),
    ("opening", server_resets): ("open: connection reset by peer", 0, False),
    ("opening", garbage): ("open: a masked frame from the server", 0, False),
    ("opening", close_frame): ("open: the first packet is no OPEN packet", 0, False),
    ("opening", ping): ("open: the first packet is no OPEN packet", 0, False),
    ("opening", we_disconnect): ("open: timed out", 0, False),
    ("joining", nothing): (SILENT, 0, False),
    ("joining", server_closes): (LOST + "closed by the peer", 0, False),
    ("joining", server_resets): (LOST + "connection reset by peer", 0, False),
    ("joining", garbage): (LOST + "protocol error of the server: a masked frame from the server", 0, False),
    ("joining", close_frame): (LOST + "closed by the server with 1001 (bye)", 0, False),
    ("joining", close_packet): (LOST + "closed by the server", 0, False),
    ("joining", namespace_refused): ("/ was refused: no", 0, False),
    ("joining", ping): (SILENT, 0, False),
    ("joining", we_disconnect): (SILENT, 0, False),
    ("joining", we_emit): ("emit refused; " + SILENT, 0, False),
    ("connected", nothing): ("", 1, False),
    ("connected", server_closes): ("", 1, False),
    ("connected", server_resets): ("", 1, False),
    ("connected", garbage): ("", 1, False),
    ("connected", close_frame): ("", 1, False),
    ("connected", close_packet): ("", 1, False),
    ("connected", unknown_packet): ("", 1, False),
    ("connected", namespace_disconnect): ("", 1, False),
    ("connected", ping): ("", 0, True),
    ("connected", we_disconnect): ("", 1, False),
    ("connected", we_emit): ("", 0, True),
    ("closed", we_disconnect): ("", 1, False),
    ("closed", we_emit): ("emit refused", 1, False),
    ("lost", we_disconnect): ("", 1, False),
    ("lost", we_emit): ("emit refused", 1, False),
}


def script_until(state: str, life: list[Life], timing: dict[str, int]) -> Callable[[Conversation], None]:
    def script(conversation: Conversation) -> None:
        if state != "dialling":
            conversation.upgrade()
        if state not in ("dialling", "opening"):
            conversation.text("0" + json.dumps({"sid": "s", "upgrades": [], **timing}))
            # Whoever asks to join has read that, and takes what comes next for itself.
            assert next(conversation.frames()).startswith("40")
        if state not in ("dialling", "opening", "joining"):
            conversation.text('40{"sid":"x"}')
        life[0].conversations.append(conversation)
        gevent.sleep(10)

    return script


@pytest.mark.parametrize(
    ("state", "event"), TABLE, ids=lambda part: part if isinstance(part, str) else part.__name__
)
def test_what_each_event_does_in_each_state(state: str, event: Callable[[Life], None]) -> None:
    lives: list[Life] = []
    patience_ms = 200 if event is nothing else 20_000
    timing = {"pingInterval": patience_ms, "pingTimeout": patience_ms}
    with Peer(script_until(state, lives, timing)) as peer:
        life = Life(peer.url)
        lives.append(life)
        if state != "new":
            life.connecting = gevent.spawn(life.connect)
            with gevent.Timeout(5):
                while not life.conversations or (
                    state in ("connected", "closed", "lost") and not life.connecting.ready()
                ):
                    gevent.sleep(0.005)
        if state == "closed":
            life.client.disconnect()
        if state == "lost":
            server_closes(life)
            until(lambda: not life.client.connected)
        event(life)
        if life.connecting is not None:
            life.connecting.join(timeout=5)
            assert life.connecting.ready()
        expected = TABLE[state, event]
        with gevent.Timeout(5, False):
            while life.outcome() != expected:
                gevent.sleep(0.02)
        gevent.sleep(0.02)
        assert life.outcome() == expected
        assert life.client.eio.state == ("connected" if expected[2] else "disconnected")
        life.client.shutdown()
