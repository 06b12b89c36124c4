"""The worker's half of a run: takes the plan, reports every second, and counts when the run is over."""

from __future__ import annotations

import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gevent
import numpy as np
import psutil

from backend.plan import Plan
from backend.reader import Reader
from measure.meter import Meter
from measure.report import triggers_from
from measure.summary import GC_PAUSE, GENERATOR_DELAY, LOOP_LAG
from tasks.context import RunContext, install
from transport.shared import shared

from . import locust_stats, messages, roll_call
from .gc_pauses import GcPauses
from .limits import file_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.env import Environment

_REPORT_S: Final = 1.0
_LAG_PROBE_S: Final = 0.05
_ANSWERS_S: Final = 12.0
"""How long unanswered triggers are waited for when the run ends."""
_QUIET_S: Final = 0.5
_MOST_QUIET_S: Final = 5.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class WorkerSide:
    """Runs in every process that has users.

    :param send: sends (message type, data) to the master.
    """

    def __init__(self, environment: Environment, send: Callable[[str, dict[str, Any]], None]) -> None:
        self._environment = environment
        self._send = send
        self._context: RunContext | None = None
        self._lags_us: array[int] = array("q")
        self._process = psutil.Process()
        self._transport = shared()
        self._coalesced_before = 0
        self._pauses = GcPauses()
        self._clock = clock_id()
        self._loops: list[gevent.Greenlet] = []

    @property
    def context(self) -> RunContext | None:
        """The current run, or the last one."""
        return self._context

    def on_roll(self, _data: dict[str, Any]) -> None:
        """A run is about to begin."""
        answer = roll_call.Answer(roll_call.code_version(), file_limit())
        self._send(messages.HERE, answer.to_message())

    def on_plan(self, data: dict[str, Any]) -> None:
        """A run begins. The plan of the run that is under way, sent again, changes nothing."""
        plan = Plan.from_message(data)
        if self._context is not None and self._context.plan.run_id == plan.run_id:
            return
        gevent.killall(self._loops)
        self._context = RunContext(plan, Meter(plan.run, Reader()))
        install(self._environment, self._context)
        self._process.cpu_percent()
        self._lags_us = array("q")
        self._pauses.start()
        self._pauses.take_us()
        self._transport.poller.take_delays_ns()
        self._coalesced_before = self._transport.coalesced
        self._loops = [
            gevent.spawn(self._probe_lag, self._context),
            gevent.spawn(self._report_always, self._context),
        ]

    def on_spawned(self) -> None:
        """All users were started: the publishers may begin."""
        if (context := self._context) is not None:
            self._loops.append(gevent.spawn_later(context.plan.warm_up_s, context.publishing.set))

    def on_triggers(self, data: dict[str, Any]) -> None:
        """Triggers of other workers."""
        if self._context is not None:
            self._context.meter.learn(triggers_from(data["triggers"]))

    def on_drain(self, _data: dict[str, Any]) -> None:
        """Stop publishing, wait for the answers, and say so."""
        context = self._context
        if context is None:
            return
        context.closing.set()
        deadline_s = time.monotonic() + _ANSWERS_S
        while context.in_flight and time.monotonic() < deadline_s:
            gevent.sleep(0.05)
        self._report(context, int(time.time()))
        self._send(messages.DRAINED, {"run_id": context.plan.run_id})

    def on_settle(self, _data: dict[str, Any]) -> None:
        """Everybody's triggers are known: wait until nothing arrives any more, count, and let the users go."""
        context = self._context
        if context is None or context.over.is_set():
            return
        deadline_s = time.monotonic() + _MOST_QUIET_S
        received = -1
        while received != context.meter.received and time.monotonic() < deadline_s:
            received = context.meter.received
            gevent.sleep(_QUIET_S)
        gevent.killall(self._loops)
        self._pauses.stop()
        # No other greenlet runs between the two, so the last report and the totals speak of the same moment.
        self._report(context, int(time.time()))
        totals = context.meter.settle()
        self._send(messages.TOTALS, {"run_id": context.plan.run_id, "totals": totals.to_message()})
        context.over.set()

    def _report_always(self, context: RunContext) -> None:
        while True:
            # At full seconds by the wall clock, so that the workers' intervals coincide.
            now_s = time.time()
            gevent.sleep(_REPORT_S - now_s % _REPORT_S)
            self._report(context, int(now_s))

    def _report(self, context: RunContext, second: int) -> None:
        health = {
            "cpu_percent": self._process.cpu_percent(),
            "rss_bytes": float(self._process.memory_info().rss),
        }
        lags_us, self._lags_us = self._lags_us, array("q")
        delays_us = np.array(self._transport.poller.take_delays_ns()) // 1000
        context.meter.counters["coalesced"] = self._transport.coalesced - self._coalesced_before
        more_us = {
            LOOP_LAG: np.array(lags_us),
            GENERATOR_DELAY: delays_us,
            GC_PAUSE: np.array(self._pauses.take_us()),
        }
        report, latencies = context.meter.take_report(second, health, more_us)
        for name, latencies_us in latencies.items():
            locust_stats.feed(self._environment.stats, name, latencies_us, time.time())
        self._send(
            messages.REPORT,
            {"run_id": context.plan.run_id, "clock": self._clock, "report": report.to_message()},
        )

    def _probe_lag(self, context: RunContext) -> None:
        """How late the event loop wakes up, from when there is something to receive."""
        context.publishing.wait()
        while True:
            asleep_s = time.perf_counter()
            gevent.sleep(_LAG_PROBE_S)
            late_s = time.perf_counter() - asleep_s - _LAG_PROBE_S
            self._lags_us.append(max(int(late_s * 1e6), 1))


def clock_id() -> str:
    """Names this machine's clock: two processes with the same id read the same clock."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
