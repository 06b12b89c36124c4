"""The contract as the official Socket.IO client on node sees it: a witness that shares no code with us."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from backend import contract

from ..support import ROOT
from .broadcasts import create_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backend.rows import OwnedRoom

    from ..support import Backend

pytestmark = pytest.mark.needs("node")


class Witness:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def says(self) -> list[Any]:
        """The next thing that happened; the test's time-out ends a witness that stays silent."""
        assert self._process.stdout is not None
        decoded: list[Any] = json.loads(self._process.stdout.readline())
        return decoded


@contextmanager
def witness(backend: Backend, transport: str = "websocket", token: str = "", room: str = "") -> Iterator[Witness]:
    script = ROOT / "tests" / "contract" / "witness.mjs"
    command = ["node", str(script), backend.url, transport, token, room]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Witness(process)
        finally:
            process.kill()


@pytest.mark.parametrize("transport", ["websocket", "polling", "polling+websocket"])
def test_a_task_s_burst(backend: Backend, room: OwnedRoom, transport: str) -> None:
    with witness(backend, transport, backend.token(room), room.project_id) as client:
        # Connected, joined, acknowledged or not, upgraded if asked: in no certain order.
        heard = [client.says() for _ in range(4 if "+" in transport else 3)]
        assert ["connect"] in heard
        assert (["upgrade", "websocket"] in heard) == ("+" in transport)
        assert any(said[:2] == ["event", contract.JOINED] for said in heard)
        acked = any(said[0] == "ack" for said in heard)
        assert acked == (backend.profile == "documented")
        create_task(backend, room, "seen from node")
        burst = [client.says() for _ in range(7)]
        assert [said[1] for said in burst] == [step.event for step in contract.BURST_WITH_AGENT]
        assert "seen from node" in burst[0][2]["message"]


def test_a_bad_token(backend: Backend) -> None:
    with witness(backend, token="garbage") as client:
        said = client.says()
    assert said[0] == ("connect_error" if backend.profile == "documented" else "connect")
