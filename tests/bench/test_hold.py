from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ..support import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.needs("node")]


@pytest.mark.usefixtures("bench_server")
def test_many_users_in_one_process_get_everything_over_several_pings() -> None:
    """`make hold`, small; longer than the server waits for a pong that does not come."""
    command = [sys.executable, "-m", "lab.bench.hold", "--users", "600", "--seconds", "50", "--rate", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["members_at_the_end"], found["lost_connections"]) == (600, 0)
    assert found["deliveries"] == found["deliveries_expected"] >= 600 * 90
