"""What a meter keeps, and what it forgets."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.meter import Meter
from loadtest.measurement.settlement import DECIDED_AFTER_NS

from .metering import (
    ACCEPTED,
    FLIGHT_NS,
    RUN,
    S,
    complete,
    log_frame,
    member,
    settle,
    status_frame,
    task_of,
    trigger,
)

if TYPE_CHECKING:
    from loadtest.measurement.account import Account


def test_reasons_without_end_are_counted_together(meter: Meter) -> None:
    for number in range(150):
        meter.connect_failed(f"reason {number}")
    meter.connect_failed("reason 0")
    failures = settle(meter).failures
    assert len(failures) == 101
    assert (failures["reason 0"], failures["other reasons"]) == (2, 50)


def hear_all(meter: Meter, account: Account) -> None:
    """Receive the broadcasts that follow the trigger for certain."""
    meter.observe(account.number, contract.AGENT_LOG, log_frame(), 10 * S)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("IN_PROGRESS"), 10 * S)
    meter.take_report(11 * S, {}, {})


def leave_and_learn(meter: Meter, users: int) -> None:
    for _ in range(users):
        member(meter, 0, joined_ns=10 * S - 1).ended(12 * S)
    meter.learn([trigger()])


def test_users_that_went_are_counted_as_soon_as_all_is_known_and_then_forgotten(meter: Meter) -> None:
    leave_and_learn(meter, 3)
    stays = member(meter, 0, joined_ns=10 * S - 1)
    hear_all(meter, stays)
    complete(meter, 12 * S + FLIGHT_NS)
    assert len(meter.accounts) == 4
    complete(meter, 12 * S + FLIGHT_NS + 1)
    assert list(meter.accounts.values()) == [stays]
    totals = settle(meter)
    # At the edge of their leaving, or expected of whoever stayed.
    assert (totals.streams[0, 1, ACCEPTED].edge, totals.streams[0, 1, ACCEPTED].expected) == (3, 1)
    assert totals.members == {0: 4}
    assert totals.counters["late_triggers"] == 0


def test_whenever_the_counting_of_one_that_went_is_broken_off_it_counts_once() -> None:
    """It is counted in small steps: another count, or the end of the run, may come between any two of them."""
    found = []
    for steps in range(6):
        meter = Meter(RUN, Reader())
        leave_and_learn(meter, 1)
        hear_all(meter, member(meter, 0, joined_ns=10 * S - 1))
        meter.complete_until(12 * S + FLIGHT_NS + 1)
        counting = meter.settle_ended()
        done = sum(1 for _ in zip(range(steps), counting, strict=False))
        looked = meter.count_so_far()
        for _ in looked.steps():
            pass
        left = len(meter.accounts)
        totals = settle(meter)
        found.append((looked.found.members.total(), totals.streams, totals.members, totals.seconds))
        assert done == min(steps, 4), "a step for each slot of the stream, and one for the end"
        assert left == (2 if steps < 4 else 1)
    assert all(one == found[0] for one in found)
    assert found[0][1][0, 1, ACCEPTED].edge == 1


def test_users_that_went_wait_for_broadcasts_that_nobody_received_yet(meter: Meter) -> None:
    """Such a broadcast may be made after they left. After a while it counts as lost."""
    leave_and_learn(meter, 1)
    complete(meter, 12 * S + DECIDED_AFTER_NS)
    assert len(meter.accounts) == 1
    complete(meter, 12 * S + DECIDED_AFTER_NS + 1)
    assert not meter.accounts


def test_a_trigger_that_comes_too_late_for_those_is_counted(meter: Meter) -> None:
    leave_and_learn(meter, 1)
    hear_all(meter, member(meter, 0))
    complete(meter, 20 * S)
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
    assert (after - warm) / 200 < 420
