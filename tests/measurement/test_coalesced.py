"""Deliveries that were read together with later ones may have come earlier: their latencies have a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.backends.prometheus import contract
from loadtest.measurement.evidence import evidence_of
from loadtest.measurement.fleet import FAN_OUT, FAN_OUT_BOUND, Fleet
from loadtest.measurement.latency import summarise, summarise_counts
from loadtest.measurement.presence import Counts
from loadtest.transport.receive_clock import Coalesced

from .metering import S, log_frame, member, status_frame, task_of, trigger

if TYPE_CHECKING:
    from loadtest.measurement.meter import Meter

MS = 1_000_000
HEALTH = {"cpu_percent": 1.0, "rss_bytes": 1.0}


def receive(meter: Meter, frame: bytes, received_ns: int, account: int, event: str = contract.AGENT_LOG) -> None:
    meter.observe(account, event, frame, received_ns)


def fleet_of(meter: Meter) -> Fleet:
    fleet = Fleet()
    fleet.take("a", meter.take_report(20 * S, HEALTH, {})[0], 0.0)
    return fleet


def test_the_earliest_is_kept_beside_what_was_measured(meter: Meter) -> None:
    accounts = [member(meter, 0).number for _ in range(4)]
    meter.learn([trigger()])
    times_ns = (10 * S + 9 * MS, Coalesced(10 * S + 9 * MS, 4 * MS), Coalesced(10 * S + 9 * MS, 50 * MS))
    for account, received_ns in zip(accounts, (10 * S + 3 * MS, *times_ns), strict=True):
        receive(meter, log_frame(), received_ns, account)
    fleet = fleet_of(meter)
    measured = summarise(fleet.latencies[contract.AGENT_LOG])
    earliest = summarise_counts(fleet.earliest_counts([contract.AGENT_LOG]))
    assert (measured["count"], measured["p50"], measured["max"]) == (4, 9.007, 9.007)
    # 3 and 9 ms are certain. One latency was at least 5 ms. One delivery may have come as soon as it was due.
    assert (earliest["count"], earliest["p50"], earliest["max"]) == (4, 3.001, 9.007)
    evidence = evidence_of(fleet, Counts(), {}, [])
    assert evidence.bounded_ms == {"p50": (9.007, 3.001), "p99": (9.007, 9.007)}
    fleet.close()
    fan_out, bound = (summarise(fleet.latencies[key]) for key in (FAN_OUT, FAN_OUT_BOUND))
    assert (fan_out["count"], fan_out["max"]) == (1, 6.003)
    assert (bound["count"], bound["max"]) == (1, 50.015), "that of the least certain of its deliveries"


def test_an_arrival_keeps_its_bound_while_it_waits_for_its_trigger(meter: Meter) -> None:
    account = member(meter, 0).number
    update = status_frame(contract.IN_PROGRESS, task_of(0))
    receive(meter, update, Coalesced(10 * S + 8 * MS, 2 * MS), account, contract.TASK_STATUS_UPDATE)
    meter.learn([trigger(key=task_of(0))])
    fleet = fleet_of(meter)
    assert summarise_counts(fleet.earliest_counts([contract.TASK_STATUS_UPDATE]))["max"] == 6.003


def test_without_them_both_are_the_same_and_nothing_is_in_doubt(meter: Meter) -> None:
    receive(meter, log_frame(), 10 * S + 9 * MS, member(meter, 0).number)
    fleet = fleet_of(meter)
    assert summarise_counts(fleet.earliest_counts([contract.AGENT_LOG])) == summarise(
        fleet.latencies[contract.AGENT_LOG]
    )
    assert evidence_of(fleet, Counts(), {}, []).bounded_ms == {}


def test_a_bound_belongs_to_its_own_report(meter: Meter) -> None:
    accounts = [member(meter, 0).number for _ in range(2)]
    receive(meter, log_frame(), Coalesced(10 * S + 9 * MS, 4 * MS), accounts[0])
    meter.take_report(11 * S, HEALTH, {})
    receive(meter, log_frame(), 10 * S + 9 * MS, accounts[1])
    report, _ = meter.take_report(12 * S, HEALTH, {})
    assert set(report.latencies) & {"agentLog@coalesced", "agentLog@earliest"} == set()
