"""Runs one case: a backend of its own, a load against it, and what both logged, compared."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import psycopg
from hdrh.histogram import HdrHistogram

from lab.calibration.capture import Capture
from lab.calibration.cases import CASES, Row, compare, truths
from lab.calibration.latencies import compare_latencies, compare_slow, deliveries_of, true_reordered, true_replayed
from lab.calibration.wire import flows
from lab.calibration.wire_times import clients_of, compare_times, frames_of, times_of
from loadtest.backends.prometheus.reader import Reader
from loadtest.exit_codes import ExitCode
from loadtest.measurement.names import key_of, stem_of
from loadtest.processes import end, start

if TYPE_CHECKING:
    from lab.calibration.capture import Packet
    from lab.calibration.cases import Case

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_SECRET: Final = "calibration"  # noqa: S105 - of a backend that lives for seconds
_PUBLISHERS: Final = 1
_ROOMS: Final = 4
_SPAWN_RATE: Final = 100
_WARM_UP_S: Final = 3
_RUN_S: Final = 90.0
_TRIES: Final = 4
_STALL_MS: Final = 3.0
_MEASURED: Final = (ExitCode.PASSED, ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_INVALID, ExitCode.RUN_SUSPECT)


class CalibrationError(Exception):
    """A run that should have measured something did not."""


class StalledError(CalibrationError):
    """The load generator did not get its processor, so that its times could not be right; its record says so."""


@dataclass(frozen=True, slots=True)
class _Ran:
    """What one run left.

    record: its folder. lines: of the backend's log. titles: see `titles_of`. packets: of a capture, if there was
    one.
    """

    record: Path
    lines: list[dict[str, Any]]
    titles: dict[str, str]
    packets: list[Packet]

    def read_summary(self) -> dict[str, Any]:
        """Return the record's summary."""
        summary: dict[str, Any] = json.loads((self.record / "summary.json").read_text(encoding="utf-8"))
        return summary


def measure(name: str, profile: str, workers: int, seconds: int) -> list[Row]:
    """Run one case; again, if the machine stood still in between."""
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
    """Run one case against a backend of its own; return the truth beside what was measured.

    :param folder: for what they log, and the run's record.
    :raises CalibrationError: if nothing was measured.
    :raises StalledError: if the truth was missed, and the run's own loop lag says why.
    """
    case = CASES[name]
    title = f"{name} ({profile}, {workers} worker{'s' if workers > 1 else ''})"
    ran = _run(case, profile, workers, folder, seconds)
    summary = ran.read_summary()
    true_counts: dict[str, int] = truths(ran.lines)
    if case.logs_sends:
        sent = deliveries_of(ran.lines, ran.titles)
        true_counts["reordered"] = true_reordered(sent)
        replayed = true_replayed(ran.lines, sent)
        true_counts["replayed"] = min(max(summary["deliveries"]["replayed"], replayed[0]), replayed[-1])
    rows = compare(title, true_counts, summary, case.members)
    doubts = summary["validity"]["reasons"]
    wrong = [row.quantity for row in rows if not row.passed]
    if wrong == ["reordered"] and not case.logs_sends and doubts:
        # Its log does not say in which order a backend without its processor has sent what.
        raise StalledError(f"{title}: the run itself was {doubts[0]}")
    if case.transport:
        rows += _compare_capture(title, ran, summary)
        if not wrong and not all(row.passed for row in rows):
            _check_stalls(title, summary)
    if not case.is_late:
        return rows
    rows += compare_latencies(title, sent, summary)
    if case.slow is not None:
        slow = slower_than(ran.record, Reader().slots[0].event, case.slow[0])
        rows += compare_slow(title, case, sent, slow, case.members)
    if not all(row.passed for row in rows):
        _check_stalls(title, summary)
    return rows


