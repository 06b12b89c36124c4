"""Every kind of broadcast of official servers is observed and acknowledged: with attachments, acks, odd names."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.measurement.frame_syntax import is_parsable

from ..support import ROOT, node_server, server_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

if TYPE_CHECKING:
    pass

NAMES = ["plain", 'a"b', "back\\slash", "naïve", "😀", "tab\tand\nline", "a,b]"]
REPEATS = 3
TRANSPORTS = ["websocket", "polling", "polling+websocket"]

CLIENTS = """
from gevent import monkey; monkey.patch_all()
import gevent, json, sys
from loadtest.transport.client import SocketIOClient

url, transports, parser, names = sys.argv[1], sys.argv[2].split("+"), *map(json.loads, sys.argv[3:])
frames = [[], []]

class Observer:
    def observe(self, member, event, frame, received_ns):
        frames[member].append([event, frame.decode()])

done, handled, clients = [], [], []
for member in (0, 1):
    client = SocketIOClient(reconnection=False, serializer=parser)
    client.observe(Observer(), names, member=member)
    client.on("done", lambda answers: done.append(answers))
    if member == 0:
        for name in names:
            client.on(name, lambda *arguments, name=name: handled.append([name, repr(arguments)]) or "handled")
    client.connect(url, transports=transports, wait_timeout=10)
    clients.append(client)
with gevent.Timeout(20):
    while any(client.transport() != transports[-1] for client in clients):
        gevent.sleep(0.01)
    clients[0].emit("begin")
    while len(done) < 2:
        gevent.sleep(0.01)
print(json.dumps({"frames": frames, "answers": done[0], "handled": handled,
                  "connected": [client.connected for client in clients]}, default=repr))
"""

PYTHON_SERVER = """
import asyncio, json, sys
import socketio, uvicorn

names, repeats, parser = json.loads(sys.argv[1])
server = socketio.AsyncServer(async_mode="asgi", serializer=parser)
waiting = set()

@server.event
async def connect(sid, environ):
    await server.enter_room(sid, "room")

async def acknowledged(sid, name, *arguments):
    try:
        return await server.call(name, arguments, to=sid, timeout=5)
    except socketio.exceptions.TimeoutError:
        return "no answer"

@server.event
async def begin(sid):
    sids = [one for one, _ in server.manager.get_participants("/", "room")]
    async def send():
        answers = []
        for n in range(repeats):
            for name in names:
                await server.emit(name, (n, "plain"), room="room")
                await server.emit(name, (n, {"one": b"1"}), room="room")
                await server.emit(name, (n, b"1", ["x", {"two": bytes(9000)}], b"3"), room="room")
                for arguments in ((n, "ack"), (n, {"ack": b"2"})):
                    answers.append(await asyncio.gather(*(acknowledged(one, name, *arguments) for one in sids)))
                answers.append([await acknowledged(sid, name, n, "mine")])
        await server.emit("done", (answers,), room="room")
    task = asyncio.create_task(send())
    waiting.add(task)

async def main():
    app = socketio.ASGIApp(server)
    uvicorn_server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    task = asyncio.create_task(uvicorn_server.serve())
    while not uvicorn_server.started:
        await asyncio.sleep(0.01)
    print(uvicorn_server.servers[0].sockets[0].getsockname()[1], flush=True)
    await task

asyncio.run(main())
"""


def python_server(parser: str) -> AbstractContextManager[str]:
    return server_of(sys.executable, "-c", PYTHON_SERVER, json.dumps([NAMES, REPEATS, parser]))


def node(parser: str) -> Any:
    return node_server("broadcasts.mjs", {"parser": parser, "names": NAMES, "repeats": REPEATS})


def received(url: str, transports: str, parser: str) -> dict[str, Any]:
    command = [sys.executable, "-c", CLIENTS, url, transports, *map(json.dumps, (parser, NAMES))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("parser", ["default", "msgpack"])
@pytest.mark.parametrize(
    "server", [pytest.param(node, marks=pytest.mark.needs("node")), python_server], ids=["node", "python"]
)
def test_all_of_them_are_observed_and_acknowledged(server: Any, parser: str, transports: str) -> None:
    """One client handles all of them, the other none."""
    with server(parser) as url:
        said = received(url, transports, parser)
    assert said["connected"] == [True, True]
    # Five to the room, and one more to the client that has asked for all of them.
    assert [name for name, _ in said["frames"][0]] == [name for name in NAMES for _ in range(6)] * REPEATS
    assert [name for name, _ in said["frames"][1]] == [name for name in NAMES for _ in range(5)] * REPEATS
    assert all(is_parsable(frame.encode()) for frames in said["frames"] for _, frame in frames)
    answers = said["answers"]
    assert len(answers) == 3 * len(NAMES) * REPEATS
    assert [len(one) for one in answers] == [2, 2, 1] * (len(answers) // 3), "each client answers once"
    given = {str(answer) for one in answers for answer in one}
    assert "no answer" not in given
    assert "handled" in given
    assert len(said["handled"]) == 6 * len(NAMES) * REPEATS
