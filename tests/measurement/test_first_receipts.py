"""Tests of how long after its first receipt on a worker a completion reaches each member."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.first_receipts import FirstReceipts
from loadtest.measurement.latency import new_histogram
from loadtest.measurement.meter import Meter
from loadtest.measurement.shards import merge_packed
from loadtest.measurement.taken import COMPLETION_LAG

from .metering import FLIGHT_NS, RUN, S, leaks, member, settle, status_frame, task_of, trigger

if TYPE_CHECKING:
    from loadtest.measurement.account import Account
    from loadtest.measurement.viewpoint import Viewpoint

MS = 1_000_000


def hear(viewpoint: Viewpoint, account: Account, after_ms: int, seq: int = 0) -> None:
    frame = status_frame("COMPLETED", task_of(seq))
    viewpoint.observe(account.number, contract.TASK_STATUS_UPDATE, frame, 10 * S + after_ms * MS)


def lags_ms(meter: Meter) -> list[int]:
    report, _ = meter.take_report(11 * S, {}, {})
    histogram = new_histogram()
    if COMPLETION_LAG in report.latencies:
        merge_packed(report.latencies[COMPLETION_LAG], histogram)
    return [round(step.value_iterated_to / 1000) for step in histogram.get_recorded_iterator()]


def test_the_first_receipt_is_known_when_the_frame_is_not_any_more(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtest.measurement.recogniser.MOST_KNOWN", 1)
    one, other = member(meter, 0), member(meter, 0)
    meter.learn([trigger(seq, key=task_of(seq)) for seq in range(2)])
    hear(meter, one, 20)
    assert lags_ms(meter) == [0]
    hear(meter, one, 30, seq=1)
    lags_ms(meter)
    hear(meter, other, 50)
    assert lags_ms(meter) == [30]


def test_in_one_report_too(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.measurement.recogniser.MOST_KNOWN", 1)
    one, other = member(meter, 0), member(meter, 0)
    meter.learn([trigger(seq, key=task_of(seq)) for seq in range(2)])
    hear(meter, one, 20)
    hear(meter, one, 20, seq=1)
    hear(meter, other, 50)
    assert lags_ms(meter) == [0, 30]


@pytest.mark.parametrize(("first", "second"), [(20, 70), (70, 20)])
def test_the_first_receipt_is_that_of_any_instance(meter: Meter, first: int, second: int) -> None:
    accounts = [member(meter, 0) for _ in range(2)]
    meter.learn([trigger(key=task_of(0))])
    for instance, account, after_ms in zip("ab", accounts, (first, second), strict=True):
        hear(meter.at(instance), account, after_ms)
    assert lags_ms(meter) == [0, 50]


def test_a_canary_s_receipt_is_not_the_first() -> None:
    meter = Meter(RUN, Reader(), flight_ns=FLIGHT_NS)
    one, canary = member(meter, 0), member(meter, 0, label="node-4")
    meter.learn([trigger(key=task_of(0))])
    hear(meter.apart("node-4"), canary, 10)
    hear(meter, one, 30)
    assert lags_ms(meter) == [0]


def test_what_left_before_the_first_receipt_knows_of_it_when_the_frame_is_forgotten(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It received the completion late, long after it left; it was made while it was a member."""
    monkeypatch.setattr("loadtest.measurement.recogniser.MOST_KNOWN", 1)
    one, other = member(meter, 0), member(meter, 0)
    meter.learn([trigger(seq, key=task_of(seq)) for seq in range(2)])
    hear(meter, one, 20)
    lags_ms(meter)
    hear(meter, one, 30, seq=1)
    other.left(0, 10 * S + 40 * MS)
    hear(meter, other, 9000)
    assert not leaks(settle(meter))


def test_the_newest_are_kept() -> None:
    firsts = FirstReceipts(max_entries=2, max_age_ns=1000)
    for seq in range(3):
        firsts.note((1, 0, seq, 2), 100 + seq)
    firsts.note((1, 0, 2, 2), 500)
    assert [firsts.of((1, 0, seq, 2)) for seq in range(3)] == [0, 101, 102]


def test_the_old_are_forgotten() -> None:
    firsts = FirstReceipts(max_age_ns=100)
    for seq, received_ns in enumerate((100, 190, 201)):
        firsts.note((1, 0, seq, 2), received_ns)
    assert [firsts.of((1, 0, seq, 2)) for seq in range(3)] == [0, 190, 201]
