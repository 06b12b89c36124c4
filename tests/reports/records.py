"""Records on disk, made as the master makes them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.backends.plan import Cast
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.checks import Checks
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.objectives import Objective
from loadtest.measurement.second import Second
from loadtest.measurement.summary import RunFacts, with_outcome
from loadtest.measurement.tables import room_rows, stream_rows, timeline_rows, worker_rows
from loadtest.run.master.cast import outcome as cast_outcome
from loadtest.run.master.record import Draft
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.capabilities import Answer, Capabilities

from ..measurement.runs import FACTS, summary_of

CAPABILITIES = Capabilities(
    {can.TOKEN_CHECK: Answer(True, "refused"), can.OWN_ROOMS: Answer(False, "a <script> was let in")}
)
CHECKS = Checks()
CHECKS.count("bad tokens", "none of them connects", False, "let in: <b>garbage</b>", "Verify <tokens>.")
CHECKS.count("bad tokens", "the refusal says why", True, "Unauthorized")
OBJECTIVES = [
    Objective("maximum latency", "latency_max_ms", "below", 1.0),
    Objective("x <&>", "connect_20_ms", "below", 9),
    Objective("p99 in the storm", "latency_ms.agentLog.p99", "at_most", 9.0, phase="storm"),
    Objective("the last release's p99", "latency_ms.agentLog.p99", "at_most", 1.1, relative=True),
]
BACKEND = [
    {"at_s": 1 + second, "instance": "pid:1", "cpu_percent": 5.0 * second, "rss_mb": 80.0} for second in range(3)
]


class Checked:
    """A fleet, and the checks that its users made."""

    def __init__(self, fleet: Fleet) -> None:
        self.totals, self.latencies = fleet.totals, fleet.latencies

    def checks(self) -> Checks:
        return CHECKS


def write(
    folder: Path,
    fleet: Fleet,
    found: dict[str, Any] | None = None,
    objectives: Sequence[Objective] | None = None,
    facts: RunFacts | None = None,
) -> Path:
    """Write the record of a fleet made by hand; its log has one second.

    :param objectives: instead of some that do not pass, and of a scenario with a check that fails.
    :param facts: facts of a run that monitored its backend.
    """
    draft = Draft(folder, {"run_id": FACTS.run_id, "schema": 2}, 1.0)
    if fleet.latencies:
        draft.log(Second(1, latencies=dict(fleet.latencies)))
    options = Namespace(tags=["security"], exclude_tags=None, fail_on_finding=None)
    cast = Cast(capabilities=CAPABILITIES.to_message())
    summary = with_outcome(
        {
            **summary_of(fleet, facts or FACTS, OBJECTIVES if objectives is None else objectives),
            **cast_outcome(options, None, cast, [] if objectives is not None else ["Intruder"], Checked(fleet)),
            "capacity": found,
        }
    )
    tables = {
        "timeline": timeline_rows(fleet),
        "rooms": room_rows(fleet, Reader()),
        "streams": stream_rows(fleet, Reader()),
        "workers": worker_rows(fleet),
        "backend": facts.backend if facts else BACKEND if fleet.latencies else [],
        **({"instances": rows} if (rows := fleet.instances.rows()) else {}),
    }
    histograms = {name: histogram.encode() for name, histogram in fleet.latencies.items()}
    return draft.finish(summary, tables, histograms)
