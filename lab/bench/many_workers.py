"""`python -m lab.bench.many_workers`: what one master spends on a fleet of workers that report every second.

The master is a real one, with its sockets, Locust and all; so is the backend. The workers are simulated, all in
one process: they speak as workers do, and their reports have what a worker's have, only that nobody was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

from lab.bench.children import ROOT
from lab.bench.simulated_workers import Workers
from loadtest.processes import free_port, locust_environment

_USERS_EACH: Final = 50
_START_S: Final = 30.0
_END_S: Final = 60.0


def measure(workers: int, seconds: int, host: str, results: Path, publishing: int) -> dict[str, object]:
    """One run.

    :param publishing: how many of the workers publish; ten triggers a second each.
    """
    port = free_port()
    # A file: a master that nobody reads from stands still when the pipe is full.
    log = (results / "master.log").open("w", encoding="utf-8")
    master = subprocess.Popen(
        [
            *(sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--master", "--headless"),
            *("--master-bind-port", str(port), "--expect-workers", str(workers), "--host", host),
            *("--users", str(workers * _USERS_EACH), "--spawn-rate", str(workers * _USERS_EACH)),
            *("--rooms", "20", "--publishers", "1", "--run-time", f"{seconds}s", "--results-dir", str(results)),
            *("--no-report", "--only-summary", "--monitor", "none", "--no-probe"),
        ],
        cwd=ROOT,
        env=locust_environment(),
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        fleet = Workers(workers, port, users_each=_USERS_EACH, publishing=publishing)
        process = psutil.Process(master.pid)
        rss_mb: list[float] = []

        def look() -> float:
            rss_mb.append(process.memory_info().rss / 1e6)
            return float(sum(process.cpu_times()[:2]))

        spent = fleet.work(look, until_s=_START_S + seconds + _END_S)
        master.wait(_END_S)
    finally:
        if master.poll() is None:
            master.kill()
            master.wait()
        log.close()
    said = (results / "master.log").read_text(encoding="utf-8")[-2000:]
    if not spent:
        raise SystemExit(f"no worker reported; the master said:\n{said}")
    steady = spent[3:-2] or spent
    summary = next(iter(results.glob("2*/summary.json")), None)
    reasons = json.loads(summary.read_text(encoding="utf-8"))["validity"]["reasons"] if summary else [said]
    return {
        "workers": workers,
        "publishing_workers": publishing,
        "reports": fleet.reports,
        "master_cpu_percent_mean": round(100 * sum(steady) / len(steady), 1),
        "master_cpu_percent_max": round(100 * max(steady), 1),
        "master_mb": round(max(rss_mb)),
        **fleet.answers(),
        "exit_code": master.returncode,
        "reasons": reasons,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.many_workers", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--publishing", type=int, default=20, help="how many of them publish (default 20)")
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    target = subprocess.Popen(
        [sys.executable, "-m", "lab.reference_backend", "--throttle-limit", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert target.stdout is not None
        host = target.stdout.readline().split()[1]
        for workers in options.workers:
            with tempfile.TemporaryDirectory() as folder:
                began_s = time.monotonic()
                publishing = min(options.publishing, workers)
                found = measure(workers, options.seconds, host, Path(folder), publishing)
            sys.stdout.write(json.dumps({**found, "took_s": round(time.monotonic() - began_s, 1)}) + "\n")
            sys.stdout.flush()
    finally:
        target.terminate()
        target.wait(20)


if __name__ == "__main__":
    main()
