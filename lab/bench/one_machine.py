"""`python -m lab.bench.one_machine`: a whole run as large as two cores take, on the official server.

A master, two workers with 9,000 members each, and a Socket.IO server on node with the backend's REST calls; 20
rooms of skewed sizes; five minutes. Prints the run's own words, and ends with 1 if any delivery was lost.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import psutil

from lab.bench.children import ROOT
from loadtest.processes import free_port, locust_environment

_SERVER: Final = ROOT / "tests" / "contract" / "backend.mjs"
_PUBLISHERS: Final = 2
_LATE_S: Final = 120


def measure(options: argparse.Namespace, results: Path) -> dict[str, Any]:
    """One run; what its summary says, and what the server spent."""
    node = subprocess.Popen(["node", str(_SERVER), "{}"], stdout=subprocess.PIPE, text=True)
    try:
        assert node.stdout is not None
        port = int(node.stdout.readline())
        done = subprocess.run(
            _command(options, port, results),
            cwd=ROOT,
            env=locust_environment(),
            capture_output=True,
            text=True,
            timeout=options.seconds + _LATE_S,
            check=False,
        )
        server_s = sum(psutil.Process(node.pid).cpu_times()[:2])
    finally:
        node.kill()
        node.wait()
    record = results / "latest" / "summary.json"
    if not record.exists():
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    summary = json.loads(record.read_text(encoding="utf-8"))
    names = ("users_by_class", "validity", "connections", "connect_ms", "triggers", "deliveries", "latency_ms")
    return {
        **{name: summary[name] for name in names},
        **{name: summary[name] for name in ("generator_delay_ms", "loop_lag_ms") if name in summary},
        "server_cpu_percent": round(100 * server_s / options.seconds, 1),
        "exit_code": done.returncode,
        "said": done.stdout[-1500:],
    }


def _command(options: argparse.Namespace, port: int, results: Path) -> list[str]:
    size = min(options.audience, options.members // options.workers)
    audiences = options.members // size
    bind = str(free_port())
    return [
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--headless", "--only-summary"),
        *("--processes", str(options.workers), "--master-bind-port", bind, "--master-port", bind),
        *("--host", f"http://127.0.0.1:{port}", "--run-time", f"{options.seconds}s"),
        *("--users", str(audiences + _PUBLISHERS), "--publishers", str(_PUBLISHERS)),
        *("--mix", "Audience=1", "--audience-size", str(size), "--spawn-rate", str(options.spawn_rate)),
        *("--rooms", str(options.rooms), "--room-skew", str(options.skew), "--rate", str(options.rate)),
        *("--results-dir", str(results), "--no-probe", "--monitor", "none"),
    ]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.one_machine", description=__doc__)
    parser.add_argument("--members", type=int, default=18_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--audience", type=int, default=500, help="members of one Locust user")
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--skew", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=1.0, help="triggers a second")
    parser.add_argument("--spawn-rate", type=float, default=500.0)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--results-dir", type=Path, help="keep the record there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loadtest-one-machine-") as folder:
        began_s = time.monotonic()
        found = measure(options, options.results_dir or Path(folder))
    sys.stdout.write(found.pop("said"))
    sys.stdout.write(json.dumps({**found, "took_s": round(time.monotonic() - began_s, 1)}, indent=1) + "\n")
    if found["deliveries"]["lost"] or not found["deliveries"]["expected"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
