"""What a meter says: to the master every second, and at the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock, ClockTable
from loadtest.measurement.meter import Meter
from loadtest.measurement.presence import Counts
from loadtest.measurement.triggers import Outcome, Trigger

from .metering import FLIGHT_NS, RUN, S, complete, docker_frame, log_frame, member, settle, trigger

MOVES = ("joined", "left", "lost", "gone", "recovered", "one", "two")


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
    assert {name: count for name, count in totals.counters.items() if count} == {"foreign": 2, "received": 4}
    assert totals.untraced == {"agentLog docker": 2}
    assert meter.accounts == {}


def test_late_triggers_are_counted_each_time(meter: Meter) -> None:
    account = member(meter, 0)
    account.ended(20 * S)
    complete(meter, 20 * S + FLIGHT_NS)
    assert account.number in meter.accounts, "what left just then may still come to be known"
    complete(meter, 20 * S + FLIGHT_NS + 1)
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
    complete(meter, 17 * S + FLIGHT_NS)
    assert meter.accounts
    complete(meter, 17 * S + FLIGHT_NS + 1)
    assert not meter.accounts


def test_what_the_master_is_told_is_turned_into_its_clock() -> None:
    table = ClockTable(Clock(0, "a", Estimate(0, -3 * S, 0.0, 0.0, 0.0)))
    meter = Meter(RUN, Reader(), table)
    meter.learn([trigger()])
    meter.observe(member(meter, 0, joined_ns=1).number, contract.AGENT_LOG, log_frame(due_ns=10 * S), 11 * S)
    [fan_out] = meter.take_report(12 * S, {}, {})[0].fan_outs
    assert (fan_out.due_ns, fan_out.first_ns, fan_out.last_ns) == (7 * S, 8 * S, 8 * S)


def test_checks_are_among_the_totals(meter: Meter) -> None:
    meter.checks.count("s", "c", True, "yes")
    assert settle(meter).checks == [["s", "c", 1, 0, 0, "yes", "", "", ""]]


def test_latencies_recorded_before_a_step_was_noticed_are_counted_once() -> None:
    here, there = (Estimate(0, 0, 0.0, 500.0, 0.0) for _ in range(2))
    table = ClockTable(Clock(0, "a", here))
    table.update([Clock(1, "b", there)])
    meter = Meter(RUN, Reader(), table)
    account = member(meter, 0)

    def deliver(seq: int, publisher: int) -> None:
        meter.observe(account.number, "agentLog", log_frame(seq, publisher=publisher), (11 + seq) * S)

    for seq in range(4):
        # One delivery across clocks for each report, and one on our own clock, which is never doubtful.
        deliver(seq, 4096)
        deliver(seq, 1)
        if seq < 3:
            meter.take_report((11 + seq) * S, {}, {})
    # The last two reports, and the latencies not reported yet.
    meter.clock_was_set(12 * S)
    meter.take_report(14 * S, {}, {})
    assert meter.counters["doubtful_bounds"] == 3
    # Another worker's clock was set at the same time. The news of it comes later.
    deliver(4, 4096)
    meter.clock_was_set(11 * S)
    meter.take_report(15 * S, {}, {})
    assert meter.counters["doubtful_bounds"] == 5
    deliver(5, 4096)
    meter.take_report(16 * S, {}, {})
    assert meter.counters["doubtful_bounds"] == 5
