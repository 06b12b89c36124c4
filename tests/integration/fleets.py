"""A master and workers as processes of their own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from demo.processes import free_port

from ..support import ROOT, locust_environment, until_said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support import Backend


@contextmanager
def fleet(
    backend: Backend, results: Path, *more: str, workers: int = 2, expected: int | None = None
) -> Iterator[list[subprocess.Popen[str]]]:
    """A master and its workers by hand, as any Locust user starts them.

    :param expected: how many workers the master waits for; as many as there are, if not given.
    """
    port = str(free_port())
    environment = locust_environment()
    locust = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py")]
    master = [
        *(*locust, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--headless"),
        *(
            "--expect-workers",
            str(expected or workers),
            "--host",
            backend.url,
            "--results-dir",
            str(results),
            "--rooms",
            "2",
        ),
        *("--only-summary", *more),
    ]
    worker = [*locust, "--worker", "--master-host", "127.0.0.1", "--master-port", port]
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment, **(backend.by_sql if command is master else {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in (master, *[worker] * workers)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


def until_publishing(master: subprocess.Popen[str]) -> None:
    """Wait until the master reports deliveries."""
    until_said(master, "latency p50")
