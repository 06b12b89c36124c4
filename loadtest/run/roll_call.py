"""Before a run, every worker says what it is; the master refuses what cannot work, before anything is set up."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loadtest.errors import Fault, Owner

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER_VERSION: Final = "runs another version of the load test, or of a package below it, than the master"
_ROOT: Final = Path(__file__).resolve().parent.parent
_ROOMS: Final = (
    "backends",
    "canaries",
    "clients",
    "live",
    "measurement",
    "network",
    "run",
    "scenarios",
    "shapes",
    "tasks",
    "transport",
    "users",
)
_PACKAGES: Final = ("gevent", "hdrhistogram", "locust", "numpy", "python-engineio", "python-socketio")
"""On whose versions a measurement depends."""
_RESERVED_FILES: Final = 128
"""Open files that a worker needs beside its users' sockets: libraries, Locust's own channel, REST."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A worker's answer.

    version: of the code that it runs. file_limit: how many files it may hold open. receive_clock: where it takes
    receive timestamps, see `transport.receive_clock`. ports: how many connections its addresses
    may have to one target. canaries_lack: what the run's canaries would not find on its machine, in pairs of
    what is missing and what to do.
    """

    version: str
    file_limit: int
    receive_clock: str
    ports: int
    canaries_lack: list[list[str]] = field(default_factory=list)

    def to_message(self) -> dict[str, Any]:
        """As a message."""
        return asdict(self)


@functools.cache
def code_version() -> str:
    """Names the code of this process: the same for the same sources and packages, wherever they are.

    Read once: a process goes on with what it has loaded, whatever happens to the files.
    """
    packages = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return digest_of(_ROOT, packages)


def digest_of(root: Path, packages: Mapping[str, str]) -> str:
    """A short name for the sources below a folder, and the versions of packages."""
    digest = hashlib.sha256(repr(sorted(packages.items())).encode())
    files = [path for room in _ROOMS for path in (root / room).rglob("*.py")]
    for path in sorted([*files, root / "errors.py", root / "locustfile.py"]):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def check(
    version: str,
    workers: list[str],
    answers: Mapping[str, Answer],
    connections: int,
    targets: int = 1,
    at_once: int = 1,
) -> None:
    """Make sure that these workers can do the run together.

    :param version: the master's own.
    :param workers: the ids of all that are there.
    :param connections: how many the run has, over all workers.
    :param at_once: how many of them go to one worker together.
    :param targets: how many instances of the backend they go to.
    :raises Fault: if they cannot.
    """
    for worker in workers:
        answer = answers.get(worker)
        if answer is None or answer.version != version:
            said = OTHER_VERSION if answer else "did not answer"
            raise Fault(
                Owner.USER,
                f"worker {worker} {said}",
                "Start the master and all workers from the same release"
                + (", with a locustfile that calls `install()`." if answer is None else "."),
            )
    # Canaries go to the first worker.
    for what, way_on in answers[workers[0]].canaries_lack if workers else ():
        raise Fault(Owner.USER, f"--canaries on the machine of worker {workers[0]}: {what}", way_on)
    each = math.ceil(connections / at_once / max(len(workers), 1)) * at_once
    for worker in workers:
        room = answers[worker].file_limit - _RESERVED_FILES
        if each > room:
            needed = math.ceil(connections / max(room, 1))
            raise Fault(
                Owner.USER,
                f"{each} connections would go to worker {worker}, which may hold {room} "
                f"(its limit of open files is {answers[worker].file_limit})",
                f"Raise the hard limit (ulimit -Hn) to {each + _RESERVED_FILES}, or start {needed} workers.",
            )
        ports = answers[worker].ports * targets
        if each > ports:
            raise Fault(
                Owner.USER,
                f"{each} connections would go to worker {worker}, whose addresses have {ports} ports for "
                "connections to the backend",
                "Widen net.ipv4.ip_local_port_range, give more --source-addresses, or start "
                f"{math.ceil(connections / max(ports, 1))} workers.",
            )
