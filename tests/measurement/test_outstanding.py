"""Tests of how many deliveries are still expected at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement import outstanding
from loadtest.measurement.meter import Meter
from loadtest.measurement.moments import Made
from loadtest.measurement.presence import ledger_key

from .metering import FAILED, FLIGHT_NS, RUN, S, log_frame, member, status_frame, task_of, trigger

if TYPE_CHECKING:
    from loadtest.measurement.account import Account

PATIENCE_NS = 30 * S


def hear(meter: Meter, account: Account, *statuses: str, seq: int = 0, at_ns: int = 10 * S) -> None:
    meter.observe(account.number, contract.AGENT_LOG, log_frame(seq), at_ns)
    for status in statuses:
        meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame(status, task_of(seq)), at_ns)
    meter.take_report(at_ns, {}, {})


def test_all_of_a_trigger_is_expected_by_every_member_until_it_came(meter: Meter) -> None:
    one, other = member(meter, 0), member(meter, 0)
    member(meter, 1)
    assert sum(meter.outstanding(10 * S, PATIENCE_NS)) == 0
    meter.learn([trigger(0, key=task_of(0))])
    assert sum(meter.outstanding(10 * S, PATIENCE_NS)) == 6
    hear(meter, one, "IN_PROGRESS")
    assert sum(meter.outstanding(10 * S, PATIENCE_NS)) == 2 + 2
    hear(meter, other, "IN_PROGRESS", "COMPLETED")
    assert sum(meter.outstanding(10 * S, PATIENCE_NS)) == 1
    hear(meter, one, "IN_PROGRESS", "COMPLETED")
    assert sum(meter.outstanding(10 * S, PATIENCE_NS)) == 0


def test_what_others_have_is_waited_for_as_long_as_it_may_be_in_flight(meter: Meter) -> None:
    one, _ = member(meter, 0), member(meter, 0)
    meter.learn([trigger(0, key=task_of(0))])
    hear(meter, one, "IN_PROGRESS", "FAILED")
    assert sum(meter.outstanding(10 * S + FLIGHT_NS, PATIENCE_NS)) == 3
    assert sum(meter.outstanding(10 * S + FLIGHT_NS + 1, PATIENCE_NS)) == 0


def test_what_nobody_has_is_waited_for_in_patience_and_a_completion_without_end(meter: Meter) -> None:
    member(meter, 0)
    meter.learn([trigger(0, key=task_of(0))])
    assert sum(meter.outstanding(10 * S + PATIENCE_NS, PATIENCE_NS)) == 3
    assert sum(meter.outstanding(10 * S + PATIENCE_NS + 1, PATIENCE_NS)) == 1


def test_whoever_left_expects_nothing(meter: Meter) -> None:
    account = member(meter, 0)
    meter.learn([trigger(0, key=task_of(0))])
    account.left(0, 11 * S)
    assert sum(meter.outstanding(11 * S, PATIENCE_NS)) == 0


def test_a_member_that_came_later_does_not_wait_for_what_others_have(meter: Meter) -> None:
    one = member(meter, 0)
    meter.learn([trigger(0, key=task_of(0))])
    hear(meter, one, "IN_PROGRESS", "FAILED")
    member(meter, 0, joined_ns=10 * S + 1)
    assert sum(meter.outstanding(10 * S + 2, PATIENCE_NS)) == 0


def test_a_member_that_came_later_does_not_wait_for_what_nobody_has(meter: Meter) -> None:
    """As in a room that was empty when the trigger left."""
    meter.learn([trigger(0, key=task_of(0))])
    member(meter, 0, joined_ns=10 * S)
    assert sum(meter.outstanding(15 * S, PATIENCE_NS)) == 3
    member(meter, 0, joined_ns=10 * S + 1)
    assert sum(meter.outstanding(15 * S, PATIENCE_NS)) == 3 + 1, "the work may go on"


def test_whoever_received_later_ones_still_expects_the_first(meter: Meter) -> None:
    one, other = member(meter, 0), member(meter, 0)
    meter.learn([trigger(seq, key=task_of(seq)) for seq in range(2)])
    for seq in range(2):
        hear(meter, one, "IN_PROGRESS", "FAILED", seq=seq)
    hear(meter, other, "IN_PROGRESS", "FAILED", seq=1)
    assert sum(meter.outstanding(10 * S, PATIENCE_NS)) == 3


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 11)), max_size=40),
    st.lists(st.none() | st.integers(1, 100), max_size=12),
    st.integers(31, 130),
)
def test_it_is_what_a_look_at_each_broadcast_and_member_gives(
    joined_s: list[int], received: list[tuple[int, int]], made_s: list[int | None], now_s: int
) -> None:
    """Of completions, made at any time; each is received by anybody, in any order."""
    meter = Meter(RUN, Reader(), flight_ns=FLIGHT_NS * 15)
    accounts = [member(meter, 0, joined_ns=at_s * S) for at_s in joined_s]
    meter.learn([trigger(seq, key=task_of(seq)) for seq in range(len(made_s))])
    meter.learn_made([Made(1, 0, seq, FAILED, at_s * S) for seq, at_s in enumerate(made_s) if at_s is not None])
    for who, seq in received:
        account = accounts[who % len(accounts)]
        frame = status_frame("FAILED", task_of(seq))
        meter.observe(account.number, contract.TASK_STATUS_UPDATE, frame, 200 * S)
    plain = 0
    for account in accounts:
        presence = account.presences[0]
        presence.catch_up()
        ledger = presence.ledger(ledger_key(1, FAILED))
        for seq, at_s in enumerate(made_s):
            if at_s is None:
                plain += 1
            elif at_s >= now_s - 30 and presence.spans[0].joined_ns <= at_s * S:
                plain += not ledger.count(seq, seq + 1)
    parts = outstanding.count_outstanding(
        accounts, meter._log, [False, False, True], now_s * S, 30 * S, patience_ns=-1000 * S
    )
    assert sum(parts) == plain


@pytest.mark.parametrize("broadcasts", [100, 1000])
def test_its_cost_grows_with_what_is_missing_and_not_with_what_came(
    meter: Meter, monkeypatch: pytest.MonkeyPatch, broadcasts: int
) -> None:
    looks = 0

    def look_up(numbers: list[int], number: int) -> int:
        nonlocal looks
        looks += 1
        return numbers.index(number) if number in numbers else len(numbers)

    accounts = [member(meter, 0) for _ in range(5)]
    meter.learn([trigger(seq, key=task_of(seq)) for seq in range(broadcasts)])
    for seq in range(broadcasts):
        for account in accounts:
            if seq != 50 + account.number:
                frame = status_frame("FAILED", task_of(seq))
                meter.observe(account.number, contract.TASK_STATUS_UPDATE, frame, 10 * S)
    meter.take_report(10 * S, {}, {})
    monkeypatch.setattr(outstanding, "bisect_left", look_up)
    parts = outstanding.count_outstanding(accounts, meter._log, [False, False, True], 10 * S, FLIGHT_NS, -1000 * S)
    assert sum(parts) == 5
    assert looks == 2 * 5
