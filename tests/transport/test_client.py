"""The seam with python-socketio: what the observer sees, when, and that the client's own API goes on working.

The scenarios run in a process of their own, patched by gevent as under Locust.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ..contract.broadcasts import create_task
from ..support import ROOT, Backend

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom

SCENARIO = """
from gevent import monkey; monkey.patch_all()
import json, sys, time, gevent, gevent.os
from loadtest.transport.client import SocketIOClient
url, token, room, mode, transports = sys.argv[1:]
say = lambda *what: print(json.dumps(what), flush=True)

class Observer:
    def observe(self, member, event, frame, received_ns):
        say("observed", event, frame.decode(), abs(time.time_ns() - received_ns) < 10**9)

client = SocketIOClient(reconnection=False)
client.observe(Observer(), ["agentLog"])
if mode == "handled":
    client.on("agentLog", lambda payload: say("handled", payload["message"]))
client.on("taskStatusUpdate", lambda payload: say("update", payload["newStatus"]))
client.on("joinedRoom", lambda answer: say("joined"))
client.on("disconnect", lambda reason: say("disconnect", reason))
client.connect(url, auth={"token": token}, transports=transports.split("+"))
client.emit("joinProjectRoom", room)
if mode == "call":
    say("called", client.call("joinProjectRoom", room, timeout=5))
    say("transport", client.transport())
gevent.os.tp_read(0, 1)
client.disconnect()
"""


class Scenario:
    def __init__(self, backend: Backend, room: OwnedRoom, mode: str, transports: str = "websocket") -> None:
        command = [
            sys.executable,
            "-c",
            SCENARIO,
            backend.url,
            backend.token(room),
            room.project_id,
            mode,
            transports,
        ]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def says(self) -> list[Any]:
        assert self._process.stdout is not None
        said: list[Any] = json.loads(self._process.stdout.readline())
        return said

    def end(self) -> None:
        self._process.communicate("\n", timeout=20)


@pytest.fixture(params=["observed", "handled"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_observer_sees_raw_frames_in_order(documented: Backend, mode: str) -> None:
    from loadtest.backends.prometheus.rows import Rows

    with Rows(documented.database_url, f"transport-{mode}") as rows:
        (room,) = rows.create_rooms(1)
        scenario = Scenario(documented, room, mode)
        try:
            assert scenario.says() == ["joined"]
            create_task(documented, room, "ordered")
            expected = 5 + 2 + (5 if mode == "handled" else 0)
            said = [scenario.says() for _ in range(expected)]
        finally:
            scenario.end()
            rows.remove()
    observed = [line for line in said if line[0] == "observed"]
    assert [line[1] for line in observed] == ["agentLog"] * 5
    assert all(line[2].startswith('42["agentLog",{') and line[3] for line in observed)
    order = [
        next(w for w in ("Принял", "IN_PROGRESS", "Docker]", "КРИТ", "FAILED") if w in o[2]) for o in observed
    ]
    assert order == ["Принял", "IN_PROGRESS", "Docker]", "КРИТ", "FAILED"]
    # What is not observed goes to python-socketio as ever; what is observed only if somebody handles it.
    assert sorted(line[1] for line in said if line[0] == "update") == ["FAILED", "IN_PROGRESS"]
    assert sum(line[0] == "handled" for line in said) == (5 if mode == "handled" else 0)


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling+websocket"])
def test_every_transport(documented: Backend, transports: str) -> None:
    """Long-polling is python-engineio's own; an upgraded connection ends up in the event-driven reader."""
    from loadtest.backends.prometheus.rows import Rows

    with Rows(documented.database_url, f"transport-{len(transports)}") as rows:
        (room,) = rows.create_rooms(1)
        scenario = Scenario(documented, room, "call", transports)
        try:
            said = [scenario.says() for _ in range(4)]
            assert ["called", f"You have successfully joined project room {room.project_id}"] in said
            assert ["transport", transports.rpartition("+")[2]] in said
            create_task(documented, room, "seen")
            burst = [scenario.says() for _ in range(7)]
        finally:
            scenario.end()
            rows.remove()
    assert [line[1] for line in burst if line[0] == "observed"] == ["agentLog"] * 5
    assert [line[1] for line in burst if line[0] == "update"] == ["IN_PROGRESS", "FAILED"]
