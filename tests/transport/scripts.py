"""What a server does in these tests, what it is waited for, and what an observer has seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import socketio

from loadtest.transport.client import SocketIOClient

from .peer import Conversation

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 10.0


def stay(conversation: Conversation) -> None:
    for _ in conversation.frames():
        pass


def opened(then: Callable[[Conversation], None] = stay, **timing: int) -> Callable[[Conversation], None]:
    """Open, wait until the client asks for it, and go on."""

    def script(conversation: Conversation) -> None:
        conversation.open(**timing)
        assert next(conversation.frames()) == '42["begin"]'
        then(conversation)

    return script


def connect(client: SocketIOClient, url: str) -> None:
    client.connect(url, transports=["websocket"], wait_timeout=5)
    client.emit("begin")


def fails_with(client: SocketIOClient, url: str) -> str:
    with pytest.raises(socketio.exceptions.ConnectionError) as failure:
        connect(client, url)
    assert client.eio.state == "disconnected"
    return str(failure.value)


class Seen:
    def __init__(self) -> None:
        self.frames: list[tuple[str, bytes, int]] = []

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        self.frames.append((event, frame, received_ns))


def echo(conversation: Conversation) -> None:
    """Acknowledges every event with its name, and sends `n` once it is asked to."""
    for text in conversation.frames():
        if not isinstance(text, str):
            return
        if text.startswith(("421[", "422[")):
            conversation.text(f'43{text[2]}["ok"]')
        elif text.startswith('42["go"'):
            conversation.text('42["n",1]')


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
