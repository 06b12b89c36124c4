"""The processes of a demo: started with a log each, waited for, and ended."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from typing import IO, TYPE_CHECKING

from loadtest import children

if TYPE_CHECKING:
    import signal
    from collections.abc import Sequence
    from pathlib import Path


def start(
    command: Sequence[str],
    log: Path,
    *,
    environment: dict[str, str] | None = None,
    output: IO[str] | int | None = None,
) -> subprocess.Popen[str]:
    """Start a child in a session of its own, so that a Ctrl-C reaches us alone; it gets SIGTERM if we die.

    :param log: gets its standard error, and its standard output unless `output` is given.
    """
    with log.open("ab") as errors:
        return children.start(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output if output is not None else errors,
            stderr=errors,
            env={**os.environ, **(environment or {})},
        )


def end(process: subprocess.Popen[str], number: signal.Signals, grace_s: float) -> None:
    """Signal a child and wait until it is gone; after its time of grace it is killed."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_line(process: subprocess.Popen[str], log: Path, start_of_line: str, limit_s: float) -> str:
    """The first line of a log that begins so.

    :raises TimeoutError: if it does not come in time, or the process ends before; with what the log said last.
    """
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(start_of_line):
                return line
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise TimeoutError(f"no line {start_of_line!r} in {log}, which ends with: {last_line(log)}")


def last_line(log: Path) -> str:
    """What a log said last; empty if nothing."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def locust_environment() -> dict[str, str]:
    """Our environment for a Locust that patches the standard library, as it does for everybody else: tests have
    it left alone, in their own process.
    """
    return {name: value for name, value in os.environ.items() if name != "LOCUST_SKIP_MONKEY_PATCH"}


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
