from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ..support import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.needs("node")]


def test_one_machine_small() -> None:
    """As `docs/sizing.md` says of 18,000 members: each has each broadcast that it is owed."""
    command = [
        sys.executable,
        "-m",
        "lab.bench.one_machine",
        "--members",
        "600",
        "--audience",
        "100",
        "--seconds",
        "14",
    ]
    done = subprocess.run(
        [*command, "--rooms", "5"], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout[done.stdout.index("\n{") :])
    assert found["users_by_class"] == {"Audience": 6, "Publisher": 2}
    assert found["connections"]["most"] == 600
    deliveries = found["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0
