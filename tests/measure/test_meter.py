"""One worker's meter, fed by hand."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import contract
from backend.reader import Reader
from measure.clock import Estimate
from measure.clocks import Clock, ClockTable
from measure.latency import new_histogram, summarise
from measure.meter import REPLAY, Meter
from measure.presence import Counts, ledger_key
from measure.recogniser import PATIENCE
from measure.sequence import SequenceLedger
from measure.shards import merge_packed
from measure.trace import Trace, encode
from measure.triggers import Outcome, Trigger

if TYPE_CHECKING:
    from measure.account import Account
    from measure.report import Totals

RUN = "0123abcd"
S = 1_000_000_000
FLIGHT_NS = 2 * S
TASK = "11111111-2222-4333-8444-555555555555"
ACCEPTED, STARTED, FAILED = range(3)
MOVES = ("joined", "left", "lost", "gone", "recovered", "one", "two")


def member(meter: Meter, *rooms: int, joined_ns: int = 0, label: str = "") -> Account:
    account = meter.open_account(label)
    for room in rooms:
        account.joined(room, joined_ns)
    return account


def log_frame(seq: int = 0, room: int = 0, run: str = RUN, due_ns: int = 10 * S, publisher: int = 1) -> bytes:
    token = encode(Trace(run, room, publisher, seq, due_ns))
    message = contract.LOG_ACCEPTED.format(title=token)
    return f'2["agentLog",{json.dumps({"message": message}, ensure_ascii=False)}]'.encode()


def docker_frame() -> bytes:
    message = contract.LOG_DOCKER.format(image="x")
    return f'2["agentLog",{json.dumps({"message": message}, ensure_ascii=False)}]'.encode()


def status_frame(status: str, task: str = TASK) -> bytes:
    return f'2["taskStatusUpdate",{{"taskId":"{task}","newStatus":"{status}"}}]'.encode()


def trigger(seq: int = 0, room: int = 0, outcome: Outcome = Outcome.ACCEPTED, key: str = TASK) -> Trigger:
    return Trigger(room, 1, seq, 10 * S, 10 * S, outcome, key)


def settle(meter: Meter) -> Totals:
    meter.close()
    return meter.settle()


def counts(totals: Totals, room: int = 0) -> list[tuple[int, int, int]]:
    slots = [totals.streams[room, 1, slot] for slot in range(3)]
    return [(slot.expected, slot.delivered, slot.lost) for slot in slots]


def leaks(totals: Totals) -> dict[tuple[int, int, int], int]:
    return {stream: counts.leaked for stream, counts in totals.streams.items() if counts.leaked}


def test_a_whole_burst(meter: Meter) -> None:
    account = member(meter, 0)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(), 10 * S + 5_000_000)
    meter.trigger_answered(trigger(), 3.0)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("IN_PROGRESS"), 10 * S + 6_000_000)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED"), 10 * S + 9_000_000)
    meter.observe(account.number, contract.AGENT_LOG, docker_frame(), 10 * S)
    totals = settle(meter)
    assert counts(totals) == [(1, 1, 0)] * 3
    assert totals.untraced == {"agentLog 4 docker": 1}


def test_latency_is_from_due_to_received(meter: Meter) -> None:
    meter.observe(member(meter, 0).number, contract.AGENT_LOG, log_frame(due_ns=10 * S), 10 * S + 7_000_000)
    report, samples = meter.take_report(10 * S, {}, {})
    assert list(samples[contract.AGENT_LOG]) == [7000]
    histogram = new_histogram()
    merge_packed(report.latencies[contract.AGENT_LOG], histogram)
    assert summarise(histogram)["max"] == pytest.approx(7.0, rel=0.001)


def test_an_update_before_its_trigger_is_known_keeps_its_own_time(meter: Meter) -> None:
    account = member(meter, 0)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED"), 10 * S + 4_000_000)
    meter.learn([trigger()])
    _, samples = meter.take_report(10 * S, {}, {})
    assert list(samples[contract.TASK_STATUS_UPDATE]) == [4000]
    assert counts(settle(meter))[FAILED] == (1, 1, 0)


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
    meter.observe(account.number, contract.AGENT_LOG, log_frame(seq=0), 10 * S + FLIGHT_NS - 1)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(seq=1), 10 * S + FLIGHT_NS)
    assert leaks(settle(meter)) == {(0, 1, ACCEPTED): 1}


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
    meter.connected(0, 5_000_000, {"tcp": 1_000_000})
    meter.trigger_answered(trigger(), 1.0)
    first, _ = meter.take_report(1 * S, {"cpu_percent": 1.0}, {"lag": np.array([3])})
    second, _ = meter.take_report(2 * S, {}, {})
    assert (first.number, second.number) == (1, 2)
    assert (len(first.triggers), len(second.triggers)) == (1, 0)
    assert set(first.latencies) == {"connect", "connect_tcp", "connect_socketio", "trigger", "lag"}
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
    for number, (act, member, seq) in enumerate(actions):
        now_ns = 10 * S + number * 1_000_000
        account = accounts[member]
        if act == "join":
            account.joined(0, now_ns)
            joined.add(member)
        elif act == "receive":
            meter.observe(account.number, contract.AGENT_LOG, log_frame(seq), now_ns)
            if member in joined:
                first_arrivals += plain[member].record(seq)
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


def task_of(seq: int) -> str:
    return f"11111111-2222-4333-8444-{seq:012d}"


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


# Memory


def test_reasons_without_end_are_counted_together(meter: Meter) -> None:
    for number in range(150):
        meter.connect_failed(f"reason {number}")
    meter.connect_failed("reason 0")
    failures = settle(meter).failures
    assert len(failures) == 101
    assert (failures["reason 0"], failures["other reasons"]) == (2, 50)


def leave_and_learn(meter: Meter, users: int) -> None:
    for _ in range(users):
        member(meter, 0, joined_ns=10 * S - 1).ended(12 * S)
    meter.learn([trigger()])


def test_users_that_went_are_counted_as_soon_as_all_is_known_and_then_forgotten(meter: Meter) -> None:
    leave_and_learn(meter, 3)
    stays = member(meter, 0, joined_ns=10 * S - 1)
    meter.complete_until(12 * S + FLIGHT_NS)
    assert len(meter.accounts) == 4
    meter.complete_until(12 * S + FLIGHT_NS + 1)
    assert list(meter.accounts.values()) == [stays]
    totals = settle(meter)
    # At the edge of their leaving, or expected of whoever stayed.
    assert (totals.streams[0, 1, ACCEPTED].edge, totals.streams[0, 1, ACCEPTED].expected) == (3, 1)
    assert totals.members == {0: 4}
    assert totals.counters["late_triggers"] == 0


def test_a_trigger_that_comes_too_late_for_those_is_counted(meter: Meter) -> None:
    leave_and_learn(meter, 1)
    meter.complete_until(20 * S)
    meter.learn([trigger(1, key=task_of(1))])
    assert settle(meter).counters["late_triggers"] == 1


def traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.slow
def test_memory_grows_with_members_and_streams_and_not_with_deliveries() -> None:
    """What one member holds for each slot of a stream is stated in docs/measuring.md."""
    meter = Meter(RUN, Reader())
    members = [member(meter, 0) for _ in range(200)]

    def broadcasts(first: int, last: int) -> None:
        for seq in range(first, last):
            meter.trigger_answered(trigger(seq, key=task_of(seq)), 1.0)
            for account in members:
                meter.observe(account.number, contract.AGENT_LOG, log_frame(seq), 11 * S + seq)
            meter.take_report(seq * S, {}, {})

    tracemalloc.start()
    try:
        before = traced_bytes()
        broadcasts(0, 2)
        ledgers = traced_bytes()
        broadcasts(2, 60)
        warm = traced_bytes()
        broadcasts(60, 260)
        after = traced_bytes()
    finally:
        tracemalloc.stop()
    assert (ledgers - before) / 200 < 400
    # Of 200 further triggers: their times, and the ids that lead back to them.
    assert (after - warm) / 200 < 400


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.sampled_from(MOVES))))
def test_members_are_counted_as_they_come_and_go(moves: list[tuple[int, int, str]]) -> None:
    """Against a look at every presence, whatever happens in whatever order."""
    meter = Meter(RUN, Reader())
    accounts = [meter.open_account("canary" if number == 3 else "") for number in range(4)]
    for now_ns, (number, room, move) in enumerate(moves, 1):
        account = accounts[number]
        if move in ("joined", "left"):
            getattr(account, move)(room, now_ns)
        elif move in ("lost", "gone"):
            account.disconnected(now_ns, wanted=move == "gone")
        elif move == "recovered":
            account.recovered(now_ns)
        else:
            account.instance = move
    there = [one for one in accounts[:3] if any(presence.open for presence in one.presences.values())]
    assert meter.members.total() == len(there)
    assert all(count >= 0 for count in meter.members.values())


def test_numbers_of_accounts_are_their_own(meter: Meter) -> None:
    assert [meter.open_account().number for _ in range(3)] == [0, 1, 2]


def test_what_publishers_did_is_counted(meter: Meter) -> None:
    for _ in range(3):
        meter.trigger_due()
    meter.trigger_missed()
    for seq in range(2):
        meter.trigger_sent(1, 0, seq, 10 * S)
    assert meter.in_flight == 2
    meter.trigger_answered(trigger(0, outcome=Outcome.REFUSED, key=""), 1.2345)
    meter.trigger_sent(1, 0, 2, 10 * S)
    meter.trigger_answered(trigger(2, outcome=Outcome.REFUSED, key=""), None)
    assert meter.in_flight == 1
    meter.trigger_answered(trigger(1, outcome=Outcome.UNSENT, key=""), None)
    assert meter.in_flight == 0
    assert {name: meter.counters[name] for name in ("due", "missed", "sent", "refused", "unsent")} == {
        "due": 3,
        "missed": 2,
        "sent": 2,
        "refused": 2,
        "unsent": 0,
    }
    assert list(meter.samples_us["trigger"]) == [1234]
    report, _ = meter.take_report(11 * S, {}, {})
    assert [(one.seq, one.outcome) for one in report.triggers] == [
        (0, Outcome.REFUSED),
        (2, Outcome.REFUSED),
        (1, Outcome.UNSENT),
    ]


def test_a_report_says_when_it_began_and_until_when_triggers_are_complete(meter: Meter) -> None:
    for number, (now_ns, at_s) in enumerate(((12 * S + 3, 11), (13 * S - 4_000_000, 12), (14 * S, 13)), 1):
        report, _ = meter.take_report(now_ns, {}, {})
        assert (report.number, report.at_s, report.complete_ns) == (number, at_s, now_ns)
    meter.trigger_sent(1, 0, 0, 13 * S + 7)
    meter.trigger_sent(1, 0, 1, 13 * S + 9)
    assert meter.take_report(15 * S, {}, {})[0].complete_ns == 13 * S + 7


def test_who_is_connected_came_and_did_not_go(meter: Meter) -> None:
    meter.counters.update(connects=10, reconnects=4, connections_lost=5, disconnects=2)
    account = member(meter, 0, 1)
    member(meter, 0)
    report, _ = meter.take_report(11 * S, {}, {})
    assert report.gauges == {"connected": 7, "members": 2}
    account.ended(11 * S)
    assert meter.take_report(12 * S, {}, {})[0].gauges == {"connected": 7, "members": 1}


def test_what_nobody_is_a_member_of_is_counted_by_its_kind(meter: Meter) -> None:
    account = member(meter, 0)
    for seq in range(2):
        meter.observe(account.number, contract.AGENT_LOG, log_frame(seq, run="ffffffff"), 10 * S)
        meter.observe(account.number, contract.AGENT_LOG, docker_frame(), 10 * S)
    assert meter.received == 4
    totals = settle(meter)
    assert totals.counters == {"foreign": 2, "received": 4}
    assert totals.untraced == {"agentLog 4 docker": 2}
    assert meter.accounts == {}


def test_late_triggers_are_counted_each_time(meter: Meter) -> None:
    account = member(meter, 0)
    account.ended(20 * S)
    meter.complete_until(20 * S + FLIGHT_NS)
    assert account.number in meter.accounts, "what left just then may still come to be known"
    meter.complete_until(20 * S + FLIGHT_NS + 1)
    assert meter.accounts == {}
    for seq, sent_ns in enumerate((21 * S, 22 * S, 22 * S - 1)):
        meter.learn([trigger(seq)._replace(sent_ns=sent_ns)])
    assert meter.counters["late_triggers"] == 2


def test_another_worker_s_triggers_are_owed_by_what_its_clock_may_be_wrong() -> None:
    """A member that joined within the bound after one left is not owed it; the same of our own clock's it would be
    an edge of the flight only.
    """
    here, there = (Estimate(0, offset_ns, 0.0, 500.0, 0.0) for offset_ns in (0, -3 * S))
    table = ClockTable(Clock(0, "a", here))
    table.update([Clock(1, "b", there)])
    meter = Meter(RUN, Reader(), table, flight_ns=0)
    far = Trigger(0, 4096, 0, 13 * S, 13 * S, Outcome.ACCEPTED, "")
    meter.learn([far])
    member(meter, 0, joined_ns=10 * S - 999)
    assert settle(meter).streams[0, 4096, 0] == Counts(edge=1)


def test_what_the_master_says_is_turned_into_our_own_clock() -> None:
    table = ClockTable(Clock(0, "a", Estimate(0, -3 * S, 0.0, 0.0, 0.0)))
    meter = Meter(RUN, Reader(), table)
    account = member(meter, 0)
    account.ended(20 * S)
    assert meter.master_ns(20 * S) == 17 * S
    meter.complete_until(17 * S + FLIGHT_NS)
    assert meter.accounts
    meter.complete_until(17 * S + FLIGHT_NS + 1)
    assert not meter.accounts


def test_checks_are_among_the_totals(meter: Meter) -> None:
    meter.checks.count("s", "c", True, "yes")
    assert settle(meter).checks == [["s", "c", 1, 0, 0, "yes", "", ""]]
