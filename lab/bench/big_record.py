"""`python -m lab.bench.big_record`: how long the report of a large run takes, and how much memory.

The record is simulated, and goes the way of a real one: reports of 1,000 workers over two hours are merged by the
master's own code and written by its own; only the times in them are made up.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from lab.bench.children import ROOT
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement import summary as summaries
from loadtest.measurement.evidence import GENERATOR_DELAY, LOOP_LAG
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.phases import Phases
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.shards import pack_all
from loadtest.measurement.tables import all_of
from loadtest.measurement.taken import FanOut
from loadtest.run.master.record import Draft

if TYPE_CHECKING:
    from numpy.random import Generator

_START_S: Final = 1_790_000_000
_STARTING_S: Final = 60
_ROOMS: Final = 2000
_DELIVERIES: Final = 2000
"""Of each event, a second."""


def make(results_dir: Path, seconds: int, workers: int, seed: int = 1, slower: float = 1.0) -> Path:
    """Simulate a run and write its record.

    :param slower: times what a delivery takes by itself.
    """
    rng = np.random.default_rng(seed)
    phases = Phases(ended_s=_START_S + seconds - 2)
    run_id = f"20260921-000000-{seed:08x}"
    draft = Draft(results_dir, {"run_id": run_id, "schema": summaries.SCHEMA}, float(_START_S))
    fleet = Fleet(lambda at_s: phases.of(at_s, _START_S + _STARTING_S + 0.5), draft.log)
    ids = [f"worker-{number}" for number in range(workers)]
    for worker_id in ids:
        fleet.enlist(worker_id)
    drift = 0.0
    for second in range(seconds):
        drift = 0.95 * drift + 0.03 * rng.standard_normal()
        # One worker speaks for all in each second: merging is the master's business, and not what is timed here.
        number, worker = divmod(second, workers)
        fleet.take(ids[worker], _report(rng, number + 1, second, slower * np.exp(drift)), float(second))
    for worker_id in ids:
        state = fleet.workers[worker_id]
        totals = _totals(rng, state.number, state.last_report, state.counters, seconds)
        state.timed = {(0, 0): sum(counts.arrived for counts in totals.streams.values())}
        fleet.finish(worker_id, totals)
    fleet.close()
    facts = _facts(run_id, seconds, workers, rng)
    summary = summaries.with_outcome(
        {**summaries.build(facts, fleet, Reader(), [], {}), **summaries.WITHOUT_SCENARIOS}
    )
    tables = {
        **all_of(fleet, Reader()),
        "backend": facts.backend,
        "conformance": [],
    }
    histograms = {name: histogram.encode() for name, histogram in fleet.latencies.items()}
    return draft.finish(summary, tables, histograms)


def _report(rng: Generator, number: int, second: int, slowness: float) -> WorkerReport:
    starting = second < _STARTING_S
    times_ms = {
        **({} if starting else dict.fromkeys(Reader.events, 8.0)),
        **({"connect": 20.0, "connect_tcp": 2.0, "connect_socketio": 9.0, "join": 5.0} if starting else {}),
        **({} if starting else {"trigger": 6.0}),
        GENERATOR_DELAY: 0.3,
        LOOP_LAG: 0.8,
        "gc_pause": 1.0,
    }
    samples = {
        name: (1000 * ms * slowness * rng.lognormal(0, 0.6, _DELIVERIES)).astype(np.int64)
        for name, ms in times_ms.items()
    }
    return WorkerReport(
        number=number,
        at_s=_START_S + second,
        complete_ns=0,
        triggers=[],
        latencies=pack_all(samples),
        fan_outs=[
            FanOut(
                *(4096, room, second, 0, second * 10**9, second * 10**9),
                *(second * 10**9 + int(rng.exponential(3e6)) + 1000, 25),
            )
            for room in range(0 if starting else 50)
        ],
        timed={},
        counters={"received": number * 5 * _DELIVERIES, "due": 40, "sent": 40},
        gauges={"connected": 50, "members": 50},
        health={"cpu_percent": 40 + 5 * rng.standard_normal(), "rss_bytes": 2e8 + 1e4 * number},
    )


def _totals(rng: Generator, worker: int, reports: int, counters: dict[str, int], seconds: int) -> Totals:
    streams = {}
    for room in range(worker * 2 % _ROOMS, worker * 2 % _ROOMS + 2):
        for slot in range(len(Reader.slots)):
            lost = int(rng.poisson(0.1))
            streams[room, worker << 12, slot] = Counts(
                expected=50_000, delivered=50_000 - lost, lost=lost, arrived=50_000 - lost
            )
    return Totals(
        reports=reports,
        counters=counters,
        streams=streams,
        members={room: 25 for room, _, _ in streams},
        untraced={},
        failures={},
        connects=[],
        seconds=[(_START_S + second, 40, int(rng.random() < 1e-4)) for second in range(_STARTING_S, seconds, 20)],
    )


def _facts(run_id: str, seconds: int, workers: int, rng: Generator) -> summaries.RunFacts:
    samples = [
        {
            "at_s": _START_S + second,
            "instance": "pid:1",
            "cpu_percent": 60 + rng.normal(),
            "rss_mb": 300 + second / 90,
        }
        for second in range(seconds)
    ]
    return summaries.RunFacts(
        run_id=run_id,
        target="http://simulated",
        profile="documented",
        started="2026-09-21T00:00:00.000Z",
        duration_s=float(seconds),
        publishing_s=float(seconds - _STARTING_S),
        users={"Viewer": 50 * workers, "Publisher": workers},
        rooms=_ROOMS,
        rate_per_s=40.0 * workers,
        receive_clocks={"websocket": "kernel", "rest": "kernel"},
        interrupted=False,
        cpu_warning=False,
        options={},
        software={},
        monitoring={"sources": ["pid:1"], "samples": seconds, "failed": 0, "restarts": 0, "why_not": ""},
        backend=samples,
    )


def report(where: Path) -> tuple[float, float]:
    """Make a record's report in a process of its own: (seconds, most MB)."""
    began_s = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "loadtest.reports", str(where)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the report could not be made: exit code {process.returncode}")
    return time.perf_counter() - began_s, usage.ru_maxrss / 1000


def main() -> None:
    """Make the record and its report, print what it took."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.big_record", description=__doc__)
    parser.add_argument("--seconds", type=int, default=7200)
    parser.add_argument("--workers", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = make(Path(folder), options.seconds, options.workers)
        size_mb = sum(path.stat().st_size for path in where.rglob("*") if path.is_file()) / 1e6
        took_s, most_mb = report(where)
        page_mb = (where / "report.html").stat().st_size / 1e6
    sys.stdout.write(
        f"{options.seconds} s, {options.workers} workers, a record of {size_mb:.0f} MB: "
        f"its report took {took_s:.1f} s and {most_mb:.0f} MB; the page has {page_mb:.1f} MB\n"
    )


if __name__ == "__main__":
    main()
