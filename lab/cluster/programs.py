"""Programs that come in wheels: where they are, and waiting until one answers."""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loadtest import processes
from loadtest.errors import Fault, Owner

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

START_S: Final = 15.0


def of_wheel(package: str, pattern: str) -> Path:
    """A program's file.

    :raises Fault: if the package is not installed.
    """
    try:
        found = sorted(Path(str(resources.files(package))).glob(pattern))
    except ModuleNotFoundError:
        found = []
    if not found:
        name = package.replace("_", "-")
        raise Fault(Owner.USER, f"the package {name} is not installed", "pip install -r tests/requirements.txt")
    return found[0]


def wait_for(answers: Callable[[], bool], process: subprocess.Popen[str], what: str, log: Path) -> None:
    """Wait until a program answers.

    :raises Fault: if it ends, or does not in time.
    """
    deadline_s = time.monotonic() + START_S
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise Fault(Owner.OURS, f"{what} did not start", f"It said: {processes.last_line(log)}")
        time.sleep(0.02)
