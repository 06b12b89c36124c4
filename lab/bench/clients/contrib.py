"""locust.contrib.socketio, as its documentation shows it."""

import sys

import gevent
import gevent.os
from gevent.pool import Pool

from lab.bench.clients.protocol import say
from locust.contrib.socketio import SocketIOClient  # also patches the standard library
from locust.event import Events

_AT_A_TIME = 50


def main() -> None:
    """Run."""
    url, connections = sys.argv[1], int(sys.argv[2])
    events = Events()
    received = 0

    def on_request(name: str, **_: object) -> None:
        nonlocal received
        received += name == "agentLog"

    events.request.add_listener(on_request)
    clients = []

    def connect() -> None:
        client = SocketIOClient(events.request)
        client.on("*", client.on_message)
        client.connect(url, auth={"token": "x" * 200}, transports=["websocket"], wait_timeout=10)
        client.emit("joinProjectRoom", "bench/0")
        clients.append(client)

    say(start=True)
    pool = Pool(_AT_A_TIME)
    for _ in range(connections):
        pool.spawn(connect)
    pool.join(raise_error=True)
    gevent.sleep(1)
    say(ready=True)
    gevent.os.tp_read(0, 1)
    say(received=received)


main()
