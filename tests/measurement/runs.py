"""A run's facts and its fleet, as the master has them at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.objectives import DEFAULTS, Objective
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.shards import pack
from loadtest.measurement.summary import WITHOUT_SCENARIOS, RunFacts, build, with_outcome

FACTS = RunFacts(
    run_id="r",
    target="http://x",
    profile="documented",
    started="2026-01-01T00:00:00.000Z",
    duration_s=10.0,
    publishing_s=5.0,
    users={"Viewer": 60, "Publisher": 4},
    rooms=1,
    rate_per_s=2.0,
    receive_clocks={"websocket": "kernel", "rest": "kernel"},
    interrupted=False,
    cpu_warning=False,
    options={"rate": 2.0},
    software={"python": "3"},
    monitoring={"sources": [], "every_s": 1.0, "samples": 0, "failed": 0, "restarts": 0, "why_not": "none"},
    backend=[],
)
COUNTERS = {"due": 10, "sent": 10, "received": 600, "connects": 60}


def fleet_of(
    counters: dict[str, int] | None = None, reported: dict[str, int] | None = None, *, calm: bool = False
) -> Fleet:
    """Return a fleet at the end of a run: 10 of 1,800 deliveries were lost and 3 leaked, unless it was calm."""
    counters = COUNTERS | (counters or {})
    fleet = Fleet()
    packed = pack(np.full(10, 4000))
    gauges = {"connected": 60, "members": 60}
    report = WorkerReport(
        number=1,
        at_s=1,
        complete_ns=0,
        triggers=[],
        latencies={"agentLog": packed, "connect": packed},
        fan_outs=[],
        timed={(0, 0): 600 if calm else 590, (0, 1): 600, (0, 2): 600},
        counters=reported or counters,
        gauges=gauges,
        health={"cpu_percent": 5.0, "rss_bytes": 2e6},
    )
    fleet.take("w", report, 0.0)
    slots = [Counts(expected=600, delivered=600, arrived=600) for _ in range(3)]
    if not calm:
        slots[0] = Counts(expected=600, delivered=590, lost=10, missed_offline=4, arrived=590, leaked=3)
    totals = Totals(
        reports=1,
        counters=counters,
        streams={(0, 4097, slot): counts for slot, counts in enumerate(slots)},
        members={0: 60},
        untraced={"agentLog status IN_PROGRESS": 600},
        failures={"connect: x": 2},
        connects=[(0, 5_000_000)] * 20,
    )
    fleet.finish("w", totals)
    fleet.close()
    return fleet


def summary_of(
    fleet: Fleet, facts: RunFacts = FACTS, objectives: Sequence[Objective] | None = None
) -> dict[str, Any]:
    return build(facts, fleet, Reader(), objectives or [], {})


def whole_summary(fleet: Fleet, facts: RunFacts = FACTS, objectives: Sequence[Objective] = DEFAULTS) -> Any:
    """Return the summary of a run without scenarios, with its outcome."""
    return with_outcome({**summary_of(fleet, facts, objectives), **WITHOUT_SCENARIOS})
