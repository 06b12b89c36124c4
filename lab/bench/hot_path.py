"""One broadcast after the other through what every delivery takes: poller, known reads, meter, a report every 50.

Run by `lab.bench.instructions` under valgrind. The sockets are real and have the kernel's timestamps; they are
filled by a child, which valgrind does not follow, before they are read: so each run does exactly the same.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.evidence import GENERATOR_DELAY
from loadtest.measurement.meter import Meter
from loadtest.measurement.trace import Trace, encode
from loadtest.transport.channel import Channel
from loadtest.transport.client import SocketIOClient
from loadtest.transport.receive_clock import KERNEL, receive_clock
from loadtest.transport.shared import shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.transport.observer import Observer

_RUN: Final = "0123abcd"
_REPORT_EVERY: Final = 50
_MORE_THAN_125: Final = 126


def frames(broadcasts: int) -> Iterator[bytes]:
    """What a server sends: each broadcast as one WebSocket frame."""
    for seq in range(broadcasts):
        token = encode(Trace(_RUN, 0, 1, seq, 1_700_000_000_000_000_000 + seq))
        log = {
            "message": f'[Orchestrator]: took "Load test {token}" on.',
            "agentName": "Agent-1",
            "agentId": "1" * 36,
        }
        payload = b"42" + json.dumps(["agentLog", log], separators=(",", ":")).encode()
        yield bytes((0x81, _MORE_THAN_125)) + len(payload).to_bytes(2, "big") + payload


def serve(members: int, broadcasts: int) -> None:
    """The child: sends the next broadcast to everybody whenever it is told to."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=members)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    sockets = [listener.accept()[0] for _ in range(members)]
    for frame in frames(broadcasts):
        sys.stdin.readline()
        for sock in sockets:
            sock.sendall(frame)
        sys.stdout.write("sent\n")
        sys.stdout.flush()


class _OneCallMore:
    """An observer that costs each delivery one call of Python more: the fault that the guard has to see."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        """Hand on."""
        self._observer.observe(member, event, frame, received_ns)

    def at(self, instance: str) -> Observer:
        """From anywhere."""
        return self._observer.at(instance)


def connected(meter: Meter, port: int, *, slower: bool) -> SocketIOClient:
    """A member that has connected and joined."""
    client = SocketIOClient()
    account = meter.open_account()
    observer: Observer = _OneCallMore(meter) if slower else meter
    client.observe(observer, Reader.events, account.number)
    account.joining(0)
    account.joined(0, 1)
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setblocking(False)
    engine = client.eio
    engine._channel = Channel(sock, "hot path")
    engine.current_transport, engine.state = "websocket", "connected"
    engine._channel.start(engine.shared.poller, engine._on_data, engine._on_end)
    engine._shorten()
    return client


def main() -> None:
    """Receive all broadcasts; exit code 1 if any is missing."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.hot_path", description=__doc__)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--broadcasts", type=int, default=100)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--slower", action="store_true", help="one call more for each delivery")
    options = parser.parse_args()
    if options.serve:
        serve(options.members, options.broadcasts)
        return
    assert receive_clock() == KERNEL
    meter = Meter(_RUN, Reader())
    command = [sys.executable, "-m", "lab.bench.hot_path", "--serve", "--members", str(options.members)]
    command += ["--broadcasts", str(options.broadcasts)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        members = [connected(meter, port, slower=options.slower) for _ in range(options.members)]
        poller = shared().poller
        poller.take_delays_ns()
        for number in range(options.broadcasts):
            server.stdin.write("\n")
            server.stdin.flush()
            server.stdout.readline()
            due = (number + 1) * options.members
            while meter.received < due:
                poller._poll()
            if number % _REPORT_EVERY == _REPORT_EVERY - 1:
                delays_us = np.array(poller.take_delays_ns()) // 1000
                meter.take_report(time.time_ns(), {}, {GENERATOR_DELAY: delays_us})
        server.stdin.close()
    if meter.received != options.broadcasts * len(members):
        sys.exit("not everything came")


if __name__ == "__main__":
    main()
