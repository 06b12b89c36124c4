"""`make calibrate`: runs against a backend that does known wrong; the truth beside what was measured, in a table.

Exit code 1 if they differ anywhere. The table is also in results/calibration.json.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from demo.processes import end, start
from run.exit_codes import ExitCode

from .cases import CASES, Row, compare

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "results" / "calibration.json"
_SECRET: Final = "calibration"  # noqa: S105 - of a backend that lives for seconds
_PUBLISHERS: Final = 1
_ROOMS: Final = 4
_MEMBERS: Final = 6
_WARM_UP_S: Final = 3
_RUN_S: Final = 90.0
_MEASURED: Final = (ExitCode.PASSED, ExitCode.SLO_VIOLATED, ExitCode.RUN_INVALID, ExitCode.RUN_SUSPECT)


class CalibrationError(Exception):
    """A run that should have measured something did not."""


def run_case(name: str, profile: str, workers: int, folder: Path, seconds: int) -> list[Row]:
    """One run against a backend of its own.

    :param folder: for what they log, and the run's record.
    :raises CalibrationError: if nothing was measured.
    """
    faults, log = folder / "faults.jsonl", folder / "log.txt"
    command = [sys.executable, "-m", "target", "--profile", profile, "--throttle-limit", "0"]
    command += ["--jwt-secret", _SECRET, "--faults", CASES[name], "--fault-log", str(faults)]
    backend = start(command, log, output=subprocess.PIPE)
    try:
        assert backend.stdout is not None
        _, url, database_url = backend.stdout.readline().split()
        users = _PUBLISHERS + _ROOMS * _MEMBERS
        load = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--headless", "--only-summary"]
        load += ["--host", url, "-u", str(users), "-r", "100", "-t", f"{seconds + _WARM_UP_S}s"]
        load += ["--publishers", str(_PUBLISHERS), "--rate", "20", "--rooms", str(_ROOMS)]
        # So that everybody is a member from the first trigger to the last, and the truth has no edges.
        load += ["--warm-up", str(_WARM_UP_S), "--no-report", "--results-dir", str(folder)]
        load += ["--processes", str(workers)] if workers > 1 else []
        environment = {"LOCUST_DATABASE_URL": database_url, "LOCUST_JWT_SECRET": _SECRET}
        ran = start(load, log, environment=environment)
        try:
            code: int | None = ran.wait(_RUN_S)
        except subprocess.TimeoutExpired:
            code = None
            end(ran, signal.SIGTERM, 5.0)
        if code not in _MEASURED:
            raise CalibrationError(f"{name}: the run failed: {log.read_text(encoding='utf-8')[-2000:]}")
    finally:
        end(backend, signal.SIGTERM, 10.0)
    summary = json.loads((folder / "latest" / "summary.json").read_text(encoding="utf-8"))
    case = f"{name} ({profile}, {workers} worker{'s' if workers > 1 else ''})"
    return compare(case, faults.read_text(encoding="utf-8").splitlines(), summary, _MEMBERS)


def main() -> None:
    """Run the cases, print and write the table."""
    parser = argparse.ArgumentParser(prog="python -m calibration", description=__doc__)
    parser.add_argument("--only", choices=CASES, help="one case")
    parser.add_argument("--profile", choices=["documented", "as-built"], help="one profile (default: both)")
    parser.add_argument("--workers", type=int, help="one number of workers (default: 1 and 3)")
    parser.add_argument("--seconds", type=int, default=6, help="of each run (default 6)")
    options = parser.parse_args()
    rows: list[Row] = []
    for profile in [options.profile] if options.profile else ["documented", "as-built"]:
        for workers in [options.workers] if options.workers else [1, 3]:
            for name in [options.only] if options.only else CASES:
                with tempfile.TemporaryDirectory(prefix="loadtest-calibration-") as folder:
                    found = run_case(name, profile, workers, Path(folder), options.seconds)
                for row in found:
                    sys.stdout.write(
                        f"{'ok  ' if row.passed else 'DIFF'}  {row.case:40} {row.quantity:16} "
                        f"{row.truth:10.0f} {row.measured:10.0f}\n"
                    )
                sys.stdout.flush()
                rows += found
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([row.to_json() for row in rows], indent=1) + "\n", encoding="utf-8")
    wrong = sum(not row.passed for row in rows)
    sys.stdout.write(f"{len(rows)} quantities, {wrong} differ from the truth\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
