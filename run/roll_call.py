"""Before a run, every worker says what it is; the master refuses what cannot work, before anything is set up."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from faults import Fault, Owner

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT: Final = Path(__file__).resolve().parent.parent
_ROOMS: Final = ("backend", "measure", "run", "tasks", "transport", "users")
_RESERVED_FILES: Final = 128
"""Open files that a worker needs beside its users' sockets: libraries, Locust's own channel, REST."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A worker's answer.

    version: of the code that it runs. file_limit: how many files it may hold open. receive_clock: where it takes
    receive timestamps, see `transport.receive_clock`.
    """

    version: str
    file_limit: int
    receive_clock: str

    def to_message(self) -> dict[str, Any]:
        """As a message."""
        return asdict(self)


def code_version() -> str:
    """Names the code of this process: the same for the same sources, wherever they are."""
    digest = hashlib.sha256()
    files = [path for room in _ROOMS for path in (_ROOT / room).rglob("*.py")]
    for path in sorted([*files, _ROOT / "faults.py", _ROOT / "locustfile.py"]):
        digest.update(str(path.relative_to(_ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def check(version: str, workers: list[str], answers: Mapping[str, Answer], users: int) -> None:
    """Make sure that these workers can do the run together.

    :param version: the master's own.
    :param workers: the ids of all that are there.
    :param users: how many Locust users the run has, over all workers.
    :raises Fault: if they cannot.
    """
    for worker in workers:
        answer = answers.get(worker)
        if answer is None or answer.version != version:
            said = "runs another version of the load test than the master" if answer else "did not answer"
            raise Fault(
                Owner.USER,
                f"worker {worker} {said}",
                "Start the master and all workers from the same release.",
            )
    each = math.ceil(users / max(len(workers), 1))
    for worker in workers:
        room = answers[worker].file_limit - _RESERVED_FILES
        if each > room:
            needed = math.ceil(users / max(room, 1))
            raise Fault(
                Owner.USER,
                f"{each} users would go to worker {worker}, which may hold {room} connections "
                f"(its limit of open files is {answers[worker].file_limit})",
                f"Raise the hard limit (ulimit -Hn) to {each + _RESERVED_FILES}, or start {needed} workers.",
            )
