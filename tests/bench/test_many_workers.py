"""The simulated fleet is taken for a real one: its run is valid, whole, and nobody is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.bench.many_workers import measure
from loadtest.exit_codes import ExitCode

from ..support import start_backend, summary_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.alone
def test_a_run_of_simulated_workers(tmp_path: Path) -> None:
    backend = start_backend("documented", "--throttle-limit", "0")
    try:
        found = measure(30, 8, backend.url, tmp_path, publishing=5)
    finally:
        backend.stop()
    summary = summary_of(tmp_path)
    assert found["exit_code"] in {ExitCode.PASSED, ExitCode.RUN_SUSPECT, ExitCode.OBJECTIVE_FAILED}, found[
        "reasons"
    ]
    assert (summary["workers"], summary["lost_workers"]) == (30, 0)
    assert summary["triggers"]["sent"] > 0
    assert summary["latency_ms"]["agentLog"]["count"] > 30 * 500
    assert int(found["reports"]) > 30 * 5
