"""The nightly run as it is shipped, shortened, night after night."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.processes import free_port

from ..support import ROOT, SECRET, locust_environment, start_backend, summary_of

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def night(backend: Backend, results: Path, slo: Path, **more: str) -> tuple[int, str, str]:
    """The exit code, the last line that tells of the night, and all that was said."""
    port = str(free_port())
    short = {"RESULTS_DIR": str(results), "USERS": "44", "SPAWN_RATE": "44", "RUN_TIME": "34s", "ROOMS": "2"}
    short |= {"MEASURE_AFTER": "3", "SLO_FILE": str(slo), "MASTER_BIND_PORT": port, "MASTER_NODE_PORT": port}
    secrets = {"DATABASE_URL": backend.database_url, "JWT_SECRET": SECRET, "HOST": backend.url}
    environment = {f"LOCUST_{name}": value for name, value in (short | secrets | more).items()}
    ended = subprocess.run(
        [sys.executable, "-m", "locust", "--config", "examples/nightly/nightly.conf"],
        cwd=ROOT,
        env=locust_environment() | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = ended.stdout + ended.stderr
    lines = [line for line in said.splitlines() if line.startswith("Nightly   ")]
    return ended.returncode, lines[-1] if lines else "", said


def objectives(path: Path, limit_ms: float) -> Path:
    path.write_text(f'[[slo]]\nname = "mean"\nfigure = "latency_mean_ms"\nbelow = {limit_ms}\n')
    return path


def test_nights_pass_get_worse_violate_and_fail(tmp_path: Path) -> None:
    results = tmp_path / "results"
    loose = objectives(tmp_path / "loose.toml", 10_000)
    usual = start_backend("documented", "--throttle-limit", "0")
    try:
        code, line, said = night(usual, results, loose)
        # A machine that has other things to do makes a run suspect, or worse; nothing else may be the matter.
        assert code in (ExitCode.PASSED, ExitCode.RUN_SUSPECT), said[-3000:]
        assert line == "Nightly   no baseline yet"
        first: dict[str, Any] = summary_of(results)
        by_phase = {name: phase["latency_ms"]["agentLog"]["count"] for name, phase in first["phases"].items()}
        assert by_phase["warm-up"] > 0
        measured = sum(count for name, count in by_phase.items() if name not in ("starting", "warm-up"))
        assert first["latency_ms"]["agentLog"]["count"] == measured
        assert first["deliveries"]["delivered"] > measured * 3  # the accounts leave nothing out
        code, line, _ = night(usual, results, objectives(tmp_path / "tight.toml", 0.001), RUN_TIME="12s")
        assert code in (ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_SUSPECT)
        assert (results / "trend.html").exists()
        code, line, said = night(usual, results, loose, HOST="http://127.0.0.1:9")
        assert (code, line) == (ExitCode.SETUP_FAILED, "")
        assert "cannot reach the backend" in said
    finally:
        usual.stop()
    slow = start_backend("documented", "--throttle-limit", "0", "--faults", "delay=exponential:200")
    try:
        code, line, said = night(slow, results, loose)
        if (results / "baseline.json").exists():
            assert code in (ExitCode.WORSE, ExitCode.RUN_SUSPECT), said[-3000:]
            assert "against 1 earlier run: worse: agentLog p50" in line
            page = (results / "latest" / "report.html").read_text(encoding="utf-8")
            assert "<strong>FAILED</strong>" in page or code == ExitCode.RUN_SUSPECT
            assert "worse than the baseline: agentLog p50" in page
    finally:
        slow.stop()
