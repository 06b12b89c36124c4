"""What the master merges: numbered, in any order, once."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.fleet import Fleet
from measure.latency import fold, new_histogram, summarise
from measure.presence import Counts
from measure.recogniser import FanOut
from measure.report import Totals, WorkerReport
from measure.triggers import Outcome, Trigger

HEALTH = {"cpu_percent": 10.0, "rss_bytes": 1e6}


def report(number: int, at_s: int = 0, samples_us: tuple[int, ...] = (), received: int = 0) -> WorkerReport:
    histogram = new_histogram()
    fold(histogram, samples_us)
    gauges = {"connected": 1, "members": 1}
    latencies = {"x": histogram.encode()}
    return WorkerReport(number, at_s, 0, [], latencies, [], {}, {"received": received}, gauges, HEALTH)


def totals(**counts: int) -> Totals:
    return Totals(1, {"received": 1}, {0: [Counts(**counts)]}, {0: 1}, {0: 2}, {}, {}, [(1, 2)])


def test_messages_carry_everything() -> None:
    trigger = Trigger(1, 2, 3, 4, 5, Outcome.FAILED, "key")
    fan_out = FanOut(1, 2, 3, 0, 4, 5, 6)
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


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 10**6)), max_size=20), st.randoms())
def test_any_interleaving_of_workers_merges_to_the_same(events: list[tuple[str, int]], rng: random.Random) -> None:
    def merged(order: list[str]) -> dict[str, object]:
        queues = {worker: [value for who, value in events if who == worker] for worker in "abc"}
        fleet = Fleet()
        numbers = dict.fromkeys("abc", 0)
        for worker in order:
            numbers[worker] += 1
            fleet.take(worker, report(numbers[worker], samples_us=(queues[worker].pop(0),)), 0.0)
        return dict(summarise(fleet.latencies["x"]))

    order = [worker for worker, _ in events]
    shuffled = order.copy()
    rng.shuffle(shuffled)
    assert merged(order) == merged(shuffled)


def test_a_second_has_the_gauges_of_workers_that_did_not_report_in_it() -> None:
    fleet = Fleet()
    fleet.take("a", report(1, at_s=1, received=5), 0.0)
    fleet.take("b", report(1, at_s=1, received=1), 0.0)
    fleet.take("a", report(2, at_s=2, received=7), 0.0)
    fleet.close()
    assert [(row["at_s"], row["connected"], row["received"]) for row in fleet.timeline] == [(1, 2, 6), (2, 2, 2)]


def test_old_seconds_are_closed_while_the_run_goes_on() -> None:
    fleet = Fleet()
    for number in range(1, 31):
        fleet.take("a", report(number, at_s=number), 0.0)
    assert [row["at_s"] for row in fleet.timeline] == list(range(1, 20))


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
    assert fleet.rooms() == {0: [Counts(expected=7, delivered=6, lost=1)]}
    assert fleet.by_key("leaked") == {0: 4}


def test_counters_come_from_the_last_report_until_there_are_totals() -> None:
    fleet = Fleet()
    fleet.take("a", report(1, received=9), 0.0)
    assert fleet.counter("received") == 9
    fleet.finish("a", totals())
    assert fleet.counter("received") == 1


def test_rooms_of_different_slots_do_not_merge() -> None:
    fleet = Fleet()
    fleet.finish("a", totals())
    other = totals()
    other.rooms[0].append(Counts())
    fleet.finish("b", other)
    with pytest.raises(ValueError, match="shorter|longer"):
        fleet.rooms()
