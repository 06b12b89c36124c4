from __future__ import annotations

import subprocess

import pytest

from ..support import ROOT


@pytest.fixture(scope="session")
def bench_server() -> None:
    """The bench's server with its packages."""
    if not (ROOT / "lab" / "bench" / "node_modules").exists():
        subprocess.run(["make", "lab/bench/node_modules"], cwd=ROOT, check=True, capture_output=True)
