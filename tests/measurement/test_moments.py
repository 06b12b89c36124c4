"""Tests of when a worker takes a broadcast to have been made, by its own receipts and by those of others."""

from __future__ import annotations

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock, ClockTable, publisher_number
from loadtest.measurement.meter import Meter
from loadtest.measurement.moments import Made
from loadtest.measurement.triggers import Outcome, Trigger

from .metering import FAILED, FLIGHT_NS, RUN, S, member, status_frame, task_of

OWN = publisher_number(1, 0)
BOUND_NS = 200_000
AHEAD_NS = 3 * S
DRIFT = 40e-6
RECEIVED_NS = 20 * S + 123_456_789


def far_meter(bound_ns: float = BOUND_NS, ahead_ns: int = AHEAD_NS, drift: float = DRIFT) -> Meter:
    """Return the meter of worker 1, on another machine than the master, that knows one trigger of its own."""
    estimate = Estimate(7 * S, ahead_ns, drift, bound_ns, 0.0)
    meter = Meter(RUN, Reader(), ClockTable(Clock(1, "another machine", estimate)), FLIGHT_NS)
    meter.learn([Trigger(0, OWN, 0, 10 * S, 10 * S, Outcome.ACCEPTED, task_of(0))])
    return meter


def hear(meter: Meter) -> int:
    """Receive the trigger's completion; return what the master is told of when that was."""
    account = member(meter, 0)
    frame = status_frame("FAILED", task_of(0))
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, frame, RECEIVED_NS)
    report, _ = meter.take_report(21 * S, {}, {})
    (told,) = report.fan_outs
    return told.first_ns


def limits(meter: Meter) -> tuple[int, int]:
    """Return the earliest and the latest moment at which the completion was made."""
    windows = meter._log.stream(0, OWN).windows(FAILED, FLIGHT_NS)
    return int(windows.earliest_ns[0]), int(windows.received_ns[0])


def test_a_receipt_of_one_s_own_is_exact() -> None:
    meter = far_meter()
    told_ns = hear(meter)
    assert told_ns == meter.master_ns(RECEIVED_NS) != RECEIVED_NS
    assert limits(meter) == (RECEIVED_NS - FLIGHT_NS, RECEIVED_NS)


@pytest.mark.parametrize("sooner_ns", [-1, 0, 1, BOUND_NS])
def test_it_stays_exact_when_it_comes_back_from_the_master(sooner_ns: int) -> None:
    meter = far_meter()
    told_ns = hear(meter)
    meter.learn_made([Made(OWN, 0, 0, FAILED, told_ns - sooner_ns, FLIGHT_NS, BOUND_NS)])
    assert limits(meter) == (RECEIVED_NS - FLIGHT_NS, RECEIVED_NS)


def test_another_s_receipt_counts_if_it_was_certainly_earlier() -> None:
    meter = far_meter(drift=0.0)
    told_ns = hear(meter)
    sooner_ns = 5 * BOUND_NS
    meter.learn_made([Made(OWN, 0, 0, FAILED, told_ns - sooner_ns, FLIGHT_NS, BOUND_NS)])
    made_ns, bound_ns = RECEIVED_NS - sooner_ns, 2 * BOUND_NS
    assert limits(meter) == (made_ns - FLIGHT_NS - bound_ns, made_ns + bound_ns)


def test_of_two_moments_of_a_trigger_that_is_not_known_yet_the_smaller_limit_counts() -> None:
    meter = far_meter(bound_ns=0, ahead_ns=0, drift=0.0)
    rows = [Made(OWN, 0, 1, FAILED, 15 * S, FLIGHT_NS, 0), Made(OWN, 0, 1, FAILED, 15 * S - 5, FLIGHT_NS, 9)]
    meter.learn_made(rows)
    meter.learn([Trigger(0, OWN, 1, 10 * S, 10 * S, Outcome.ACCEPTED, task_of(1))])
    windows = meter._log.stream(0, OWN).windows(FAILED, FLIGHT_NS)
    assert int(windows.received_ns[1]) == 15 * S


def test_the_own_clock_s_bound_is_added_also_to_moments_that_are_exact_by_the_master_s() -> None:
    """Such as those of workers on the master's machine, and those that the backend's own data give."""
    meter = far_meter(drift=0.0)
    meter.learn_made([Made(OWN, 0, 0, FAILED, 15 * S + AHEAD_NS, FLIGHT_NS, 0)])
    assert limits(meter) == (15 * S - FLIGHT_NS - BOUND_NS, 15 * S + BOUND_NS)


def test_on_the_master_s_machine_such_moments_are_exact() -> None:
    meter = far_meter(bound_ns=0.0, ahead_ns=0, drift=0.0)
    meter.learn_made([Made(OWN, 0, 0, FAILED, 15 * S, FLIGHT_NS, 0)])
    assert limits(meter) == (15 * S - FLIGHT_NS, 15 * S)
