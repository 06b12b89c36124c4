"""A small run: two workers with clocks of their own, told everything by the master's clock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.by_class import ByClass
from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock, ClockTable, publisher_number
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.meter import Meter
from loadtest.measurement.objectives import Objective
from loadtest.measurement.phases import Phases
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.second import Second
from loadtest.measurement.triggers import Outcome, Trigger

from . import runs
from .metering import RUN, S, complete, log_frame, status_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.measurement.account import Account

MS = S // 1000
BASE_S = 1_000_000
BASE_NS = BASE_S * S
AHEAD_NS = 3 * S
"""By how much the second worker's clock is."""
BOUND_NS = 200_000
CLASSES = (2, 0)
FLIGHT_NS = S // 2
FIRST, SECOND = publisher_number(0, 1), publisher_number(1, 0)
FACTS = replace(
    runs.FACTS,
    run_id="the-run",
    duration_s=9.87654,
    publishing_s=5.43219,
    users={"Viewer": 5, "Publisher": 2},
    rooms=2,
    rate_per_s=3.0,
    cpu_warning=True,
    options={"rate": 3.0},
    monitoring={"sources": ["health http://x"], "samples": 2},
    backend=[
        {"at_s": BASE_S + at, "instance": name, "rss_mb": 100.0 + at * grown}
        for name, grown in (("i1", 0), ("i2", 9))
        for at in range(12)
    ],
)
OBJECTIVES = [
    Objective("p99", "latency_p99_ms", "below", 50.0),
    Objective("lost", "lost_percent", "at_most", 90.0),
]


def keyed(seq: int, publisher: int) -> str:
    return f"{seq:08x}-{publisher:04x}-4333-8444-555555555555"


def traced(room: int, publisher: int, seq: int, due_ns: int, run: str = RUN) -> bytes:
    return log_frame(seq, room, run, due_ns, publisher)


def status(publisher: int, seq: int, word: str) -> bytes:
    return status_frame(word, keyed(seq, publisher))


class Worker:
    """One worker, told everything by the master's clock."""

    def __init__(self, number: int, ahead_ns: int) -> None:
        self.name = f"worker {number}"
        self.ahead_ns = ahead_ns
        estimate = Estimate(BASE_NS + ahead_ns, -ahead_ns, 0.0, BOUND_NS, 0.0)
        self.clock = Clock(number, f"machine {number}", estimate)
        self.table = ClockTable(self.clock)
        self.meter = Meter(RUN, Reader(), self.table, FLIGHT_NS, CLASSES)

    def at(self, after_ms: float) -> int:
        """A moment after the beginning, by the worker's own clock."""
        return BASE_NS + round(after_ms * MS) + self.ahead_ns

    def member(self, instance: str, *rooms: int, label: str = "") -> Account:
        began_ns, now_ns = self.at(10), self.at(15.5)
        if not label:
            self.meter.connected(began_ns, now_ns, {"tcp": MS, "upgrade": 2 * MS, "socketio": 2 * MS})
        account = self.meter.open_account(label)
        account.instance = instance
        for room in rooms:
            account.joined(room, now_ns)
            self.meter.join_answered(3 * MS)
        return account

    def hears(self, account: Account, frame: bytes, after_ms: float) -> None:
        viewpoint = self.meter.apart(account.label) if account.label else self.meter.at(account.instance)
        event = contract.AGENT_LOG if b"agentLog" in frame else contract.TASK_STATUS_UPDATE
        viewpoint.observe(account.number, event, frame, self.at(after_ms))

    def sends(
        self, publisher: int, room: int, seq: int, due_ms: float, took_ms: float | None, **more: Any
    ) -> None:
        """A trigger leaves half a millisecond late, and is answered."""
        self.meter.trigger_due()
        self.meter.trigger_sent(publisher, room, seq, self.at(due_ms + 0.5))
        outcome = more.get("outcome", Outcome.ACCEPTED)
        key, origin = ("", "")
        if outcome is Outcome.ACCEPTED:
            key, origin = keyed(seq, publisher), more.get("origin", "i1")
        times_ns = self.at(due_ms), self.at(due_ms + 0.5)
        self.meter.trigger_answered(Trigger(room, publisher, seq, *times_ns, outcome, key, origin), took_ms)

    def report(self, after_ms: float, cpu_percent: float, rss_mb: float) -> WorkerReport:
        health = {
            "cpu_percent": cpu_percent,
            "rss_bytes": rss_mb * 1e6,
            "publishing_since_s": (BASE_NS + S) / 1e9,
            "loop_lag_p99_ms": 1.0,
        }
        more_us = {"loop_lag": [30_000, 40_000], "generator_delay": [100, 900], "gc_pause": [2000]}
        report, _ = self.meter.take_report(self.at(after_ms), health, more_us)
        return WorkerReport.from_message(report.to_message())


