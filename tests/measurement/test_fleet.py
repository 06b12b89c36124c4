"""What the master merges: numbered, in any order, once."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock
from loadtest.measurement.completions import COMPLETION
from loadtest.measurement.fleet import AWAY_S, FAN_OUT, Fleet
from loadtest.measurement.interim import Interim
from loadtest.measurement.latency import summarise
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.taken import FanOut
from loadtest.measurement.triggers import Outcome, Trigger

from .reports import HEALTH, connected, report, totals


def test_messages_carry_everything() -> None:
    trigger = Trigger(1, 2, 3, 4, 5, Outcome.FAILED, "key")
    fan_out = FanOut(1, 2, 3, 0, 3, 4, 5, 6)
    sent = WorkerReport(1, 2, 3, [trigger], {"x": b"y"}, [fan_out], {(1, 2): 3}, {"a": 1}, {"b": 2}, HEALTH)
    assert WorkerReport.from_message(sent.to_message()) == sent
    whole = totals(expected=3, delivered=2, lost=1)
    assert Totals.from_message(whole.to_message()) == whole


def test_a_lost_report_is_a_gap_and_a_repeated_one_counts_once() -> None:
    fleet = Fleet()
    assert fleet.take("a", report(1, samples_us=(5,)), 0.0)
    assert fleet.take("a", report(4, samples_us=(5,)), 0.0)
    assert not fleet.take("a", report(4, samples_us=(5,)), 0.0)
    worker = fleet.workers["a"]
    assert (worker.gaps, worker.repeats) == (2, 1)
    assert summarise(fleet.latencies["x"])["count"] == 2


Event = tuple[str, int, int, int]
"""(worker, a latency in µs, a broadcast's number, the second)."""


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 10**6), st.integers(0, 3), st.integers(0, 5))),
    st.randoms(),
)
def test_any_order_of_workers_merges_to_the_same(events: list[Event], rng: random.Random) -> None:
    """Each worker's own reports are in order; how the workers follow each other, and whose totals come first, is
    chance.
    """

    def merged(order: list[str]) -> dict[str, Any]:
        fleet = Fleet()
        queues = {worker: [event for event in events if event[0] == worker] for worker in "abc"}
        received = dict.fromkeys("abc", 0)
        for worker in order:
            _, latency_us, seq, at_s = queues[worker].pop(0)
            received[worker] += 1
            sent = report(received[worker], at_s, (latency_us,), received[worker])
            sent.fan_outs.append(FanOut(0, 0, seq, 0, 0, seq * 1000, seq * 1000 + latency_us * 1000, 2))
            sent.timed = {(0, 0): received[worker]}
            fleet.take(worker, sent, 0.0)
        for worker in dict.fromkeys(order):
            fleet.finish(worker, totals(expected=received[worker], delivered=received[worker]))
        fleet.close()
        return {
            "latencies": summarise(fleet.latencies["x"]),
            "fan-outs": summarise(fleet.latencies[FAN_OUT]),
            "rooms": fleet.rooms(1),
            "streams": fleet.streams(),
            "received": fleet.counter("received"),
            "per second": sorted((row["at_s"], row["received"]) for row in fleet.timeline),
        }

    order = [event[0] for event in events]
    shuffled = order.copy()
    rng.shuffle(shuffled)
    assert merged(order) == merged(shuffled)


def test_one_broadcast_s_fan_out_is_over_all_workers_and_reports() -> None:
    fleet = Fleet()
    ms = 1_000_000
    for worker, number, first_ms, last_ms in (("a", 1, 10, 12), ("b", 1, 11, 19), ("a", 2, 14, 25)):
        sent = report(number, at_s=number)
        sent.fan_outs.append(FanOut(3, 0, 7, 0, 0, first_ms * ms, last_ms * ms, 1))
        fleet.take(worker, sent, 0.0)
    fleet.close()
    figures = summarise(fleet.latencies[FAN_OUT])
    assert figures["count"] == 1
    assert figures["max"] == pytest.approx(15.0, rel=0.001)


