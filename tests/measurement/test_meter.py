"""What one worker's meter counts, fed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.latency import new_histogram, summarise
from loadtest.measurement.meter import MOST_EARLY, REPLAY, Meter
from loadtest.measurement.moments import Made
from loadtest.measurement.presence import Counts, ledger_key
from loadtest.measurement.recogniser import PATIENCE
from loadtest.measurement.sequence import SequenceLedger
from loadtest.measurement.shards import merge_packed
from loadtest.measurement.triggers import Outcome

from .metering import (
    ACCEPTED,
    FAILED,
    FLIGHT_NS,
    RUN,
    STARTED,
    S,
    counts,
    docker_frame,
    leaks,
    log_frame,
    member,
    settle,
    status_frame,
    task_of,
    trigger,
)


def test_a_whole_burst(meter: Meter) -> None:
    account = member(meter, 0)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(), 10 * S + 5_000_000)
    meter.trigger_answered(trigger(), 3.0)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("IN_PROGRESS"), 10 * S + 6_000_000)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED"), 10 * S + 9_000_000)
    meter.observe(account.number, contract.AGENT_LOG, docker_frame(), 10 * S)
    totals = settle(meter)
    assert counts(totals) == [(1, 1, 0)] * 3
    assert totals.untraced == {"agentLog docker": 1}


def test_latency_is_from_due_to_received(meter: Meter) -> None:
    meter.observe(member(meter, 0).number, contract.AGENT_LOG, log_frame(due_ns=10 * S), 10 * S + 7_000_000)
    report, samples = meter.take_report(10 * S, {}, {})
    assert list(samples[contract.AGENT_LOG]) == [7000]
    histogram = new_histogram()
    merge_packed(report.latencies[contract.AGENT_LOG], histogram)
    assert summarise(histogram)["max"] == pytest.approx(7.0, rel=0.001)


def test_an_update_before_its_trigger_is_known_keeps_its_own_time(meter: Meter) -> None:
    account = member(meter, 0)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("IN_PROGRESS"), 10 * S + 4_000_000)
    meter.learn([trigger()])
    _, samples = meter.take_report(10 * S, {}, {})
    assert list(samples[contract.TASK_STATUS_UPDATE]) == [4000]
    assert counts(settle(meter))[STARTED] == (1, 1, 0)


def test_an_update_of_somebody_else_s_task_is_foreign(meter: Meter) -> None:
    meter.observe(member(meter, 0).number, contract.TASK_STATUS_UPDATE, status_frame("FAILED"), 10 * S)
    assert settle(meter).counters["foreign"] == 1


def test_another_run_s_trace_is_foreign(meter: Meter) -> None:
    meter.observe(member(meter, 0).number, contract.AGENT_LOG, log_frame(run="ffffffff"), 10 * S)
    assert settle(meter).counters["foreign"] == 1


def test_a_broadcast_of_a_room_one_is_not_in_has_leaked(meter: Meter) -> None:
    account = member(meter, 0)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(room=5), 10 * S)
    assert leaks(settle(meter)) == {(5, 1, ACCEPTED): 1}


def test_a_broadcast_long_after_leaving_has_leaked(meter: Meter) -> None:
    account = member(meter, 0)
    account.left(0, 10 * S)
    for seq, due_ns in enumerate((10 * S + FLIGHT_NS - 1, 10 * S + FLIGHT_NS)):
        meter.observe(account.number, contract.AGENT_LOG, log_frame(seq, due_ns=due_ns), due_ns)
    assert leaks(settle(meter)) == {(0, 1, ACCEPTED): 1}


def test_a_broadcast_that_was_long_in_flight_has_not_leaked(meter: Meter) -> None:
    account = member(meter, 0)
    account.left(0, 11 * S)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(due_ns=10 * S), 60 * S)
    assert not leaks(settle(meter))


def test_a_broadcast_between_joining_and_joined_is_no_leak(meter: Meter) -> None:
    account = meter.open_account()
    account.joining(0)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(), 10 * S)
    assert not leaks(settle(meter))


def test_a_damaged_trace_is_corrupt_and_its_broadcast_lost(meter: Meter) -> None:
    account = member(meter, 0)
    meter.observe(account.number, contract.AGENT_LOG, log_frame().replace(RUN.encode(), b"0123abce"), 10 * S)
    meter.learn([trigger()])
    totals = settle(meter)
    assert totals.counters["corrupt"] == 1
    assert counts(totals)[ACCEPTED] == (1, 0, 1)


def test_a_duplicate_is_counted_and_not_timed(meter: Meter) -> None:
    account = member(meter, 0)
    for _ in range(2):
        meter.observe(account.number, contract.AGENT_LOG, log_frame(), 10 * S)
    meter.learn([trigger()])
    _, samples = meter.take_report(10 * S, {}, {})
    assert len(samples[contract.AGENT_LOG]) == 1
    assert settle(meter).streams[0, 1, ACCEPTED].duplicate == 1


def test_the_same_trigger_learnt_twice_counts_once(meter: Meter) -> None:
    member(meter, 0)
    meter.trigger_answered(trigger(), 1.0)
    meter.learn([trigger()])
    assert counts(settle(meter))[ACCEPTED] == (1, 0, 1)


def test_a_refused_trigger_is_owed_to_nobody_and_a_failed_one_to_everybody(meter: Meter) -> None:
    member(meter, 0)
    meter.trigger_answered(trigger(0, outcome=Outcome.REFUSED, key=""), 1.0)
    meter.trigger_answered(trigger(1, outcome=Outcome.FAILED, key=""), None)
    totals = settle(meter)
    assert counts(totals)[ACCEPTED] == (1, 0, 1)
    assert (totals.counters["refused"], totals.counters["failed"]) == (1, 1)


def test_a_room_without_triggers_and_a_trigger_without_members(meter: Meter) -> None:
    member(meter, 7)
    meter.learn([trigger(room=3)])
    totals = settle(meter)
    assert totals.members == {7: 1}
    assert totals.streams == {}


def test_reports_are_numbered_and_carry_each_thing_once(meter: Meter) -> None:
    member(meter, 0)
    meter.connected(0, 5_000_000, {"tcp": 1_000_000, "socketio": 1})
    meter.trigger_answered(trigger(), 1.0)
    first, _ = meter.take_report(1 * S, {"cpu_percent": 1.0}, {"lag": np.array([3])})
    second, _ = meter.take_report(2 * S, {}, {})
    assert (first.number, second.number) == (1, 2)
    assert (len(first.triggers), len(second.triggers)) == (1, 0)
    assert set(first.latencies) == {
        "connect",
        "connect_tcp",
        "connect_socketio",
        "connect_generator",
        "trigger",
        "lag",
    }
    assert second.latencies == {}
    assert first.gauges == {"connected": 1, "members": 1}


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["receive"] * 8 + ["join", "leave", "lose"]), st.integers(0, 2), st.integers(0, 5)),
    max_size=60,
)


@given(ACTIONS)
def test_the_short_way_counts_as_the_ledger_does(actions: list[tuple[str, int, int]]) -> None:
    """Whatever comes, in line or not, in and out of the room: as if each went into its ledger."""
    meter = Meter(RUN, Reader())
    accounts = [meter.open_account() for _ in range(3)]
    plain = [SequenceLedger() for _ in accounts]
    joined: set[int] = set()
    leaked = first_arrivals = 0
    for number, (act, who, seq) in enumerate(actions):
        now_ns = 10 * S + number * 1_000_000
        account = accounts[who]
        if act == "join":
            account.joined(0, now_ns)
            joined.add(who)
        elif act == "receive":
            meter.observe(account.number, contract.AGENT_LOG, log_frame(seq), now_ns)
            if who in joined:
                first_arrivals += plain[who].record(seq)
            else:
                leaked += 1
        else:
            account.disconnected(now_ns, wanted=act == "leave")
    report, latencies = meter.take_report(1 * S, {}, {})
    replays = new_histogram()
    if REPLAY in report.latencies:
        merge_packed(report.latencies[REPLAY], replays)
    meter.learn([trigger(seq) for seq in range(6)])
    totals = settle(meter)
    timed = len(latencies.get(contract.AGENT_LOG, ()))
    assert (
        timed + replays.get_total_count()
        == first_arrivals
        == totals.streams.get((0, 1, ACCEPTED), Counts()).arrived
    )
    assert report.timed.get((0, ACCEPTED), 0) == timed
    assert leaks(totals).get((0, 1, ACCEPTED), 0) == leaked
    for account, ledger in zip(accounts, plain, strict=True):
        presence = account.presences.get(0)
        if presence is None:
            continue
        kept = presence.ledger(ledger_key(1, ACCEPTED))
        assert [kept.count(seq, seq + 1) for seq in range(6)] == [ledger.count(seq, seq + 1) for seq in range(6)]
        assert (kept.duplicates, kept.reordered) == (ledger.duplicates, ledger.reordered)


@settings(max_examples=150)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("receive"), st.integers(0, 1), st.integers(0, 5)),
            st.tuples(st.just("learn"), st.just(0), st.integers(0, 5)),
        ),
        max_size=40,
    )
)
def test_updates_that_wait_for_their_triggers_keep_their_order_of_arrival(
    steps: list[tuple[str, int, int]],
) -> None:
    """Whenever triggers become known, in whatever order: as if all had been known from the start."""
    meter = Meter(RUN, Reader())
    accounts = [member(meter, 0) for _ in range(2)]
    plain = [SequenceLedger() for _ in accounts]
    for what, who, seq in steps:
        if what == "learn":
            meter.learn([trigger(seq, key=task_of(seq))])
        else:
            frame = status_frame("FAILED", task_of(seq))
            meter.observe(accounts[who].number, contract.TASK_STATUS_UPDATE, frame, 11 * S)
            plain[who].record(seq)
    meter.learn([trigger(seq, key=task_of(seq)) for seq in range(6)])
    meter.close()
    kept = [account.presences[0].ledger(ledger_key(1, FAILED)) for account in accounts]
    meter.take_report(100 * S, {}, {})
    counted = meter.settle().streams.get((0, 1, FAILED), Counts())
    assert [(one.duplicates, one.reordered, one.extent) for one in kept] == [
        (one.duplicates, one.reordered, one.extent) for one in plain
    ]
    assert counted.delivered == sum(one.count(0, 6) for one in plain)


def test_what_waits_for_a_trigger_that_nobody_names_is_foreign_and_holds_up_nobody(meter: Meter) -> None:
    account = member(meter, 0)
    meter.learn([trigger(0, key=task_of(0))])
    for task in (task_of(9), task_of(0)):
        meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED", task), 11 * S)
    for second in range(PATIENCE + 2):
        report, _ = meter.take_report(second * S, {}, {})
    assert report.counters["foreign"] == 1
    assert report.timed == {(0, FAILED): 1}
    assert account.held == {}


def test_a_moment_waits_for_its_trigger(meter: Meter) -> None:
    meter.learn_made([Made(1, 0, 0, FAILED, 12 * S, FLIGHT_NS), Made(1, 0, 0, FAILED, 11 * S, FLIGHT_NS)])
    member(meter, 0)
    meter.learn([trigger()])
    assert counts(settle(meter))[FAILED] == (1, 0, 1)


def test_numbers_that_no_publisher_gave_take_no_room(meter: Meter) -> None:
    """A backend may send any."""
    for number in range(MOST_EARLY + 10):
        meter.learn_made([Made(1, number % 99, 2**31 + number, ACCEPTED, 11 * S)])
    assert len(meter._early) == MOST_EARLY
    assert meter._log.of_room(0) == {}
