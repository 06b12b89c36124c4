"""From a real run to its reports: what is sampled, what is told apart by time, what a killed master leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from loadtest.exit_codes import ExitCode
from loadtest.reports.load import load

from ..support import ROOT, SECRET, locust_environment, run_locust, start_backend, summary_of, until

if TYPE_CHECKING:
    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.calm]


def reports(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "loadtest.reports", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_a_run_with_losses_a_shape_and_a_monitor(tmp_path: Path) -> None:
    backend = start_backend("documented", "--throttle-limit", "0", "--faults", "drop=0.02,stop=8:1")
    try:
        load_of = [
            "-u",
            "34",
            "-t",
            "15s",
            "--rooms",
            "2",
            "--rate",
            "10",
            "--shape",
            "spike:base=0.3,at=5,length=5",
        ]
        monitor = ["--monitor", f"pid:{backend.process.pid},health", "--monitor-every", "0.5"]
        ended = run_locust(
            backend.url, *load_of, *monitor, "--results-dir", str(tmp_path), environment=backend.by_sql
        )
    finally:
        backend.stop()
    summary = summary_of(tmp_path)
    where = tmp_path / "latest"
    assert {path.name for path in where.iterdir()} >= {"report.html", "report.md", "junit.xml", "metrics.prom"}
    assert "The report could not be made" not in ended.stdout

    # Told apart by second, and by phase, it is the same in sum.
    timeline = pd.read_csv(where / "timeline.csv")
    deliveries = summary["deliveries"]
    assert deliveries["lost"] > 0
    assert (timeline["owed"].sum(), timeline["lost"].sum()) == (deliveries["expected"], deliveries["lost"])
    assert list(summary["phases"]) == ["starting", "before", "spike", "after", "drain"]
    of_phases = [phase["deliveries"] for phase in summary["phases"].values()]
    for name in ("expected", "lost"):
        assert sum(phase[name] for phase in of_phases) == deliveries[name]
    # The backend stood still for a second in the spike, and only there.
    slowest = {name: phase["figures"]["latency_max_ms"] for name, phase in summary["phases"].items()}
    assert slowest["spike"] > 500
    assert max(slowest["before"], slowest["after"]) < slowest["spike"]

    record = load(where)
    assert record.missing == []
    for event in record.events:
        logged = record.counts([event], [-np.inf, np.inf])[0]
        whole = record.histogram(event)
        assert whole is not None
        assert np.array_equal(logged, whole)

    samples = pd.read_csv(where / "backend.csv")
    assert set(samples["instance"]) == {f"pid:{backend.process.pid}", "health"}
    assert summary["monitoring"]["samples"] == len(samples) > 20
    assert samples["rss_mb"].min() > 10
    assert samples["cpu_percent"].max() > 0
    assert summary["memory"]["generator"] is not None
    assert summary["options"]["shape"] == "spike:base=0.3,at=5,length=5"
    assert SECRET not in (where / "summary.json").read_text()
    assert backend.database_url not in (where / "summary.json").read_text()

    slo = tmp_path / "slo.toml"
    slo.write_text("[[slo]]\nname = 'x'\nphase = 'spike'\nfigure = 'latency_ms.agentLog.max'\nbelow = 500\n")
    judged = reports("gate", where, "--slo", slo)
    # What makes a run suspect may be what made it slow.
    doubtful = {"suspect": {ExitCode.RUN_SUSPECT}, "invalid": {ExitCode.RUN_INVALID}}
    allowed = {ExitCode.OBJECTIVE_FAILED} | doubtful.get(summary["validity"]["verdict"], set())
    assert judged.returncode in allowed, judged.stdout
    assert any(line.startswith("x (spike) ") and line.endswith("FAILED") for line in judged.stdout.splitlines())


def test_what_a_killed_master_leaves_has_a_report(documented: Backend, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--headless", "--only-summary"]
    command += ["--host", documented.url, "-u", "14", "-r", "100", "--rooms", "1", "--results-dir", str(tmp_path)]
    locust = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**locust_environment(), **documented.by_sql},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: any("Tag=agentLog" in log.read_text() for log in tmp_path.glob(".*.partial/latency.hlog")))
    finally:
        locust.kill()
        locust.wait()
    (left,) = tmp_path.glob(".*.partial")
    made = reports(left)
    assert made.returncode == 0, made.stderr
    page = (left / "report.html").read_text()
    assert "was not brought to its end" in page
    assert 'aria-label="Latency of agentLog over time"' in page
    # The next run removes the data that this one could not.
    run_locust(
        documented.url,
        *("-u", "5", "-r", "10", "-t", "2s", "--no-report", "--results-dir", str(tmp_path)),
        environment=documented.by_sql,
    )


@pytest.mark.parametrize("monitor", ["pid:999999999", "http://127.0.0.1:1/metrics"])
def test_a_monitor_that_tells_nothing_is_one_line(documented: Backend, tmp_path: Path, monitor: str) -> None:
    ended = run_locust(
        documented.url,
        *("-u", "5", "-r", "10", "-t", "2s", "--results-dir", str(tmp_path / "r"), "--monitor", monitor),
        environment=documented.by_sql,
    )
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert f"--monitor {monitor}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list((tmp_path / "r").glob("*")) + list((tmp_path / "r").glob(".*"))
