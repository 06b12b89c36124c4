"""The line of a stream: who goes the short way, who the long one, and that both count the same."""

from __future__ import annotations

import pytest

from loadtest.backends.prometheus import contract
from loadtest.measurement.meter import REPLAY, Meter
from loadtest.measurement.presence import ledger_key

from .metering import ACCEPTED, FAILED, S, log_frame, member, settle, status_frame, trigger


def test_who_is_in_line_is_there_after_what_went_the_long_way(meter: Meter) -> None:
    account = member(meter, 0)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(0), 10 * S)
    line = meter.recogniser.lines[0][ledger_key(1, ACCEPTED)]
    assert line == {account.number: 1}
    meter.observe(account.number, contract.AGENT_LOG, log_frame(0), 10 * S)
    assert line == {account.number: 1}, "a duplicate moves nobody"
    meter.observe(account.number, contract.AGENT_LOG, log_frame(2), 10 * S)
    assert line == {account.number: 3}
    account.left(0, 11 * S)
    assert line == {}
    meter.observe(account.number, contract.AGENT_LOG, log_frame(3), 11 * S)
    assert line == {}, "who has left goes the long way"


def test_who_waited_is_in_line_when_nothing_waits_any_more(meter: Meter) -> None:
    account = member(meter, 0)
    keys = [f"{seq:08x}-2222-4333-8444-555555555555" for seq in range(2)]
    for key in keys:
        meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED", key), 10 * S)
    line = meter.recogniser.lines[0].setdefault(ledger_key(1, FAILED), {})
    meter.learn([trigger(0, key=keys[0])])
    assert line == {}, "the next one waits: it must not be overtaken by the line"
    meter.learn([trigger(1, key=keys[1])])
    assert line == {account.number: 2}


def test_what_is_replayed_keeps_out_of_the_line(meter: Meter) -> None:
    account = member(meter, 0)
    account.disconnected(9 * S, wanted=False)
    account.recovered(11 * S)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(0), 12 * S)
    line = meter.recogniser.lines[0][ledger_key(1, ACCEPTED)]
    assert line == {}
    meter.observe(account.number, contract.AGENT_LOG, log_frame(1, due_ns=12 * S), 12 * S)
    assert line == {account.number: 2}


@pytest.mark.parametrize(
    ("due_ns", "received_ns", "replayed"),
    [(11 * S - 1, 11 * S, 1), (11 * S, 11 * S, 0), (11 * S - 1, 11 * S - 1, 0), (8 * S, 9 * S + 1, 1)],
)
def test_a_replay_was_due_before_the_connection_and_came_by_it(
    meter: Meter, due_ns: int, received_ns: int, replayed: int
) -> None:
    account = member(meter, 0)
    meter.trigger_answered(trigger()._replace(sent_ns=due_ns, due_ns=due_ns), None)
    account.disconnected(9 * S, wanted=False)
    if received_ns > 10 * S:
        account.recovered(11 * S)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(due_ns=due_ns), received_ns)
    assert len(meter.samples_us[REPLAY]) == replayed
    assert settle(meter).streams[0, 1, ACCEPTED].replayed == replayed


def test_what_came_at_the_very_moment_of_the_loss_came_before_it(meter: Meter) -> None:
    account = member(meter, 0)
    account.disconnected(9 * S, wanted=False)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(due_ns=8 * S), 9 * S)
    assert not meter.samples_us[REPLAY]


def test_who_waits_in_one_slot_stays_in_line_in_the_others(meter: Meter) -> None:
    account = member(meter, 0)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(0), 10 * S)
    meter.learn([trigger(0)])
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED"), 10 * S)
    lines = meter.recogniser.lines[0]
    assert lines[ledger_key(1, ACCEPTED)] == lines[ledger_key(1, FAILED)] == {account.number: 1}
    unknown = status_frame("FAILED", "99999999-2222-4333-8444-555555555555")
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, unknown, 10 * S)
    assert lines[ledger_key(1, ACCEPTED)] == {account.number: 1}
    assert lines[ledger_key(1, FAILED)] == {}
