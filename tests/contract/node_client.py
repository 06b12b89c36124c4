"""The official Socket.IO client on node, as a witness that reports one event after the other."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support import Backend


class Witness:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def says(self) -> list[Any]:
        """Return the next event; the test's timeout ends a witness that stays silent."""
        assert self._process.stdout is not None
        decoded: list[Any] = json.loads(self._process.stdout.readline())
        return decoded


@contextmanager
def witness(backend: Backend, transport: str = "websocket", token: str = "", room: str = "") -> Iterator[Witness]:
    script = ROOT / "tests" / "contract" / "witness.mjs"
    command = ["node", str(script), backend.url, transport, token, room]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Witness(process)
        finally:
            process.kill()
