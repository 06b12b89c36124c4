"""The seam with python-socketio, against the official server on node; in a process of its own, as under Locust."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from ..support import ROOT, node_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.needs("node")

SCENARIO = """
from gevent import monkey; monkey.patch_all()
import gevent, json, sys, time
import socketio
from gevent.event import Event
from loadtest.transport.client import SocketIOClient

url, transports = sys.argv[1], sys.argv[2].split("+")
said = {}

class Observer:
    def __init__(self):
        self.frames = []
    def observe(self, member, event, frame, received_ns):
        self.frames.append([member, frame.decode()])

def until(happens):
    with gevent.Timeout(10):
        while not happens():
            gevent.sleep(0.01)

heard = []
observer = Observer()
client = SocketIOClient(reconnection_delay=0.05)
client.observe(observer, ["n"], member=7)
for name in ("welcome", "echo", "joinedRoom", "answered"):
    client.on(name, lambda *what, name=name: heard.append([name, *what]))
client.on("question", lambda number: number * 7)
connects, ends = [], []
client.on("connect", lambda: connects.append(1))
client.on("disconnect", ends.append)
client.connect(url, auth={"token": "good"}, transports=transports, namespaces=["/", "/admin"], wait_timeout=10)
until(lambda: client.transport() == sys.argv[3])
said["transport"] = client.transport()
until(lambda: heard)
said["welcome"] = heard.pop()
said["ack"] = client.call("echo", ("two", {"arguments": "\\u0416\\U0001f600"}))
said["binary"] = client.call("echo", {"data": b"\\x00\\xff" * 50_000})["data"] == b"\\x00\\xff" * 50_000
said["large"] = client.call("echo", "x" * 900_000) == "x" * 900_000
said["admin"] = client.call("echo", "in a namespace", namespace="/admin")
client.emit("ask-me")
until(lambda: heard)
said["asked"] = heard.pop()
client.emit("joinProjectRoom", "room")
until(lambda: heard)
said["joined"] = heard.pop()[0]
client.emit("count", ("room", 500))
until(lambda: len(observer.frames) == 500)
said["in order"] = observer.frames == [[7, f'42["n",{n}]'] for n in range(500)]
client.emit("echo", "x" * 1_000_001)  # more than it takes
until(lambda: len(connects) == 2 and client.connected)
client.emit("drop-me")
until(lambda: len(connects) == 3 and client.connected)
said["back"] = [ends[:2], client.call("echo", "back")]
connected_before = len(connects)
client.emit("throw-me-out")
until(lambda: not client.connected)
gevent.sleep(0.3)
said["thrown out"] = [client.connected, len(connects) - connected_before]
try:
    stranger = SocketIOClient(reconnection=False)
    stranger.connect(url, transports=transports, namespaces=["/admin"], wait_timeout=5)
except socketio.exceptions.ConnectionError as error:
    said["refused"] = str(error)
print(json.dumps(said))
"""


@pytest.fixture
def gateway() -> Iterator[Callable[..., str]]:
    """Starts servers with options; gives their URLs."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(node_server("gateway.mjs", options))


@pytest.mark.parametrize(
    ("transports", "options"),
    [
        ("websocket", {}),
        ("polling", {}),
        ("polling+websocket", {}),
        ("websocket", {"pingInterval": 50, "pingTimeout": 2000}),
        ("websocket", {"perMessageDeflate": True}),
        ("polling+websocket", {"refusesWebSockets": True}),
    ],
)
def test_everything_works_with_the_official_server(
    gateway: Callable[..., str], transports: str, options: dict[str, Any]
) -> None:
    ends_on = "polling" if "refusesWebSockets" in options else transports.rsplit("+", maxsplit=1)[-1]
    command = [sys.executable, "-c", SCENARIO, gateway(**options), transports, ends_on]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said == {
        "back": [["transport error"] * 2, "back"],
        "transport": ends_on,
        "welcome": ["welcome", {"token": "good"}],
        "ack": ["two", {"arguments": "Ж😀"}],
        "binary": True,
        "large": True,
        "admin": "in a namespace",
        "asked": ["answered", 42],
        "joined": "joinedRoom",
        "in order": True,
        "thrown out": [False, 0],
        "refused": "/admin was refused: no admin",
    }
