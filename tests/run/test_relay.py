"""What a master hands on: every row, to every worker, and never a promise before it."""

from __future__ import annotations

from typing import Any

from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.gathering import made_of
from loadtest.measurement.moments import Made
from loadtest.measurement.report import WorkerReport
from loadtest.measurement.taken import FanOut
from loadtest.run import messages
from loadtest.run.master.relay import Relay
from loadtest.run.trigger_feed import Inlet

HEALTH = {"cpu_percent": 1.0, "rss_bytes": 1.0}


def report(complete_ns: int, at_s: int = 9) -> WorkerReport:
    return WorkerReport(1, at_s, complete_ns, [], {}, [], {}, {}, {}, HEALTH)


def test_rows_reach_all_workers_once() -> None:
    relay = Relay(Fleet())
    inlets = {"a": Inlet(), "b": Inlet()}
    got: dict[str, list[Any]] = {"a": [], "b": []}

    def tell(kind: str, message: dict[str, Any], worker: str) -> None:
        assert kind == messages.TRIGGERS
        got[worker] += inlets[worker].take(message)

    for rows in ([1, 2], [], [3], []):
        relay.feed.add(rows)
        relay.turn(["a", "b"], tell)
    assert got == {"a": [1, 2, 3], "b": [1, 2, 3]}


def test_what_was_not_handed_on_is_not_said_to_be_known() -> None:
    """Otherwise a worker would ask for it, or count without it."""
    fleet = Fleet()
    relay = Relay(fleet)
    fleet.take("a", report(complete_ns=500), 0.0)
    relay.feed.add([1, 2])
    assert relay.known == {"triggers": 0, "complete_ns": 0}
    relay.turn(["a"], lambda *_: None)
    assert relay.known == {"triggers": 2, "complete_ns": 500}


def test_a_moment_is_exact_if_a_worker_on_the_master_s_machine_has_reported_it() -> None:
    """Otherwise it has the bound of that worker's clock."""
    for bound_ns in (0.0, 700.0):
        fleet = Fleet()
        relay = Relay(fleet, [True], 10)
        fleet.enlist("a").clock = Clock(0, "m", Estimate(0, 0, 0.0, bound_ns, 0.0))
        received = report(complete_ns=0)
        received.fan_outs.append(FanOut(1, 2, 3, 0, 400, 500, 600, 2))
        relay.take("a", received, [])
        relay.close()
        assert made_of(relay.feed._rows) == [Made(1, 2, 3, 0, 500, 10, int(bound_ns))]


def test_the_more_workers_the_fewer_turns() -> None:
    assert Relay.pause_s(2) == 0.05
    assert Relay.pause_s(1000) == 0.5
