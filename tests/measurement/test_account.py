"""One user's account: who counts as a member where, and what a connection that comes back brings."""

from __future__ import annotations

from collections import Counter

from loadtest.backends.prometheus import contract
from loadtest.measurement.meter import REPLAY, Meter
from loadtest.measurement.presence import End

from .metering import FLIGHT_NS, S, counts, leaks, log_frame, member, settle, status_frame, trigger


def members(meter: Meter) -> dict[str, int]:
    return {instance: count for instance, count in meter.members.items() if count}


def test_a_member_of_two_rooms_counts_once_where_it_is(meter: Meter) -> None:
    account = meter.open_account()
    account.instance = "a"
    account.joined(0, S)
    account.joined(1, S)
    assert members(meter) == {"a": 1}
    account.left(0, 2 * S)
    assert members(meter) == {"a": 1}
    account.left(1, 3 * S)
    assert members(meter) == {}
    account.left(1, 4 * S)
    account.disconnected(5 * S, wanted=True)
    assert members(meter) == {}, "who is in no room leaves none"
    account.joined(1, 6 * S)
    assert members(meter) == {"a": 1}


def test_it_counts_out_where_it_counted_in_whatever_instance_it_is_with_now(meter: Meter) -> None:
    account = meter.open_account()
    other = meter.open_account()
    account.instance, other.instance = "a", "b"
    account.joined(0, S)
    other.joined(0, S)
    account.instance = "b"
    account.disconnected(2 * S, wanted=False)
    assert members(meter) == {"b": 1}
    account.recovered(3 * S)
    assert members(meter) == {"b": 2}


def test_a_canary_counts_nowhere(meter: Meter) -> None:
    canary = member(meter, 0, label="node-4")
    assert meter.members == Counter({"": 0})
    canary.disconnected(S, wanted=True)
    assert meter.members == Counter({"": 0})


def test_leaving_a_room_that_one_is_not_in_is_nothing(meter: Meter) -> None:
    member(meter, 0).left(7, 2 * S)
    assert members(meter) == {"": 1}


def test_a_recovered_connection_is_in_its_rooms_from_its_beginning_on(meter: Meter) -> None:
    account = member(meter, 0, 1, joined_ns=S)
    account.left(1, 2 * S)
    account.disconnected(3 * S, wanted=False)
    account.instance = "b"
    account.recovered(4 * S)
    kept, left = account.presences[0], account.presences[1]
    assert kept.open
    assert [(span.joined_ns, span.resumed_ns, span.end, span.instance) for span in kept.spans] == [
        (S, S, End.LOST, ""),
        (4 * S, 4 * S, None, "b"),
    ]
    assert not left.open, "who had left is not brought back"
    assert len(left.spans) == 1


def test_a_resumed_connection_is_in_no_room_until_it_has_joined(meter: Meter) -> None:
    account = member(meter, 0, joined_ns=S)
    account.disconnected(3 * S, wanted=False)
    account.resumed(4 * S)
    assert members(meter) == {}
    account.joined(0, 5 * S)
    assert members(meter) == {"": 1}
    span = account.presences[0].spans[-1]
    assert (span.joined_ns, span.resumed_ns) == (5 * S, 4 * S)


def test_what_came_by_a_later_connection_is_a_replay_and_no_latency(meter: Meter) -> None:
    account = member(meter, 0)
    account.disconnected(9 * S, wanted=False)
    meter.trigger_answered(trigger(), None)
    account.recovered(11 * S)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(due_ns=10 * S), 11 * S + 500_000_000)
    assert list(meter.samples_us[REPLAY]) == [1_500_000]
    _, samples = meter.take_report(12 * S, {}, {})
    assert contract.AGENT_LOG not in samples
    totals = settle(meter)
    assert counts(totals)[0] == (1, 1, 0)
    assert totals.streams[0, 1, 0].replayed == 1


def test_a_duplicate_is_neither_a_replay_nor_a_latency(meter: Meter) -> None:
    account = member(meter, 0)
    meter.trigger_answered(trigger(), None)
    for after_ns in (1_000_000, 2_000_000):
        meter.observe(account.number, contract.AGENT_LOG, log_frame(due_ns=10 * S), 10 * S + after_ns)
    _, samples = meter.take_report(11 * S, {}, {})
    assert list(samples[contract.AGENT_LOG]) == [1000]
    assert REPLAY not in meter.samples_us
    assert settle(meter).streams[0, 1, 0].duplicate == 1


def test_a_broadcast_that_was_forgotten_is_timed_again_when_it_is_received(meter: Meter) -> None:
    account, late = member(meter, 0), member(meter, 0)
    meter.trigger_answered(trigger(), None)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(due_ns=10 * S), 10 * S + 1_000_000)
    held = meter.recogniser.known[log_frame(due_ns=10 * S)]
    for second in range(40):
        meter.take_report((11 + second) * S, {}, {})
    assert not held.live
    late.receive(held, 60 * S)
    assert held.live
    _, samples = meter.take_report(61 * S, {}, {})
    assert list(samples[contract.AGENT_LOG]) == [50_000_000]


def test_who_may_receive_when(meter: Meter) -> None:
    account = meter.open_account()
    assert not account.may_receive(0, 0)
    account.joining(0)
    assert account.may_receive(0, 0), "it has asked"
    account.joined(0, S)
    assert account.may_receive(0, 100 * S)
    account.left(0, 2 * S)
    assert account.may_receive(0, 2 * S + FLIGHT_NS - 1)
    assert not account.may_receive(0, 2 * S + FLIGHT_NS)
    account.joined(0, 10 * S)
    account.disconnected(11 * S, wanted=False)
    assert account.may_receive(0, 100 * S), "it may be brought back, with what it missed"


def test_what_waits_is_handled_in_its_order_and_what_follows_the_last_goes_by_the_line(meter: Meter) -> None:
    account = member(meter, 0)
    for seq in range(3):
        frame = status_frame("FAILED", f"{seq:08x}-2222-4333-8444-555555555555")
        meter.observe(account.number, contract.TASK_STATUS_UPDATE, frame, 10 * S + seq)
    # The second is known first: it must not overtake the one before it.
    for seq in (1, 0, 2):
        meter.learn([trigger(seq, key=f"{seq:08x}-2222-4333-8444-555555555555")])
        assert bool(account.held) == (seq != 2)
    totals = settle(meter)
    found = totals.streams[0, 1, 2]
    assert (found.delivered, found.reordered, found.duplicate) == (3, 0, 0)
    assert leaks(totals) == {}
