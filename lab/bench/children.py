"""Child processes of the bench: spoken to in lines of JSON; their CPU and memory are read from outside."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

import psutil

if TYPE_CHECKING:
    from types import TracebackType

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent.parent
_QUIET_S: Final = 0.5
_QUIET_CPU_S: Final = 0.05


class Child:
    """One child, with all processes that it starts itself.

    :param log: takes what the child says on standard error, and on standard output if it speaks no JSON.
    """

    def __init__(self, command: list[str], log: IO[str], *, speaks: bool = True) -> None:
        self._child = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if speaks else log,
            stderr=log,
            text=True,
        )
        self._process = psutil.Process(self._child.pid)

    def line(self) -> dict[str, Any]:
        """The next line that it says."""
        assert self._child.stdout is not None
        said: dict[str, Any] = json.loads(self._child.stdout.readline())
        return said

    def tell(self, line: str) -> dict[str, Any]:
        """Say a line; the answer."""
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()
        return self.line()

    def hang_up(self) -> dict[str, Any]:
        """Close its standard input; its last words."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        return self.line()

    def cpu_s(self) -> float:
        """User and system time so far."""
        times = [process.cpu_times() for process in self._all()]
        return sum(one.user + one.system for one in times)

    def rss_kb(self) -> float:
        """Resident memory."""
        return sum(process.memory_info().rss for process in self._all()) / 1024

    def unread_bytes(self) -> int:
        """What has been sent to it and waits in the kernel, at either end, for it to read."""
        ports = {
            connection.laddr.port
            for process in self._all()
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_ESTABLISHED
        }
        waiting = 0
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            _, local, remote, _, queues, *_ = line.split()
            unsent, unread = (int(part, 16) for part in queues.split(":"))
            waiting += unread if int(local.partition(":")[2], 16) in ports else 0
            waiting += unsent if int(remote.partition(":")[2], 16) in ports else 0
        return waiting

    def settle(self, most_s: float) -> tuple[float, bool]:
        """Wait until it has nothing to do any more.

        :returns: its CPU time then, and whether it came to rest within `most_s`.
        """
        deadline_s = time.monotonic() + most_s
        used_s = self.cpu_s()
        while time.monotonic() < deadline_s:
            time.sleep(_QUIET_S)
            before_s, used_s = used_s, self.cpu_s()
            if used_s - before_s < _QUIET_CPU_S:
                return used_s, True
        return used_s, False

    def _all(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for process in reversed(self._all()):
            process.kill()
        self._child.wait()