def test_a_broadcast_that_one_member_received_has_no_fan_out() -> None:
    fleet = Fleet()
    sent = report(1)
    sent.fan_outs.append(FanOut(3, 0, 7, 0, 0, 1, 1, 1))
    fleet.take("a", sent, 0.0)
    fleet.close()
    assert summarise(fleet.latencies[FAN_OUT])["count"] == 0


def test_work_took_until_the_first_of_all_workers_received_its_completion() -> None:
    """Whichever worker is heard first; and a completion that is replayed much later is not another one."""
    fleet = Fleet(completions=[False, True])
    ms = 1_000_000
    receipts = [("a", 1, 14), ("b", 1, 12), ("a", 2, 13), ("a", 40, 900), ("b", 41, 901)]
    for worker, at_s, first_ms in receipts:
        sent = report(at_s, at_s=at_s)
        sent.fan_outs.append(FanOut(3, 0, 7, 1, 2 * ms, first_ms * ms, first_ms * ms, 1))
        sent.fan_outs.append(FanOut(3, 0, 7, 0, 2 * ms, first_ms * ms, first_ms * ms, 1))
        fleet.take(worker, sent, 0.0)
    fleet.close()
    figures = summarise(fleet.latencies[COMPLETION])
    assert figures["count"] == 1
    assert figures["max"] == pytest.approx(10.0, rel=0.001)


def test_a_worker_that_was_not_heard_for_a_while_was_away() -> None:
    fleet = Fleet()
    for number, at_s in enumerate((0.0, 1.0, 2.0 + AWAY_S, 9.0), 1):
        fleet.take("a", report(number), at_s)
    assert fleet.workers["a"].away_s == 1.0 + AWAY_S


def test_what_a_lost_worker_had_timed_is_told_apart() -> None:
    fleet = Fleet()
    for worker in "ab":
        sent = report(1)
        sent.timed = {(0, 1): 5}
        fleet.take(worker, sent, 0.0)
    fleet.finish("a", totals())
    assert fleet.timed_by_the_lost() == {(0, 1): 5}


def test_triggers_are_complete_as_far_as_the_slowest_living_worker_says() -> None:
    fleet = Fleet()
    for worker, complete_ns in (("a", 5), ("b", 9)):
        sent = report(1)
        sent.complete_ns = complete_ns
        fleet.take(worker, sent, 0.0)
    assert fleet.complete_ns(["a", "b"]) == 5
    assert fleet.complete_ns(["b"]) == 9
    fleet.enlist("new")
    assert fleet.complete_ns(["b", "new"]) == 0


def test_a_worker_that_is_gone_has_no_connections() -> None:
    fleet = Fleet()
    fleet.take("a", report(1), 0.0)
    fleet.take("b", report(1), 0.0)
    fleet.keep_only(["b"])
    assert fleet.gauge("connected") == 1


def test_totals_add_up() -> None:
    fleet = Fleet()
    fleet.finish("a", totals(expected=3, delivered=2, lost=1))
    fleet.finish("b", totals(expected=4, delivered=4))
    assert fleet.rooms(2) == {0: [Counts(expected=7, delivered=6, lost=1, leaked=4), Counts()]}
    assert fleet.streams() == {(0, 7, 0): Counts(expected=7, delivered=6, lost=1, leaked=4)}


def test_counters_come_from_the_last_report_until_there_are_totals() -> None:
    fleet = Fleet()
    fleet.take("a", report(1, received=9), 0.0)
    assert fleet.counter("received") == 9
    fleet.finish("a", totals())
    assert fleet.counter("received") == 1


def test_a_worker_may_be_away_and_miss_reports_more_than_once() -> None:
    fleet = Fleet()
    for number, at_s in ((1, 0.0), (3, AWAY_S), (5, 2 * AWAY_S + 1.0), (9, 3 * AWAY_S + 3.0)):
        fleet.take("a", report(number), at_s)
    fleet.take("a", report(9), 3 * AWAY_S + 3.0)
    fleet.take("a", report(8), 3 * AWAY_S + 3.0)
    worker = fleet.workers["a"]
    assert worker.away_s == 2 * AWAY_S + 3.0, "so long is not away yet"
    assert (worker.gaps, worker.repeats) == (5, 2)


