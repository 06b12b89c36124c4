"""A hundred thousand odd payloads in both directions: nobody crashes, nobody hangs, nobody's memory grows."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.backends.prometheus import contract

from ..support import ROOT, Wire, start_backend

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend

pytestmark = pytest.mark.slow

NUMBER = 100_000
MOST_GROWTH_MB = 40.0


def fuzz(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.integration.odd_payloads", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def memory_mb(backend: Backend) -> float:
    memory: float = backend.request("GET", contract.HEALTH_INFO)[2]["memory"]["rss"]
    return memory / 1e6


def test_to_the_backend(backend: Backend, room: OwnedRoom) -> None:
    is_documented = backend.profile == "documented"
    before_mb = memory_mb(backend) if is_documented else 0.0
    said = fuzz("send", backend.url, backend.token(room), room.project_id, str(NUMBER))
    assert said["sent"] == NUMBER
    assert said["served"]
    assert said["losses"] > 10, "broken packets among them"
    assert said["sizes_mb"][-1] - said["sizes_mb"][0] < MOST_GROWTH_MB
    if is_documented:  # as built, any joined string is a room for as long as it has a member
        assert memory_mb(backend) - before_mb < 2 * MOST_GROWTH_MB


def test_to_us() -> None:
    said = fuzz("receive", str(NUMBER))
    assert said["sent"] == NUMBER
    assert said["sessions"] > 10, "frames that break a connection are among them"
    assert said["received"] > NUMBER / 10
    assert said["corrupt"] > 100
    assert said["sizes_mb"][-1] - said["sizes_mb"][0] < MOST_GROWTH_MB


def test_memory_that_grows_would_be_seen() -> None:
    """The backend that leaks, as a check of the figure itself."""
    backend = start_backend("documented", "--breakable")
    try:
        backend.breaks("each connection costs 2 MB for ever")
        before_mb = memory_mb(backend)
        for _ in range(50):
            with Wire(backend) as wire:
                wire.connect()
        assert memory_mb(backend) - before_mb > 2 * MOST_GROWTH_MB
    finally:
        backend.stop()
