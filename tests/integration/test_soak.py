"""An hour of moderate load with churn, in ten minutes: nothing grows, nothing is left, every count is exact."""

from __future__ import annotations

import json
import os
import statistics
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.measurement import growth
from loadtest.processes import free_port

from ..support import ROOT, node_server, summary_of
from .fleets import master_of, running, worker_of
from .machines import wrong_clock

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.needs("node"), pytest.mark.needs("gcc")]

_SECONDS = int(os.environ.get("SOAK_S", "600"))
"""Of the whole; less is for whoever works on this test."""
_LOCUSTFILE = ROOT / "tests" / "integration" / "soak_locustfile.py"
_QUIET_S = 30
_CHURN_S = _SECONDS - 2 * _QUIET_S - 10
_VISITS = 50_000 * _CHURN_S // 530
_VIEWERS = 40
_VISITORS = 80
_OFFSET_S = 3.0
_A_VISIT_BYTES = 300
"""What a visit may leave with its worker, which keeps when it connected. A client is 20,000."""
_A_TRIGGER_BYTES = 600
"""What each trigger may: every worker knows all of them, and when their broadcasts were made."""
_MASTER_BYTES = 6e6
"""What the master may grow by, mostly for its time line: some 10,000 for each second."""
_A_SECOND_BYTES = 5000
"""What the record may grow by: mostly the histograms of each second, some 3,500."""
_MAY_DIFFER = {"watched": 0, "accounts": 0, "descriptors": 8, "greenlets": 24}
"""By how much: publishers keep a connection for each of their triggers that were on the way together, and the
transport 16 idle greenlets for handlers. One left behind by each visit would be tens of thousands."""


def _run(url: str, results: Path, probes: Path) -> str:
    """A master and two workers, one of them with a clock of its own; what the master said."""
    port = free_port()
    soak = {"SOAK_PROBES": str(probes), "SOAK_QUIET_S": str(_QUIET_S), "SOAK_CHURN_S": str(_CHURN_S)}
    master = [
        *("--master-bind-host", "127.0.0.1", "--rooms", "4", "--publishers", "2", "--rate", "5", "--no-report"),
        *("-u", str(_VIEWERS + _VISITORS + 2), "-r", "100", "-t", f"{_SECONDS}s", "--no-probe"),
    ]
    commands = [
        (master_of(port, url, results, *master, locustfile=_LOCUSTFILE), {}),
        (worker_of(port, locustfile=_LOCUSTFILE), {}),
        (worker_of(port, locustfile=_LOCUSTFILE), wrong_clock(probes, _OFFSET_S)),
    ]
    with running(*((command, soak | clock) for command, clock in commands)) as (leading, *_):
        return leading.communicate(timeout=_SECONDS + 90)[0]


def _held(probes: Path) -> dict[str, list[dict[str, Any]]]:
    """What each process held, every two seconds."""
    return {
        path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in probes.glob("*.jsonl")
    }


def _median(rows: list[dict[str, Any]], what: str) -> float:
    return statistics.median(row[what] for row in rows)


@pytest.mark.timeout(_SECONDS + 180)
def test_nothing_grows_and_nothing_is_left(tmp_path: Path) -> None:
    probes, results = tmp_path / "probes", tmp_path / "results"
    probes.mkdir()
    with node_server("backend.mjs", {}) as url:
        said = _run(url, results, probes)
    summary = summary_of(results)
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 1000, said[-3000:]
    for kind in ("lost", "missed_offline", "unowed", "duplicate", "reordered", "leaked", "corrupt", "foreign"):
        assert deliveries[kind] == 0, kind
    assert summary["connect_ms"]["count"] >= _VISITS, said[-3000:]
    assert summary["connect_ms"]["failed"] == summary["connections"]["lost"] == 0

    held = _held(probes)
    assert sorted(name.partition("-")[0] for name in held) == ["MasterRunner", "WorkerRunner", "WorkerRunner"]
    for name, rows in held.items():
        began_s = rows[0]["at_s"]
        at = [(row["at_s"] - began_s, row) for row in rows]
        before = [row for at_s, row in at if 14 < at_s < _QUIET_S]
        churning = [(at_s, row) for at_s, row in at if _QUIET_S + 0.2 * _CHURN_S < at_s < _QUIET_S + _CHURN_S]
        after = [row for at_s, row in at if _SECONDS - _QUIET_S + 8 < at_s < _SECONDS - 2]
        for what, more in _MAY_DIFFER.items():
            assert _median(after, what) - _median(before, what) <= more, (name, what)
        if name.startswith("Worker"):
            assert _median([row for _, row in churning], "watched") > _median(before, "watched"), "there was churn"
        memory = growth.judge([at_s for at_s, _ in churning], [row["rss_mb"] for _, row in churning])
        assert memory is not None
        grown_bytes = memory["mb_per_hour"] * 1e6 * memory["seconds"] / 3600
        known_bytes = _A_VISIT_BYTES * _VISITS / 2 + _A_TRIGGER_BYTES * summary["triggers"]["sent"]
        assert grown_bytes < (known_bytes if name.startswith("Worker") else _MASTER_BYTES), (
            name,
            memory,
        )

    assert sum(path.stat().st_size for path in results.rglob("*") if path.is_file()) < _A_SECOND_BYTES * _SECONDS
    assert summary["clocks"]["number"] == 2
    assert summary["clocks"]["steps"] == 0
    assert summary["clocks"]["bound_ms"]["p99"] < 50
