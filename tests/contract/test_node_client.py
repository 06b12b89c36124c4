"""The contract as the official Socket.IO client on node sees it: a witness that shares no code with us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadtest.backends.prometheus import contract

from .broadcasts import create_task
from .node_client import witness

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend

pytestmark = pytest.mark.needs("node")


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
