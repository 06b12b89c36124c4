"""A run whose log shows the packets of chosen clients: readable, without a token, and nothing else changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ..support import summary_of
from .runs import load

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow
LINE = re.compile(r"/DEBUG/loadtest.packets: \d\d:\d\d:\d\d\.\d{6} (\w+) (\d+) (<-|->|--) (.*)")


def test_chosen_clients_of_each_worker_are_logged(documented: Backend, tmp_path: Path) -> None:
    more = ("--processes", "2", "--no-report", "--think-time", "0.1", "--token-in", "auth")
    ended = load(
        documented, tmp_path, *more, "--mix", "Viewer=8,Intruder", "--debug-clients", "Viewer=1,Intruder=40"
    )
    lines = [found.groups() for line in ended.stderr.splitlines() if (found := LINE.search(line))]
    assert {name for name, *_ in lines} == {"Viewer", "Intruder"}
    viewers = [what for name, _, _, what in lines if name == "Viewer"]
    assert {number for name, number, *_ in lines if name == "Viewer"} == {"1"}
    # One of each worker, in its room: everything that it got is there, though nobody handles it.
    assert sum(what.startswith('EVENT "joinedRoom"') for what in viewers) == 2
    summary = summary_of(tmp_path)
    got = sum(what.startswith(('EVENT "agentLog"', 'EVENT "taskStatusUpdate"')) for what in viewers)
    assert got >= summary["triggers"]["sent"] * 7
    assert not re.search(r"\bey[\w-]{6,}\.[\w-]{6,}\.", ended.stderr)
    assert "log sending was disabled" not in ended.stderr
    assert summary["deliveries"]["lost"] == summary["deliveries"]["leaked"] == 0
    assert summary["deliveries"]["delivered"] == summary["deliveries"]["expected"] > 0
