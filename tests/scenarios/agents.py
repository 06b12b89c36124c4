"""A backend whose agents work for seconds, in its own process, and a company for its scenarios."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.plan import Room
from loadtest.backends.prometheus.rows import OwnedRoom
from loadtest.processes import free_port

from ..support import ROOT, until_listening
from .abilities import able
from .company import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.backends.prometheus.rows import Rows

    from .agent_server import Habit

ROOM = Room("11111111-2222-4333-8444-555555555555", "agent", "token", "owner")


@contextmanager
def agent_server(habit: Habit, rss: str = "157.09 MB") -> Iterator[str]:
    """Run such a backend while the context is open; yield its URL."""
    port = free_port()
    command = [sys.executable, "-m", "tests.scenarios.agent_server", str(port), habit.value, rss]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        until_listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


class _OneRoom:
    """The room of a backend that has no database."""

    def create_rooms(self, number: int, **_: int) -> list[OwnedRoom]:
        return [OwnedRoom("owner", "o@x", ROOM.project_id, ROOM.agent_id)] * number


@contextmanager
def company_of(habit: Habit, patience_s: float) -> Iterator[Found]:
    """Yield a company for such a backend; its scenarios assume that the backend has every capability."""
    with agent_server(habit) as url:
        company = Found(Endpoint(url), cast("Rows", _OneRoom()), able(), patience_s=patience_s)
        yield company
        company.close()
