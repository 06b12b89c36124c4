"""What ends a connection, and a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadtest.backends.prometheus import contract

from ..support import Wire, start_backend

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend


def test_an_oversized_message_closes(backend: Backend) -> None:
    with Wire(backend) as wire:
        wire.connect()
        wire.emit("x", "a" * 1_000_001)
        assert wire.close_code() == 1005


def test_a_message_of_nearly_the_limit_is_taken(backend: Backend, room: OwnedRoom) -> None:
    with Wire(backend) as wire:
        wire.connect({"token": backend.token(room)})
        wire.emit("x", "a" * 999_000)
        wire.emit(contract.JOIN, room.project_id)
        assert wire.event()[0] == contract.JOINED


@pytest.mark.parametrize("frame", ["x", "42[", "4x", "42{}", "9", ""])
def test_a_malformed_packet_closes_without_a_code(backend: Backend, frame: str) -> None:
    with Wire(backend) as wire:
        wire.connect()
        wire.send(frame)
        assert wire.close_code() == 1005


def test_a_client_that_never_connects_is_closed_after_45_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real time-out, on a loop whose clock we turn."""
    import asyncio

    from lab.reference_backend import realtime

    async def scenario() -> tuple[list[dict[str, object]], float]:
        server = realtime.Server()
        sent: list[dict[str, object]] = []

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        environ = {"asgi.scope": {"type": "websocket"}, "asgi.send": send}
        loop = asyncio.get_running_loop()
        await server._handle_eio_connect("sid", environ)
        timer = server._openings["sid"]
        wait_s = timer.when() - loop.time()
        timer._run()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        timer.cancel()
        return sent, wait_s

    sent, wait_s = asyncio.run(scenario())
    assert sent == [{"type": "websocket.close"}]
    assert 44 < wait_s <= 45


def test_sigterm_closes_at_once_and_ends_the_database_too() -> None:
    backend = start_backend("documented")
    with Wire(backend) as wire:
        wire.connect()
        assert backend.stop() == 0
        assert wire.close_code() in (1005, 1012)
    folder = backend.database_url.rpartition("=")[2]
    from pathlib import Path

    assert not Path(folder).exists()
