"""A server that does exactly what a test tells it: WebSocket and Engine.IO by hand, on gevent, in this process."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any

from gevent.server import StreamServer
from wsproto.frame_protocol import FrameProtocol, Opcode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def server_frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A frame as wsproto's server writes it."""
    return bytes(FrameProtocol(client=False, extensions=[])._serialize_frame(Opcode(opcode), payload, fin))


class Conversation:
    """One connection, from the server's side."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self._protocol = FrameProtocol(client=False, extensions=[])
        self._frames = self._read()

    def upgrade(self, accept: bytes | None = None) -> dict[str, str]:
        """Answer the opening handshake; return its headers."""
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.sock.recv(4096)
            if not more:
                return {}
            head += more
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        key = lines["Sec-WebSocket-Key"].encode()
        answer = accept or base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + answer + b"\r\n\r\n"
        )
        return lines

    def open(self, interval_ms: int = 25_000, timeout_ms: int = 20_000) -> None:
        """The handshake, the OPEN packet and the default namespace."""
        self.upgrade()
        self.greet(interval_ms, timeout_ms)

    def greet(self, interval_ms: int = 25_000, timeout_ms: int = 20_000) -> None:
        """The OPEN packet and the default namespace."""
        opened = {"sid": "s", "upgrades": [], "pingInterval": interval_ms, "pingTimeout": timeout_ms}
        self.text("0" + json.dumps(opened))
        frames = self.frames()
        assert next(frames).startswith("40")
        self.text('40{"sid":"x"}')

    def text(self, text: str) -> None:
        self.sock.sendall(server_frame(Opcode.TEXT, text.encode()))

    def frames(self) -> Iterator[Any]:
        """What the client sends: text as str, everything else as frames; ends with the connection."""
        return self._frames

    def _read(self) -> Iterator[Any]:
        while True:
            try:
                data = self.sock.recv(65536)
            except OSError:
                return
            if not data:
                return
            self._protocol.receive_bytes(data)
            for frame in self._protocol.received_frames():
                yield frame.payload if frame.opcode is Opcode.TEXT else frame


class Peer:
    """A server whose every connection runs one script.

    :param address: where it listens; localhost has to lead there for `url`.
    :param options: for the server's TLS.
    """

    def __init__(self, script: Callable[[Conversation], None], address: str = "127.0.0.1", **options: Any) -> None:
        def handle(sock: Any, _address: Any) -> None:
            # The client went away in the middle of the script: what that means is the test's business.
            with contextlib.suppress(OSError, StopIteration, AssertionError):
                script(Conversation(sock))

        self._server = StreamServer((address, 0), handle, **options)
        self._secure = bool(options)

    @property
    def url(self) -> str:
        return f"{'https' if self._secure else 'http'}://localhost:{self._server.server_port}"

    def __enter__(self) -> Peer:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(timeout=0.1)
