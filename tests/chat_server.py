"""The chat of `examples/`, while a test needs it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loadtest.processes import free_port

from .support import ROOT, until_listening

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def chat(*more: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "examples.chat.server", str(port), *more]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            until_listening(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