def test_the_most_that_were_ever_connected_together() -> None:
    fleet = Fleet()
    for worker, number, count in (("a", 1, 5), ("b", 1, 7), ("a", 2, 2), ("b", 2, 9), ("a", 3, 1)):
        fleet.take(worker, connected(number, count), 0.0)
    assert fleet.most_connected == 12
    fleet.keep_only(["a"])
    fleet.take("c", connected(1, 10), 0.0)
    assert fleet.most_connected == 12, "of b nothing is left"
    fleet.keep_only(["a"])
    fleet.take("c", connected(2, 10), 0.0)
    fleet.take("a", connected(4, 3), 0.0)
    assert fleet.most_connected == 13
    fleet.keep_only(iter(["a"]))
    assert fleet.gauge("connected") == 3


def test_a_worker_that_says_nothing_of_its_connections_has_none() -> None:
    fleet = Fleet()
    silent = report(1)
    silent.gauges, silent.counters = {}, {}
    fleet.take("a", silent, 0.0)
    fleet.take("a", connected(2, 1), 0.0)
    fleet.close()
    assert fleet.most_connected == 1
    assert [row["received"] for row in fleet.timeline] == [0]


def test_publishing_began_when_the_first_that_publishes_began() -> None:
    fleet = Fleet()
    assert fleet.publishing_since_s() is None
    for worker, due, since_s, at_s in (("a", 0, 50.0, 1), ("b", 3, 70.0, 2), ("c", 1, 60.0, 3)):
        made = report(1, at_s)
        made.counters = {"due": due}
        made.health = HEALTH | {"publishing_since_s": since_s}
        fleet.take(worker, made, 0.0)
        found = fleet.publishing_since_s()
    assert found == 60.0


def test_a_worker_that_does_not_say_since_when_publishes_since_ever() -> None:
    fleet = Fleet()
    made = report(1)
    made.counters = {"due": 1}
    fleet.take("a", made, 0.0)
    assert fleet.publishing_since_s() == 0.0


def test_how_many_clocks_there_are() -> None:
    fleet = Fleet()
    assert fleet.clocks() == 1
    fleet.enlist("unknown")
    assert fleet.clocks() == 1
    for number, machine in enumerate(("m", "m", "n", "o"), 1):
        fleet.enlist(machine + str(number)).clock = Clock(number, machine, Estimate(0, 0, 0.0, 1.0, 0.0))
    assert fleet.clocks() == 3
    assert [worker.number for worker in fleet.workers.values()] == [0, 1, 2, 3, 4]


def test_a_room_that_nobody_was_a_member_of_has_counts_all_the_same() -> None:
    fleet = Fleet()
    fleet.finish("a", Totals(1, {}, {(4, 7, 1): Counts(leaked=2)}, {0: 1}, {}, {}, []))
    assert fleet.rooms(2) == {0: [Counts(), Counts()], 4: [Counts(), Counts(leaked=2)]}


def test_what_a_worker_has_counted_so_far_is_its_own() -> None:
    fleet = Fleet()
    interim = Interim(until_ns=5)
    fleet.take_interim("a", interim)
    fleet.enlist("b")
    assert [worker.interim for worker in fleet.workers.values()] == [interim, None]


def test_how_many_were_timed_so_far() -> None:
    fleet = Fleet()
    for worker, timed in (("a", {(0, 0): 3, (0, 1): 4}), ("b", {(1, 0): 5})):
        made = report(1)
        made.timed = timed
        fleet.take(worker, made, 0.0)
    assert fleet.timed() == 12


def test_checks_of_all_workers() -> None:
    fleet = Fleet()
    for worker in "ab":
        fleet.finish(worker, Totals(1, {}, {}, {}, {}, {}, [], checks=[["s", "c", 1, 0, 2, "p", "", "k", ""]]))
    assert fleet.checks().to_rows() == [["s", "c", 2, 0, 4, "p", "", "k", ""]]