def played(on_second: Callable[[Second], object] = lambda _: None) -> tuple[Fleet, list[WorkerReport]]:
    """Publishers begin a second after the base; the first second of publishing is warm-up."""
    one, two = Worker(0, 0), Worker(1, AHEAD_NS)
    for worker, other in ((one, two), (two, one)):
        worker.table.update([other.clock])
    slots = [slot.event for slot in Reader.slots]
    phases = Phases(unmeasured_s=1.0, ended_s=BASE_S + 4.0)
    fleet = Fleet(
        lambda at_s: phases.of(at_s, fleet.publishing_since_s()),
        on_second,
        ByClass(CLASSES, slots),
        lambda at_s: phases.counts(at_s, fleet.publishing_since_s()),
    )
    reports = []

    def all_report(after_s: float) -> None:
        sent = []
        for worker in (one, two):
            report = worker.report(after_s * 1000, 10.0 + 5 * worker.clock.worker, 50.0 + after_s)
            fleet.enlist(worker.name).clock = worker.clock
            fleet.take(worker.name, report, after_s)
            reports.append(report)
            sent.append(report.triggers)
        for worker, triggers in ((one, sent[1]), (two, sent[0])):
            worker.meter.learn(triggers)
            complete(worker.meter, BASE_NS + round(after_s * S))

    # Room 0 is a large one, room 1 a small one; `steady` is in both, `canary` is no ordinary member.
    steady = one.member("i1", 0, 1)
    lossy = one.member("i1", 0)
    canary = one.member("i1", 0, label="node-4")
    far = two.member("i2", 0)
    small = two.member("i2", 1)
    state = one.meter.canaries.open("node-4", "msgpack")
    state.joined, state.transport = True, "polling"
    one.meter.connect_failed("connect: refused")
    two.meter.join_failed("join: refused")
    two.meter.not_answered("ping: silence")
    two.meter.answered("a question", 4.25)
    two.meter.user_failed("Viewer", "KeyError", ours=True)
    one.meter.checks.count("rooms", "joins", True, "yes")
    two.meter.checks.count("rooms", "joins", False, "no")
    all_report(1.0)

    # Warm-up: one trigger, which everybody of room 0 hears.
    one.sends(FIRST, 0, 0, 1100, 2.5)
    warming = traced(0, FIRST, 0, one.at(1100))
    for account, after_ms in ((steady, 1104), (lossy, 1105), (canary, 1106)):
        one.hears(account, warming, after_ms)
    two.hears(far, warming, 1110)
    all_report(2.0)

    # Two triggers; `lossy` does not hear the first, and hears the second twice; `far` has the second first.
    first, second = (traced(0, FIRST, seq, one.at(due_ms)) for seq, due_ms in ((1, 2100), (2, 2200)))
    one.sends(FIRST, 0, 1, 2100, 3.5, origin="i2")
    one.sends(FIRST, 0, 2, 2200, 4.5)
    for worker, account, frame, after_ms in (
        (one, steady, first, 2108),
        (one, steady, second, 2209),
        (one, lossy, second, 2210),
        (one, lossy, second, 2211),
        (two, far, second, 2220),
        (two, far, first, 2221),
        (one, canary, first, 2112),
    ):
        worker.hears(account, frame, after_ms)
    one.hears(steady, status(FIRST, 2, contract.IN_PROGRESS), 2215)
    one.hears(steady, status(FIRST, 2, "PENDING"), 2216)
    # A refused one, one that nobody answered, and one that never left.
    two.sends(SECOND, 1, 0, 2300, 1.5, outcome=Outcome.REFUSED)
    two.sends(SECOND, 1, 1, 2400, None, outcome=Outcome.FAILED)
    two.sends(SECOND, 1, 2, 2500, None, outcome=Outcome.UNSENT)
    one.hears(steady, traced(1, SECOND, 1, two.at(2400)), 2405)
    two.hears(far, traced(1, SECOND, 1, two.at(2400)), 2406)
    two.hears(small, b'42["agentLog",{"message":"Load test ~damaged~"}]', 2407)
    two.hears(small, traced(1, SECOND, 9, 0, run="ffffffff"), 2408)
    # Later than it was due by a clock that is far off: earlier than anything can be.
    two.hears(small, traced(1, SECOND, 1, two.at(2400)), 2390)
    all_report(3.0)

    # `lossy` loses its connection, misses a trigger, and has it replayed with the next connection.
    lossy.disconnected(one.at(3050), wanted=False)
    one.meter.connection_lost("connection lost: closed")
    one.sends(FIRST, 0, 3, 3100, 5.5)
    late = traced(0, FIRST, 3, one.at(3100))
    one.hears(steady, late, 3104)
    two.hears(far, late, 3109)
    lossy.instance = "i2"
    lossy.recovered(one.at(3200))
    one.meter.counters["reconnects"] += 1
    one.meter.counters["recovered"] += 1
    one.hears(lossy, late, 3203)
    far.ended(two.at(3300))
    two.meter.counters["disconnects"] += 1
    one.meter.counters["coalesced"] = 2
    one.meter.counters["sent_again"] = 1
    all_report(4.0)
    all_report(5.0)
    for worker in (one, two):
        worker.meter.close()
        fleet.take(worker.name, worker.report(5500, 10.0, 56.0), 5.5)
        totals = worker.meter.settle()
        fleet.finish(worker.name, Totals.from_message(totals.to_message()))
    fleet.close()
    return fleet, reports
