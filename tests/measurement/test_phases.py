from __future__ import annotations

import numpy as np
import pytest

from loadtest.measurement.fleet import Fleet
from loadtest.measurement.phases import Phases, summaries
from loadtest.measurement.report import WorkerReport
from loadtest.measurement.shards import pack


@pytest.mark.parametrize(
    ("at_s", "phase"), [(99, "starting"), (100, "starting"), (101, "ramp"), (105, "ramp"), (106, "steady")]
)
def test_without_a_shape(at_s: int, phase: str) -> None:
    assert Phases(ramp_s=5.0).of(at_s, 100.5) == phase


def test_before_anybody_publishes() -> None:
    assert Phases().of(5, None) == "starting"


def test_after_the_end_it_drains() -> None:
    assert Phases(ended_s=110.5).of(110, 100.5) == "drain"
    assert Phases(ended_s=110.5).of(109, 100.5) == "steady"


@pytest.mark.parametrize(("at_s", "phase"), [(101, "before"), (119, "before"), (120, "spike"), (130, "after")])
def test_a_shape_names_its_parts(at_s: int, phase: str) -> None:
    marks = ((0.0, "before"), (20.0, "spike"), (30.0, "after"))
    assert Phases(marks=marks, shape_began_s=100.0).of(at_s, 100.5) == phase


def report(number: int, at_s: int, value_us: int) -> WorkerReport:
    return WorkerReport(
        number=number,
        at_s=at_s,
        complete_ns=0,
        triggers=[],
        latencies={"agentLog": pack(np.full(10, value_us))},
        fan_outs=[],
        timed={},
        counters={"received": 10 * number},
        gauges={"connected": 1},
        health={"cpu_percent": 1.0, "rss_bytes": 1e6},
    )


def test_each_phase_has_its_own_times_and_losses() -> None:
    fleet = Fleet(phase_of=lambda at_s: "early" if at_s < 3 else "late")
    for number, value_us in enumerate((1000, 1000, 9000, 9000), 1):
        fleet.take("w", report(number, number, value_us), float(number))
    fleet.close()
    rows = [{**row, "owed": 10, "lost": int(row["at_s"] == 4)} for row in fleet.timeline]
    found = summaries(fleet, ["agentLog"], rows)
    assert {name: one["figures"]["latency_p50_ms"] for name, one in found.items()} == {"early": 1.0, "late": 9.007}
    assert [(one["from_s"], one["to_s"]) for one in found.values()] == [(1, 3), (3, 5)]
    assert found["late"]["deliveries"] == {"expected": 20, "delivered": 19, "lost": 1}
    assert found["late"]["figures"]["lost_percent"] == 5.0
    assert found["early"]["figures"]["received_per_s"] == 10.0


def test_what_is_published_while_a_run_warms_up_counts_in_no_figure() -> None:
    phases = Phases(ramp_s=2.0, unmeasured_s=5.0, ended_s=120.0)
    assert [phases.of(at_s, 100.0) for at_s in (99, 100, 104, 105, 120)] == [
        *("starting", "warm-up", "warm-up", "steady", "drain"),
    ]
    assert [phases.counts(at_s, 100.0) for at_s in (99, 104, 105, 120)] == [False, False, True, True]
    # Whoever delivers before anybody said that publishing began, delivers the first.
    assert not phases.counts(100, None)
    assert Phases().counts(100, None)


def test_a_shape_that_did_not_begin_names_nothing() -> None:
    assert Phases(marks=((0.0, "before"),)).of(105, 100.0) == "steady"
    assert Phases(shape_began_s=50.0).of(105, 100.0) == "steady"


def test_before_its_first_mark_it_is_in_its_first_part() -> None:
    marks = ((5.0, "first"), (20.0, "second"))
    assert Phases(marks=marks, shape_began_s=100.0).of(102, 100.0) == "first"


def test_the_rate_has_risen_when_its_time_is_over() -> None:
    assert [Phases(ramp_s=5.0).of(at_s, 100.0) for at_s in (104, 105)] == ["ramp", "steady"]


def test_a_phase_in_which_nobody_was_owed_anything_has_lost_no_share() -> None:
    fleet = Fleet(phase_of=lambda _: "only")
    for number in range(1, 4):
        fleet.take("w", report(number, number, 1000 * number), float(number))
    fleet.close()
    found = summaries(fleet, ["agentLog"], [*fleet.timeline, {"at_s": 9}, {"at_s": 8, "phase": ""}])["only"]
    assert found["figures"]["lost_percent"] is None
    assert found["deliveries"] == {"expected": 0, "delivered": 0, "lost": 0}
    assert found["figures"]["received_per_s"] == 10.0
    assert (found["from_s"], found["to_s"]) == (1, 4)
    assert found["latency_ms"]["agentLog"]["count"] == 30
    assert set(found["figures"]) == {
        *(f"latency_{name}_ms" for name in ("mean", "p50", "p90", "p95", "p99", "p999", "p9999", "p99999", "max")),
        *("lost_percent", "received_per_s"),
    }


def test_shares_and_rates_are_rounded() -> None:
    fleet = Fleet(phase_of=lambda _: "only")
    for number in range(1, 4):
        fleet.take("w", report(number, number, 1000), float(number))
    fleet.close()
    rows = [{**row, "owed": 7, "lost": 1, "received": 7} for row in fleet.timeline]
    rows.append({"at_s": 4, "phase": "only"})
    rows += [{"at_s": at_s, "phase": "only", "received": 1} for at_s in (5, 6)]
    figures = summaries(fleet, ["agentLog"], rows)["only"]["figures"]
    assert (figures["lost_percent"], figures["received_per_s"]) == (14.285714, 3.833)
