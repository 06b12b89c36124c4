"""Members on several instances of the backend, and what goes from one to another."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.backends.prometheus import contract
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.instances import Instances
from loadtest.measurement.latency import new_histogram
from loadtest.measurement.meter import Meter
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.shards import merge_packed, pack
from loadtest.measurement.viewpoint import MOST_INSTANCES, OTHERS

from .metering import STARTED, S, counts, log_frame, settle, status_frame, trigger

if TYPE_CHECKING:
    from loadtest.measurement.account import Account
    from loadtest.measurement.triggers import Trigger


def member(meter: Meter, instance: str, room: int = 0) -> Account:
    account = meter.open_account()
    account.instance = instance
    account.joined(room, 0)
    return account


def answered_by(instance: str, seq: int = 0) -> Trigger:
    return trigger(seq, key=f"{seq:08d}-2222-4333-8444-555555555555")._replace(origin=instance)


def report_of(meter: Meter, now_ns: int = 20 * S) -> WorkerReport:
    report, _ = meter.take_report(now_ns, {"cpu_percent": 0.0}, {})
    return WorkerReport.from_message(report.to_message())


def total_us(packed: bytes) -> tuple[int, int]:
    histogram = new_histogram()
    merge_packed(packed, histogram)
    return histogram.get_total_count(), round(histogram.get_mean_value())


def test_the_same_frame_is_timed_apart_at_each_instance(meter: Meter) -> None:
    near, far = member(meter, "a"), member(meter, "b")
    meter.learn([answered_by("a")])
    meter.at("a").observe(near.number, contract.AGENT_LOG, log_frame(), 10 * S + 1_000_000)
    meter.at("b").observe(far.number, contract.AGENT_LOG, log_frame(), 10 * S + 9_000_000)
    report = report_of(meter)
    assert {way: total_us(packed) for way, packed in report.paths.items()} == {
        ("a", "a"): (1, 1000),
        ("a", "b"): (1, pytest.approx(9000, rel=0.001)),
    }
    assert report.instances == {"a": 1, "b": 1}
    assert meter.received == report.counters["received"] == 2
    assert total_us(report.latencies[contract.AGENT_LOG])[0] == 2, "and together, as ever"
    assert len(report.fan_outs) == 2, "which the master joins"


def test_a_way_is_known_when_the_trigger_is_answered_and_not_before(meter: Meter) -> None:
    account = member(meter, "a")
    meter.at("a").observe(account.number, contract.AGENT_LOG, log_frame(), 10 * S + 1_000_000)
    first = report_of(meter)
    assert first.paths == {}
    assert total_us(first.latencies[contract.AGENT_LOG])[0] == 1, "its time is told all the same"
    meter.learn([answered_by("b")])
    assert list(report_of(meter, 21 * S).paths) == [("b", "a")]
    assert report_of(meter, 22 * S).paths == {}


def test_what_is_never_answered_comes_from_nobody_knows_where(meter: Meter) -> None:
    account = member(meter, "a")
    meter.at("a").observe(account.number, contract.AGENT_LOG, log_frame(), 10 * S)
    meter.close()
    assert list(report_of(meter).paths) == [("", "a")]


def test_an_update_that_waits_for_its_trigger_keeps_its_instance(meter: Meter) -> None:
    account = member(meter, "a")
    known = answered_by("b")
    meter.at("a").observe(
        account.number, contract.TASK_STATUS_UPDATE, status_frame("IN_PROGRESS", known.key), 10 * S + 2_000_000
    )
    meter.learn([known])
    assert {way: total_us(packed) for way, packed in report_of(meter).paths.items()} == {("b", "a"): (1, 2000)}


def test_duplicates_and_order_are_the_member_s_wherever_it_is(meter: Meter) -> None:
    account = member(meter, "a")
    meter.learn([answered_by("a")])
    meter.at("a").observe(account.number, contract.AGENT_LOG, log_frame(), 10 * S)
    account.disconnected(11 * S, wanted=False)
    account.instance = "b"
    account.resumed(12 * S)
    account.joined(0, 12 * S)
    meter.at("b").observe(account.number, contract.AGENT_LOG, log_frame(), 12 * S + 1)
    totals = settle(meter)
    assert totals.streams[0, 1, 0].duplicate == 1


def test_a_loss_belongs_to_the_instance_that_was_to_deliver_it(meter: Meter) -> None:
    member(meter, "a")
    away = member(meter, "b")
    for seq, origin in enumerate(("a", "b", "a")):
        meter.learn([answered_by(origin, seq)])
    away.disconnected(9 * S, wanted=False)
    totals = Totals.from_message(settle(meter).to_message())
    owed = {(origin, instance): (owed, lost) for origin, instance, owed, lost in totals.paths}
    # Two broadcasts follow each trigger for certain; nobody received any.
    assert owed == {("a", "a"): (4, 4), ("b", "a"): (2, 2), ("a", "b"): (4, 4), ("b", "b"): (2, 2)}
    assert counts(totals)[STARTED] == (6, 0, 6)


def test_where_nobody_says_its_name_there_is_nothing_to_tell(meter: Meter) -> None:
    fleet = Fleet()
    account = member(meter, "")
    meter.learn([trigger()])
    meter.observe(account.number, contract.AGENT_LOG, log_frame(), 10 * S)
    report = report_of(meter)
    assert report.paths == report.instances == {}
    fleet.take("w", report, 1.0)
    fleet.finish("w", settle(meter))
    assert fleet.instances.summary(fleet.totals()) is None
    assert fleet.instances.rows() == []


def test_there_are_no_more_viewpoints_than_can_be_told_apart(meter: Meter) -> None:
    found = [meter.at(f"10.0.0.{number}") for number in range(100)]
    assert len(meter.viewpoints) == MOST_INSTANCES + 2
    assert found[-1] is meter.at("another") is meter.viewpoints[OTHERS]
    assert found[0] is meter.at("10.0.0.0")
    assert found[0].at("") is meter


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["", "x", "y"]), st.integers(1, 50), st.integers(0, 1)),
        max_size=12,
    )
)
def test_the_master_s_ways_add_up_to_those_of_all_workers(rows: list[tuple[str, str, int, int]]) -> None:
    fleet = Fleet()
    for number, row in enumerate(rows):
        fleet.finish(str(number), Totals(0, {}, {}, {}, {}, {}, [], paths=[row]))
    summary = fleet.instances.summary(fleet.totals())
    owed: Counter[tuple[str, str]] = Counter()
    for origin, instance, count, _ in rows:
        owed[origin, instance] += count
    told = {} if summary is None else {(p["triggered"], p["member"]): p["expected"] for p in summary["paths"]}
    assert told == dict(owed)


def test_members_are_added_up_over_workers_that_do_not_report_at_once() -> None:
    instances = Fleet().instances
    instances.take("one", 5, {"a": 3, "b": 1}, {})
    instances.take("two", 5, {"a": 2}, {})
    instances.take("one", 6, {"a": 4}, {})
    assert [(row["at_s"], row["instance"], row["members"]) for row in instances.rows()] == [
        (5, "a", 5),
        (5, "b", 1),
        (6, "a", 6),
        (6, "b", 0),
    ]


def test_what_the_summary_says_of_each_way_and_each_instance() -> None:
    instances = Instances()
    packed = pack(np.array([5000, 5000]))
    instances.take("w1", 1, {"a": 2}, {("a", "b"): packed})
    instances.take("w2", 1, {"a": 1, "b": 4}, {("a", "b"): packed, ("", "b"): packed})
    instances.take("w1", 3, {"a": 7}, {})
    instances.take("w2", 4, {"b": 1}, {})
    instances.take("w2", 5, {}, {})
    assert instances.rows() == [
        {"at_s": 1, "instance": "a", "members": 3},
        {"at_s": 1, "instance": "b", "members": 4},
        {"at_s": 3, "instance": "a", "members": 8},
        {"at_s": 3, "instance": "b", "members": 4},
        {"at_s": 4, "instance": "a", "members": 7},
        {"at_s": 4, "instance": "b", "members": 1},
    ]
    totals = [
        Totals(1, {}, {}, {}, {}, {}, [], paths=[("a", "b", owed, lost), ("b", "b", 1, 1)])
        for owed, lost in ((5, 1), (7, 2))
    ]
    found = instances.summary(totals)
    assert found is not None
    assert found["members"] == {"a": 8, "b": 4}
    assert [
        (path["triggered"], path["member"], path["expected"], path["lost"], path["latency_ms"]["count"])
        for path in found["paths"]
    ] == [("", "b", 0, 0, 2), ("a", "b", 12, 3, 4), ("b", "b", 2, 2, 0)]


def test_where_no_instance_said_its_name_there_is_no_such_summary() -> None:
    assert Instances().summary([]) is None
    assert Instances().summary([Totals(1, {}, {}, {}, {}, {}, [], paths=[("", "", 5, 1)])]) is None
