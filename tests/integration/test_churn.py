"""Exact accounts where hardly anybody stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadtest.processes import free_port

from ..support import ROOT, run_locust, summary_of

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

# Alone: broadcasts have to arrive within `--in-flight-window`, as joins and leaves are compared with them.
pytestmark = [pytest.mark.slow, pytest.mark.alone]


@pytest.mark.parametrize("processes", [1, 3])
def test_users_that_come_and_go_get_exactly_what_they_are_owed(
    documented: Backend, tmp_path: Path, processes: int
) -> None:
    port = str(free_port())
    load = ["-u", "34", "-r", "10", "-t", "20s", "--rooms", "2", "--rate", "40", "--arrivals", "poisson"]
    load += ["--ramp", "8", "--in-flight-window", "0.3", "--no-report", "--results-dir", str(tmp_path)]
    if processes > 1:
        load += ["--processes", str(processes), "--master-bind-port", port, "--master-port", port]
    ran = run_locust(
        documented.url,
        *load,
        environment=documented.by_sql,
        locustfile=ROOT / "tests" / "integration" / "churn_locustfile.py",
    )
    summary = summary_of(tmp_path)
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 1000, ran.stdout[-3000:]
    # Not "reordered": of two triggers that a Poisson process wants at nearly the same time, either may be faster.
    for kind in ("lost", "missed_offline", "replayed", "unowed", "duplicate", "leaked", "corrupt"):
        assert deliveries[kind] == 0, kind
    assert deliveries["foreign"] == 0
    assert deliveries["edge"] > 100
    assert not any("account" in reason for reason in summary["validity"]["reasons"])
