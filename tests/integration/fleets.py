"""A master and workers as processes of their own, started by hand, as any Locust user starts them."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loadtest.processes import free_port

from ..support import ROOT, locust_environment, until_said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..support import Backend

LOCUSTFILE = ROOT / "locustfile.py"


def master_of(
    port: int, url: str, results: Path, *more: str, workers: int = 2, locustfile: Path = LOCUSTFILE
) -> list[str]:
    """The command of a master that waits for so many workers."""
    return [
        *(sys.executable, "-m", "locust", "-f", str(locustfile), "--master", "--headless", "--only-summary"),
        *("--master-bind-port", str(port), "--expect-workers", str(workers)),
        *("--host", url, "--results-dir", str(results), *more),
    ]


def worker_of(port: int, address: str = "127.0.0.1", locustfile: Path = LOCUSTFILE) -> list[str]:
    """The command of a worker."""
    locust = [sys.executable, "-m", "locust", "-f", str(locustfile)]
    return [*locust, "--worker", "--master-host", address, "--master-port", str(port)]


@contextmanager
def running(*commands: tuple[list[str], Mapping[str, str]]) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes, and what each has in its environment besides; none is left, not even one that was stopped."""
    processes: list[subprocess.Popen[str]] = []
    try:
        for command, environment in commands:
            processes.append(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**locust_environment(), **environment},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.communicate()


@contextmanager
def fleet(
    backend: Backend,
    results: Path,
    *more: str,
    workers: int = 2,
    expected: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[list[subprocess.Popen[str]]]:
    """A master and its workers.

    :param expected: how many workers the master waits for; as many as there are, if not given.
    :param environment: of the master; with none, it makes its data by SQL.
    """
    port = free_port()
    here = ["--master-bind-host", "127.0.0.1", "--rooms", "2"]
    master = master_of(port, backend.url, results, *here, *more, workers=expected or workers)
    own = backend.by_sql if environment is None else environment
    with running((master, own), *[(worker_of(port), {})] * workers) as processes:
        yield processes


def until_publishing(master: subprocess.Popen[str]) -> None:
    """Wait until the master reports deliveries."""
    until_said(master, "latency p50")
