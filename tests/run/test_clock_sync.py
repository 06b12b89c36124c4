"""A worker's side of the exchange, with a master whose clock is what the test says."""

from __future__ import annotations

import time
from typing import Any

import gevent
import pytest

from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock
from loadtest.run import messages
from loadtest.run.master.clock_board import ClockBoard, clocks_from
from loadtest.run.worker import clock_sync
from loadtest.run.worker.clock_sync import ClockSync, answer, machine_clock

S = 1_000_000_000
NOW = 1_800_000_000 * S


def sync() -> tuple[ClockSync, list[tuple[str, dict[str, Any]]]]:
    sent: list[tuple[str, dict[str, Any]]] = []
    return ClockSync("run-1", 2, 2, lambda kind, data: sent.append((kind, data))), sent


def board(*clocks: Clock) -> dict[str, Any]:
    """What the master tells of other workers' clocks."""
    all_clocks = ClockBoard()
    for clock in clocks:
        all_clocks.put(clock, 0.0)
    return {"clocks": all_clocks.since(0), "seen": all_clocks.version}


def answered(machine: str, offset_ns: int, delay_ns: int = 2000) -> dict[str, Any]:
    """An answer to a question of NOW, by a clock that is ahead."""
    theirs_ns = NOW + delay_ns // 2 + offset_ns
    return {"sent_ns": NOW, "arrived_ns": theirs_ns, "answered_ns": theirs_ns, "machine": machine, **board()}


def estimate_after(machine: str, offset_ns: int) -> Estimate:
    worker, _ = sync()
    worker.on_answer(answered(machine, offset_ns), NOW + 2000)
    assert worker.table.own.estimate is not None
    return worker.table.own.estimate


def test_this_machine_has_a_name_for_its_clock() -> None:
    assert machine_clock()


def test_on_the_master_s_machine_there_is_no_offset_and_no_doubt() -> None:
    estimate = estimate_after(machine_clock(), 900)
    assert (estimate.offset_ns, estimate.bound_ns, estimate.growth) == (0, 0.0, 0.0)


def test_a_process_that_sees_another_time_on_the_master_s_machine_has_an_offset() -> None:
    assert estimate_after(machine_clock(), 5 * S).offset_ns == pytest.approx(5 * S, abs=10)


def test_on_another_machine_there_is_one_with_its_bound() -> None:
    estimate = estimate_after("another", 900)
    assert estimate.offset_ns == pytest.approx(900, abs=10)
    assert estimate.bound_ns >= 1000


def test_other_workers_clocks_come_with_the_answer() -> None:
    worker, _ = sync()
    other = Clock(5, "elsewhere", Estimate(NOW, 7 * S, 0.0, 500.0, 0.0))
    worker.on_answer(answered("another", 0) | board(other), NOW + 2000)
    there = worker.table.here(5, NOW)
    assert there.ns == pytest.approx(NOW + 7 * S, abs=10)
    assert not there.one_clock
    assert worker.known.is_set()


def test_a_worker_whose_clock_was_not_compared_is_not_known() -> None:
    worker, _ = sync()
    worker.on_answer(answered("another", 0) | board(Clock(5, machine_clock())), NOW + 2000)
    assert not worker.known.is_set()
    assert worker.table.here(5, NOW).bound_ns is None


def test_the_first_questions_come_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_sync, "_FIRST_ASK_S", 0.001)
    worker, sent = sync()
    asking = gevent.spawn(worker.ask_always)
    # As long as not all clocks are known.
    with gevent.Timeout(10):
        while len(sent) <= clock_sync._FIRST_ASKS + 1:
            gevent.sleep(0.01)
    worker.known.set()
    gevent.sleep(0.01)
    known = len(sent)
    gevent.sleep(0.2)
    assert len(sent) <= known + 1
    asking.kill()
    kind, question = sent[0]
    assert kind == messages.CLOCK
    all_clocks = ClockBoard()
    all_clocks.put(worker.table.own, 0.0)
    said = answer(question, 123, all_clocks)
    assert (said["sent_ns"], said["arrived_ns"]) == (question["sent_ns"], 123)
    assert list(clocks_from(said["clocks"])) == [worker.table.own]


def test_a_clock_that_was_set_is_told_and_compared_again_at_once() -> None:
    worker, sent = sync()
    doubtful: list[int] = []
    worker.on_set = doubtful.append
    worker.known.set()

    def answer_last(offset_ns: int) -> None:
        sent_ns = sent[-1][1]["sent_ns"]
        theirs_ns = sent_ns + offset_ns
        data = {"sent_ns": sent_ns, "arrived_ns": theirs_ns, "answered_ns": theirs_ns, "machine": "another"}
        worker.on_answer(data | board(), sent_ns + 1000)

    asking = gevent.spawn(worker.ask_always)
    with gevent.Timeout(10):
        while len(sent) < clock_sync._FIRST_ASKS:
            gevent.sleep(0.01)
    # From now on it asks once a second.
    answer_last(0)
    last_ns = sent[-1][1]["sent_ns"]
    asked = len(sent)
    worker._ask()
    answer_last(5 * S)
    with gevent.Timeout(clock_sync._ASK_S / 2):
        while len(sent) < asked + 3:
            gevent.sleep(0.01)
    asking.kill()
    assert doubtful == [last_ns + 1000]
    assert worker.steps == 1
    assert sent[-1][1]["clock"][-2:] == [1, last_ns + 1000]
    # Another worker's clock was set; the moment is by our clock.
    now_ns = time.time_ns()
    for steps in (0, 1):
        other = Clock(5, "elsewhere", Estimate(now_ns, 5 * S, 0.0, 500.0, 0.0), steps, now_ns)
        worker._ask()
        sent_ns = sent[-1][1]["sent_ns"]
        times = {"sent_ns": sent_ns, "arrived_ns": sent_ns + 5 * S, "answered_ns": sent_ns + 5 * S}
        worker.on_answer({**times, "machine": "another", **board(other)}, sent_ns + 1000)
    assert doubtful[1:] == [pytest.approx(now_ns, abs=S)]
