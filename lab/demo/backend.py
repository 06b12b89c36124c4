"""A reference backend with nothing wrong, or with what it is told to do wrong, for as long as it is wanted."""

from __future__ import annotations

import secrets
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtest.processes import end, start, wait_for_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RAISED_THROTTLE: Final = 1_000_000
_START_S: Final = 30.0
_END_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Backend:
    """One that runs.

    pid: of its process. url: where it answers. private: the variables by which a load test makes its data in the
    backend's database and its own tokens. Secrets travel by environment: the command line can be read by every
    user of the machine.
    """

    pid: int
    url: str
    private: dict[str, str]


@contextmanager
def reference_backend(profile: str, log: Path, *, faults: str = "") -> Iterator[Backend]:
    """Start one on a free port, with a PostgreSQL of its own; it ends with the block.

    :param log: gets what it prints.
    :param faults: what it does wrong, see `lab.reference_backend.fault_options`.
    :raises TimeoutError: if it does not start.
    """
    secret = secrets.token_hex(16)
    command = [sys.executable, "-m", "lab.reference_backend", "--profile", profile]
    # The throttle of the build as it is would refuse nearly everything: raised as on staging.
    command += ["--throttle-limit", str(_RAISED_THROTTLE)]
    command += ["--faults", faults] if faults else []
    process = start(command, log, environment={"JWT_SECRET": secret})
    try:
        _, url, database_url = wait_for_line(process, log, "reference-backend: http", _START_S).split()
        yield Backend(process.pid, url, {"LOCUST_DATABASE_URL": database_url, "LOCUST_JWT_SECRET": secret})
    finally:
        end(process, signal.SIGTERM, _END_S)
