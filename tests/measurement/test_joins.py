"""What a socket receives around a join, by how the backend answers it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.meter import REPLAY, Meter
from loadtest.measurement.presence import Counts

from .metering import FLIGHT_NS, RUN, S, leaks, log_frame, member, settle, status_frame, task_of, trigger

if TYPE_CHECKING:
    from loadtest.measurement.account import Account

MS = 1_000_000


def hears(meter: Meter, account: Account, seq: int, at_ns: int) -> None:
    """A broadcast whose trigger left at 10 s + `seq` ms arrives."""
    due_ns = 10 * S + seq * MS
    meter.trigger_answered(trigger(seq, key=task_of(seq))._replace(due_ns=due_ns, sent_ns=due_ns), None)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(seq, due_ns=due_ns), at_ns)


def result(meter: Meter) -> tuple[Counts, int, int]:
    """Return the counts of the first slot, how many latencies were taken, and how many replays."""
    meter.close()
    _, samples = meter.take_report(99 * S, {}, {})
    timed = len(samples.get(contract.AGENT_LOG, ()))
    replays = len(meter.samples_us[REPLAY])
    return meter.settle().streams[0, 1, 0], timed, replays


def test_a_broadcast_after_a_refusal_is_leaked_and_not_timed(meter: Meter) -> None:
    account = meter.open_account()
    account.joining(0)
    hears(meter, account, 0, 10 * S)
    account.join_failed(0, 11 * S, refused=True)
    hears(meter, account, 1, 12 * S)
    found, timed, _ = result(meter)
    assert (found.leaked, found.arrived, found.unowed, timed) == (2, 0, 0, 0)


def test_a_broadcast_before_the_joined_answer_is_delivered_with_its_own_time(meter: Meter) -> None:
    account = meter.open_account()
    account.joining(0)
    hears(meter, account, 0, 10 * S + 5 * MS)
    account.joined(0, 11 * S)
    hears(meter, account, 1, 11 * S)
    meter.close()
    _, samples = meter.take_report(99 * S, {}, {})
    assert list(samples[contract.AGENT_LOG]) == [5000, 999_000]
    found = meter.settle().streams[0, 1, 0]
    assert (found.leaked, found.arrived, found.reordered, found.duplicate) == (0, 2, 0, 0)


@pytest.mark.parametrize("ends", ["timed out", "left", "lost", "run over"])
def test_a_broadcast_whose_join_is_never_answered_is_unexpected(meter: Meter, ends: str) -> None:
    account = meter.open_account()
    account.joining(0)
    hears(meter, account, 0, 10 * S)
    if ends == "timed out":
        account.join_failed(0, 20 * S, refused=False)
    elif ends == "left":
        account.left(0, 20 * S)
    elif ends == "lost":
        account.disconnected(20 * S, wanted=False)
    found, timed, _ = result(meter)
    assert (found.leaked, found.arrived, found.unowed, timed) == (0, 1, 1, 1)


def test_a_member_whose_repeated_join_is_refused_stays_one(meter: Meter) -> None:
    account = member(meter, 0)
    account.joining(0)
    hears(meter, account, 0, 10 * S)
    account.join_failed(0, 11 * S, refused=True)
    hears(meter, account, 1, 12 * S)
    found, timed, _ = result(meter)
    assert (found.expected, found.delivered, found.leaked, timed) == (2, 2, 0, 2)


def test_after_a_refused_rejoin_arrivals_leak_and_the_missed_stay_missed(meter: Meter) -> None:
    account = member(meter, 0)
    account.disconnected(9 * S, wanted=False)
    account.resumed(10 * S)
    account.joining(0)
    hears(meter, account, 0, 10 * S + MS)
    account.join_failed(0, 11 * S, refused=True)
    hears(meter, account, 1, 12 * S)
    found, timed, replays = result(meter)
    assert (found.expected, found.lost, found.missed_offline) == (2, 2, 2)
    assert (found.leaked, found.arrived, timed, replays) == (2, 0, 0, 0)


def test_a_recovered_session_is_in_no_room_that_refused_it(meter: Meter) -> None:
    account = member(meter, 0)
    account.disconnected(9 * S, wanted=False)
    account.resumed(10 * S)
    account.join_failed(0, 11 * S, refused=True)
    account.disconnected(12 * S, wanted=False)
    account.recovered(13 * S)
    hears(meter, account, 0, 14 * S)
    found, _, _ = result(meter)
    assert (found.leaked, found.delivered) == (1, 0)


def test_a_user_refused_and_later_accepted_is_a_member_from_then_on(meter: Meter) -> None:
    account = meter.open_account()
    account.joining(0)
    account.join_failed(0, 9 * S, refused=True)
    hears(meter, account, 0, 10 * S)
    account.joining(0)
    hears(meter, account, 1, 10 * S + MS)
    account.joined(0, 10 * S + 2 * MS)
    hears(meter, account, 3, 10 * S + 4 * MS)
    found, timed, _ = result(meter)
    assert (found.leaked, found.arrived, found.delivered, timed) == (1, 2, 1, 2)


def test_after_leaving_what_was_in_flight_may_come_until_a_refusal(meter: Meter) -> None:
    account = member(meter, 0)
    account.left(0, 10 * S)
    account.joining(0)
    hears(meter, account, 0, 10 * S + MS)
    hears(meter, account, 1, 10 * S + FLIGHT_NS)
    account.join_failed(0, 13 * S, refused=True)
    hears(meter, account, 2, 13 * S)
    found, timed, _ = result(meter)
    assert (found.leaked, found.arrived, timed) == (2, 1, 1)


def test_after_a_refusal_nothing_is_in_flight_any_more(meter: Meter) -> None:
    account = member(meter, 0)
    account.left(0, 10 * S)
    account.join_failed(0, 10 * S + MS, refused=True)
    hears(meter, account, 0, 10 * S + 2 * MS)
    assert result(meter)[0].leaked == 1


def test_a_rejoin_long_after_leaving_leaks_nothing_while_it_waits(meter: Meter) -> None:
    account = member(meter, 0, joined_ns=S)
    account.left(0, 2 * S)
    account.joining(0)
    hears(meter, account, 0, 10 * S)
    account.joined(0, 11 * S)
    assert result(meter)[0].leaked == 0


@pytest.mark.parametrize("accepted_later", [False, True])
def test_the_answer_before_an_arrival_decides_though_its_trigger_is_known_later(
    meter: Meter, accepted_later: bool
) -> None:
    """An id leads back to its room only when the trigger is known; the answers come meanwhile."""
    account = meter.open_account()
    account.joining(0)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED", task_of(0)), 10 * S)
    account.join_failed(0, 11 * S, refused=True)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED", task_of(1)), 12 * S)
    if accepted_later:
        account.joining(0)
        meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED", task_of(2)), 13 * S)
        account.joined(0, 14 * S)
        meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED", task_of(3)), 15 * S)
    meter.learn([trigger(seq, key=task_of(seq)) for seq in range(4)])
    totals = settle(meter)
    assert leaks(totals) == {(0, 1, 2): 2}
    assert totals.streams[0, 1, 2].arrived == (2 if accepted_later else 0)


def test_one_room_s_answer_is_none_for_another(meter: Meter) -> None:
    account = meter.open_account()
    account.joining(0)
    account.joining(1)
    account.join_failed(1, 9 * S, refused=True)
    hears(meter, account, 0, 10 * S)
    account.joined(0, 11 * S)
    assert leaks(settle(meter)) == {}


STEPS = st.lists(
    st.sampled_from(["ask", "accept", "refuse", "no answer", "leave", "lose", "hear", "hear", "hear late"]),
    max_size=25,
)


@given(STEPS)
@settings(deadline=None, max_examples=400)
def test_every_arrival_counts_once_as_the_answers_say(steps: list[str]) -> None:
    """Against a model that knows the future: each arrival carries the state of the socket that it came to."""
    meter = Meter(RUN, Reader(), flight_ns=1)
    account = meter.open_account()
    model = _Model()
    late = []
    for at, step in enumerate(steps):
        now_ns = (100 + at) * S
        if step in {"hear", "hear late"}:
            model.hear()
            made = trigger(at, key=task_of(at))._replace(sent_ns=now_ns, due_ns=now_ns)
            frame = status_frame("FAILED", task_of(at))
            if step == "hear":
                meter.trigger_answered(made, None)
            else:
                late.append(made)
            meter.observe(account.number, contract.TASK_STATUS_UPDATE, frame, now_ns)
            continue
        model.step(step)
        actions: dict[str, Any] = {
            "ask": lambda: account.joining(0),
            "accept": lambda now_ns=now_ns: account.joined(0, now_ns),
            "refuse": lambda now_ns=now_ns: account.join_failed(0, now_ns, refused=True),
            "no answer": lambda now_ns=now_ns: account.join_failed(0, now_ns, refused=False),
            "leave": lambda now_ns=now_ns: account.left(0, now_ns),
            "lose": lambda now_ns=now_ns: account.disconnected(now_ns, wanted=True),
        }
        actions[step]()
    meter.learn(late)
    meter.close()
    report, _ = meter.take_report(9999 * S, {}, {})
    counted = meter.settle().streams.get((0, 1, 2), Counts())
    expected = model.ends()
    assert counted.leaked == expected["leaked"]
    assert counted.arrived == expected["received"] == sum(report.timed.values())
    assert (counted.duplicate, counted.reordered) == (0, 0)


class _Model:
    """A socket whose memberships end at once: nothing is in flight, and lost connections were wanted."""

    def __init__(self) -> None:
        self.state = "outside"
        self.waiting = 0
        self.counts: Counter[str] = Counter()

    def hear(self) -> None:
        if self.state == "asking":
            self.waiting += 1
        else:
            self.counts["received" if self.state in {"member", "unsure"} else "leaked"] += 1

    def step(self, step: str) -> None:
        after = {
            "ask": {"member": "member"}.get(self.state, "asking"),
            "accept": "member",
            "refuse": "member" if self.state == "member" else "refused",
            "no answer": "unsure" if self.state == "asking" else self.state,
            "leave": {"asking": "unsure", "member": "outside"}.get(self.state, self.state),
            "lose": {"asking": "unsure", "member": "outside"}.get(self.state, self.state),
        }[step]
        if after != self.state and self.state == "asking":
            self.counts["leaked" if after == "refused" else "received"] += self.waiting
            self.waiting = 0
        self.state = after

    def ends(self) -> Counter[str]:
        self.step("no answer")
        return self.counts
