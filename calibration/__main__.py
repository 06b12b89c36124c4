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

import psycopg
from hdrh.histogram import HdrHistogram

from backend.reader import Reader
from demo.processes import end, start
from exit_codes import ExitCode

from .cases import CASES, Row, compare, truths
from .latencies import compare_latencies, compare_slow, deliveries_of, true_reordered, true_replayed

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "results" / "calibration.json"
_SECRET: Final = "calibration"  # noqa: S105 - of a backend that lives for seconds
_PUBLISHERS: Final = 1
_ROOMS: Final = 4
_MEMBERS: Final = 6
_WARM_UP_S: Final = 3
_RUN_S: Final = 90.0
_TRIES: Final = 4
_STALL_MS: Final = 3.0
_MEASURED: Final = (ExitCode.PASSED, ExitCode.SLO_VIOLATED, ExitCode.RUN_INVALID, ExitCode.RUN_SUSPECT)


class CalibrationError(Exception):
    """A run that should have measured something did not."""


class StalledError(CalibrationError):
    """The load generator was not given its processor, so that its times could not be right; its record says so."""


def measure(name: str, profile: str, workers: int, seconds: int) -> list[Row]:
    """One case; again, if the machine stood still in between."""
    for again in reversed(range(_TRIES)):
        with tempfile.TemporaryDirectory(prefix="loadtest-calibration-") as folder:
            try:
                return run_case(name, profile, workers, Path(folder), seconds)
            except StalledError as error:
                if not again:
                    raise
                sys.stdout.write(f"again {error}\n")
    raise AssertionError


def run_case(name: str, profile: str, workers: int, folder: Path, seconds: int) -> list[Row]:
    """One run against a backend of its own.

    :param folder: for what they log, and the run's record.
    :raises CalibrationError: if nothing was measured.
    :raises StalledError: if the truth was missed, and the run's own loop lag says why.
    """
    case = CASES[name]
    faults, log = folder / "faults.jsonl", folder / "log.txt"
    command = [sys.executable, "-m", "target", "--profile", profile, "--throttle-limit", "0"]
    command += ["--jwt-secret", _SECRET, "--faults", case.faults, "--fault-log", str(faults)]
    backend = start(command, log, output=subprocess.PIPE)
    try:
        assert backend.stdout is not None
        _, url, database_url = backend.stdout.readline().split()
        users = _PUBLISHERS + _ROOMS * _MEMBERS
        load = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--headless", "--only-summary"]
        load += ["--host", url, "-u", str(users), "-r", "100", "-t", f"{seconds + case.more_s + _WARM_UP_S}s"]
        load += ["--publishers", str(_PUBLISHERS), "--rate", str(case.rate), "--rooms", str(_ROOMS)]
        # So that everybody is a member from the first trigger to the last, and the truth has no edges.
        # What the probe makes the backend broadcast would be counted among the known deliveries.
        load += ["--warm-up", str(_WARM_UP_S), "--no-report", "--no-probe", "--results-dir", str(folder)]
        load += ["--keep-data"]
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
        titles = titles_of(database_url) if case.logs_sends else {}
    finally:
        end(backend, signal.SIGTERM, 10.0)
    record = folder / "latest"
    summary = json.loads((record / "summary.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in faults.read_text(encoding="utf-8").splitlines()]
    title = f"{name} ({profile}, {workers} worker{'s' if workers > 1 else ''})"
    if not case.logs_sends:
        return compare(title, truths(lines), summary, _MEMBERS)
    sent = deliveries_of(lines, titles)
    by_sends = {"reordered": true_reordered(sent), "replayed": true_replayed(lines, sent)}
    rows = compare(title, truths(lines) | by_sends, summary, _MEMBERS)
    if not case.is_late:
        return rows
    rows += compare_latencies(title, sent, summary)
    if case.slow is not None:
        slow = slower_than(record, Reader().slots[0].event, case.slow[0])
        rows += compare_slow(title, case, sent, slow, _MEMBERS)
    if not all(row.passed for row in rows) and (stood_ms := summary["loop_lag_ms"]["max"]) > _STALL_MS:
        raise StalledError(f"{title}: this machine stood still for {stood_ms:.0f} ms while it measured")
    return rows


def titles_of(database_url: str) -> dict[str, str]:
    """Task's id -> its title, of all tasks that the backend has."""
    with psycopg.connect(database_url) as connection:
        return {str(key): title for key, title in connection.execute("SELECT id, title FROM tasks")}


def slower_than(record: Path, event: str, limit_ms: float) -> int:
    """How many of an event's deliveries a run has measured to be slower."""
    histogram = HdrHistogram.decode((record / "histograms" / f"{event}.hdr").read_bytes().strip())
    return sum(
        step.count_added_in_this_iter_step
        for step in histogram.get_recorded_iterator()
        if step.value_iterated_to > limit_ms * 1000
    )


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
                found = measure(name, profile, workers, options.seconds)
                for row in found:
                    sys.stdout.write(
                        f"{'ok  ' if row.passed else 'DIFF'}  {row.case:40} {row.quantity:28} "
                        f"{row.truth:10.6g} {row.measured:10.6g}\n"
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