def _check_stalls(title: str, summary: dict[str, Any]) -> None:
    """Raise if the run's own record says why its times cannot be right."""
    if doubts := summary["validity"]["reasons"]:
        raise StalledError(f"{title}: the run itself was {doubts[0]}")
    stood_ms = max(summary[lag]["max"] or 0 for lag in ("loop_lag_ms", "ramp_loop_lag_ms"))
    if stood_ms > _STALL_MS:
        raise StalledError(f"{title}: this machine stood still for {stood_ms:.0f} ms while it measured")


def _compare_capture(title: str, ran: _Ran, summary: dict[str, Any]) -> list[Row]:
    found = flows(ran.packets)
    clients = clients_of(found)
    received = deliveries_of(frames_of(clients), ran.titles)
    rows = compare_latencies(title, received, summary, bounded=True)
    return rows + compare_times(title, times_of(found, clients), summary)


def _run(case: Case, profile: str, workers: int, folder: Path, seconds: int) -> _Ran:
    faults, log = folder / "faults.jsonl", folder / "log.txt"
    command = [sys.executable, "-m", "lab.reference_backend", "--profile", profile, "--throttle-limit", "0"]
    command += ["--jwt-secret", _SECRET, "--faults", case.faults, "--fault-log", str(faults)]
    backend = start(command, log, output=subprocess.PIPE)
    try:
        assert backend.stdout is not None
        _, url, database_url = backend.stdout.readline().split()
        load = _load_command(case, url, workers, seconds, folder)
        environment = {"LOCUST_DATABASE_URL": database_url, "LOCUST_JWT_SECRET": _SECRET}
        with ExitStack() as stack:
            port = urlsplit(url).port
            assert port is not None
            packets = stack.enter_context(Capture(port)).packets if case.transport else []
            ran = start(load, log, environment=environment)
            try:
                code: int | None = ran.wait(_RUN_S)
            except subprocess.TimeoutExpired:
                code = None
                end(ran, signal.SIGTERM, 5.0)
        if code not in _MEASURED:
            raise CalibrationError(f"the run failed: {log.read_text(encoding='utf-8')[-2000:]}")
        titles = titles_of(database_url) if case.logs_sends or case.transport else {}
    finally:
        end(backend, signal.SIGTERM, 10.0)
    lines = [json.loads(line) for line in faults.read_text(encoding="utf-8").splitlines()]
    return _Ran(folder / "latest", lines, titles, packets)


def _load_command(case: Case, url: str, workers: int, seconds: int, folder: Path) -> list[str]:
    users = _PUBLISHERS + _ROOMS * case.members
    run_s = seconds + case.more_s + _WARM_UP_S
    load = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--headless", "--only-summary"]
    load += ["--host", url, "-u", str(users), "-r", str(max(users, _SPAWN_RATE)), "-t", f"{run_s}s"]
    load += ["--publishers", str(_PUBLISHERS), "--rate", str(case.rate), "--rooms", str(_ROOMS)]
    # So that everybody is a member from the first trigger to the last, and the truth has no edges.
    # What the probe makes the backend broadcast would be counted among the known deliveries.
    load += ["--warm-up", str(_WARM_UP_S), "--no-report", "--no-probe", "--results-dir", str(folder)]
    load += ["--keep-data"]
    load += ["--transport", case.transport] if case.transport else []
    load += ["--processes", str(workers)] if workers > 1 else []
    return load


def titles_of(database_url: str) -> dict[str, str]:
    """Task's id -> its title, of all tasks that the backend has."""
    with psycopg.connect(database_url) as connection:
        return {str(key): title for key, title in connection.execute("SELECT id, title FROM tasks")}


def slower_than(record: Path, event: str, limit_ms: float) -> int:
    """How many of an event's deliveries a run has measured to be slower."""
    histogram = HdrHistogram.decode((record / "histograms" / f"{stem_of(key_of(event))}.hdr").read_bytes().strip())
    return sum(
        step.count_added_in_this_iter_step
        for step in histogram.get_recorded_iterator()
        if step.value_iterated_to > limit_ms * 1000
    )
