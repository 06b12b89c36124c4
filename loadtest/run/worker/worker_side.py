"""The worker's half of a run: takes the plan, reports every second, and counts when the run is over."""

from __future__ import annotations

import logging
import time
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import gevent
import numpy as np
import psutil

from loadtest.backends.plan import Plan
from loadtest.canaries import keeper, programs
from loadtest.errors import Fault, Owner
from loadtest.measurement.evidence import GENERATOR_DELAY, LOOP_LAG, RAMP_LOOP_LAG
from loadtest.measurement.gathering import MADE_ROW, made_of
from loadtest.measurement.meter import Meter
from loadtest.measurement.names import visible
from loadtest.measurement.report import triggers_from
from loadtest.measurement.summary import GC_PAUSE
from loadtest.run import messages, roll_call, source_addresses
from loadtest.run.in_turns import in_turns
from loadtest.run.trigger_feed import Inlet
from loadtest.run.worker import debug_log, locust_stats
from loadtest.run.worker.clock_sync import KNOWN_S, TOLD_S, ClockSync
from loadtest.run.worker.garbage import Garbage
from loadtest.run.worker.interim_counting import count_always, settle_always
from loadtest.run.worker.limits import file_limit, local_ports
from loadtest.tasks import always, missing_run
from loadtest.tasks.context import RunContext, install
from loadtest.transport.receive_clock import receive_clock
from loadtest.transport.shared import shared

logger = logging.getLogger("loadtest")

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.env import Environment

    from loadtest.measurement.latency import Samples

_REPORT_S: Final = 1.0
_LAG_PROBE_S: Final = 0.05
_TURNS_S: Final = 0.05
_ANSWERS_S: Final = 12.0
"""How long unanswered triggers, and plays, are waited for when the run ends."""
_QUIET_S: Final = 0.5
_MOST_QUIET_S: Final = 5.0
_MISSING_S: Final = 5.0
"""How long triggers that are missing at the end are asked for."""
_ASK_AGAIN_S: Final = 0.5
_SAY_AGAIN_S: Final = 0.25
"""How often it says what is still expected, where there are few workers."""
_SAY_AT_ONCE: Final = 25
"""With more workers than this, each says it less often."""


class WorkerSide:
    """Runs in every process that has users.

    :param send: sends (message type, data) to the master.
    """

    def __init__(self, environment: Environment, send: Callable[[str, dict[str, Any]], None]) -> None:
        self._environment = environment
        self._send = send
        self._context: RunContext | None = None
        self._lags_us: array[int] = array("q")
        self._ramp_lags_us: array[int] = array("q")
        self._process = psutil.Process()
        self._cpu_taken_s = self._last_cpu_percent = 0.0
        self._transport = shared()
        self._coalesced_before = self._sent_again_before = 0
        self._garbage = Garbage()
        self._sync: ClockSync | None = None
        self._inlet = Inlet()
        self._planned_s = 0.0
        self._publishing_ns = 0
        self._begun = False
        self._settling = False
        self._loops: list[gevent.Greenlet] = []
        missing_run.explain(environment, missing_run.NOT_INSTALLED_ON_MASTER)

    @property
    def context(self) -> RunContext | None:
        """The current run, or the last one."""
        return self._context

    def on_roll(self, data: dict[str, Any]) -> None:
        """A run is about to begin."""
        missing_run.explain(self._environment, None)
        addresses = source_addresses.resolve(tuple(data["source_addresses"]), data["target"])
        ports = local_ports() * max(len(addresses), 1)
        lacks = programs.missing(data.get("canaries", ()))
        answer = roll_call.Answer(roll_call.code_version(), file_limit(), receive_clock(), ports, lacks)
        self._send(messages.HERE, answer.to_message())

    def on_plan(self, data: dict[str, Any]) -> None:
        """A run begins. The plan of the run that is under way, sent again, changes nothing but the tokens."""
        missing_run.explain(self._environment, None)
        plan = Plan.from_message(data)
        if self._context is not None and self._context.plan.run_id == plan.run_id:
            # A worker that was cut off has missed the tokens that were renewed meanwhile.
            self._context.tokens[:] = [room.token for room in plan.rooms]
            return
        if plan.version != roll_call.code_version():
            # It came when the roll had been called: its users find no run, and the master no totals.
            logger.error("This worker %s: it takes no part (fault of %s).", roll_call.OTHER_VERSION, Owner.USER)
            return
        try:
            reader = plan.endpoint.adapter.reader
        except Fault as fault:
            logger.error("This worker takes no part: %s", visible(str(fault)))  # noqa: TRY400 - a fault is one line
            return
        addresses = source_addresses.resolve(plan.source_addresses, plan.endpoint.host)
        plan = replace(plan, source_addresses=addresses)
        gevent.killall(self._loops)
        always.follow(plan.tags)
        self._inlet = Inlet(plan.triggers_from)
        self._sync = ClockSync(plan.run_id, plan.worker, plan.workers, self._send)
        flight_ns = round(plan.flight_s * 1e9)
        meter = Meter(
            *(plan.run, reader, self._sync.table, flight_ns, plan.room_classes, plan.endpoint.backend),
            sources=plan.sources(),
        )
        self._sync.on_set = meter.clock_was_set
        plan.endpoint.adapter.take_errors()
        self._transport.dialler.resolver.ttl_s = plan.dns_ttl_s
        self._context = context = RunContext(plan, meter, self._transport.dialler.resolver)
        # The master has to know before the other workers report the seconds of the overload.
        context.on_overload = lambda: self._report(context)
        install(self._environment, self._context)
        if plan.debug_clients:
            debug_log.show_packets()
        self._planned_s = time.monotonic()
        self._publishing_ns = 0
        self._begun = False
        self._settling = False
        self._cpu_percent()
        self._lags_us, self._ramp_lags_us = array("q"), array("q")
        self._garbage.start()
        self._garbage.take_us()
        self._transport.poller.take_delays_ns()
        self._coalesced_before = self._transport.coalesced
        self._sent_again_before = self._transport.dialler.sent_again
        self._loops = [
            gevent.spawn(self._sync.ask_always),
            gevent.spawn(self._probe_lag, self._context),
            gevent.spawn(self._report_always, self._context),
            gevent.spawn(settle_always, context),
            gevent.spawn(count_always, self._context, self._send),
        ]

    def on_reset(self, *, done: bool) -> None:
        """Locust's own statistics are reset: what came before does not go into them any more.

        :param done: whether they were already, or will be now.
        """
        if self._context is not None and not self._context.over.is_set():
            self._report(self._context, feeds_locust=not done)

    def on_spawned(self) -> None:
        """All users were started: the publishers may begin."""
        if self._environment.reset_stats:
            self.on_reset(done=True)
        # A shape has them started more than once.
        if (context := self._context) is not None and self._sync is not None and not self._begun:
            self._begun = True
            if context.plan.canaries and context.plan.worker == 0:
                gevent.spawn(keeper.keep, context)
            self._loops.append(gevent.spawn(self._publish, context, self._sync))

    def _publish(self, context: RunContext, sync: ClockSync) -> None:
        """Let the publishers begin, when nobody will take their clock for another."""
        if context.plan.workers > 1:
            sync.known.wait(KNOWN_S)
            told_s = self._planned_s + TOLD_S - time.monotonic()
            gevent.sleep(max(told_s, 0.0))
        while context.arrivals.to_come:
            gevent.sleep(_TURNS_S)
        self._garbage.users_are_there()
        gevent.sleep(context.plan.warm_up_s)
        self._publishing_ns = time.time_ns()
        context.publishing.set()

    def on_tokens(self, data: dict[str, Any]) -> None:
        """The rooms' owners have fresh tokens."""
        if (context := self._current(data)) is not None:
            context.tokens[:] = data["tokens"]

    def on_storm(self, data: dict[str, Any]) -> None:
        """All viewers lose their connections, as when a load balancer is restarted."""
        if (context := self._current(data)) is not None:
            for client in list(context.clients):
                client.drop(wanted=False)

    def on_rate(self, data: dict[str, Any]) -> None:
        """Publishers go on at another rate."""
        if (context := self._current(data)) is not None:
            context.change_rate(data["rate_per_s"])

    def on_time(self, data: dict[str, Any]) -> None:
        """The master said what time it is, and which triggers there are."""
        received_ns = time.time_ns()
        context = self._current(data)
        if context is None or self._sync is None:
            return
        self._sync.on_answer(data, received_ns)
        context.meter.counters["clock_steps"] = self._sync.steps
        if self._inlet.next < data["triggers"]:
            self._want_triggers(context)
        else:
            context.meter.complete_until(data["complete_ns"])

    def on_triggers(self, data: dict[str, Any]) -> None:
        """Triggers, our own and other workers'."""
        if (context := self._current(data)) is not None:
            rows = self._inlet.take(data)
            context.meter.learn(triggers_from([row for row in rows if row[0] != MADE_ROW]))
            context.meter.learn_made(made_of(rows))

    def on_drain(self, data: dict[str, Any]) -> None:
        """Stop publishing, wait for the answers and for the plays that are under way, and say so."""
        context = self._current(data)
        if context is None:
            return
        context.close()
        deadline_s = time.monotonic() + _ANSWERS_S
        while _has_work(context) and time.monotonic() < deadline_s:
            gevent.sleep(0.05)
        self._report(context)
        self._send(messages.DRAINED, {"run_id": context.plan.run_id})

    def on_await(self, data: dict[str, Any]) -> None:
        """Send how many deliveries are still expected, until the master asks for the counts."""
        context = self._current(data)
        if context is None:
            return
        patience_ns = round(data["patience_s"] * 1e9)
        context.meter.widen(round(data["flight_s"] * 1e9))
        again_s = _SAY_AGAIN_S * max(1.0, context.plan.workers / _SAY_AT_ONCE)
        # A run that went on without this worker ends with the next one's plan.
        while context is self._context and not self._settling:
            # What arrived since the last report is known to nobody else yet.
            self._report(context)
            # What becomes known while it counts may be missing in the count.
            rows = self._inlet.next
            outstanding = sum(in_turns(context.meter.outstanding(time.time_ns(), patience_ns)))
            counts = {"outstanding": outstanding, "rows": rows}
            self._send(messages.WAITING, {"run_id": context.plan.run_id, **counts})
            gevent.sleep(again_s)

    def on_settle(self, data: dict[str, Any]) -> None:
        """Everybody's triggers are known: wait until nothing arrives any more, count, and let the users go."""
        context = self._current(data)
        if context is None or context.over.is_set():
            return
        if not context.closing.is_set():
            # Away when the others were told to.
            self.on_drain(data)
        self._settling = True
        self._wait_for_triggers(context, data["triggers"])
        deadline_s = time.monotonic() + _MOST_QUIET_S
        received = -1
        while received != context.meter.received and time.monotonic() < deadline_s:
            received = context.meter.received
            gevent.sleep(_QUIET_S)
        gevent.killall(self._loops)
        # No other greenlet runs between the two, so the last report and the totals speak of the same moment.
        context.meter.close()
        self._report(context)
        context.meter.widen(round(data["flight_s"] * 1e9))
        totals = context.meter.settle()
        self._send(messages.TOTALS, {"run_id": context.plan.run_id, "totals": totals.to_message()})
        context.end()
        self._garbage.stop()

    def _wait_for_triggers(self, context: RunContext, end: int) -> None:
        """Get the rest of the triggers, up to a number."""
        deadline_s = time.monotonic() + _MISSING_S
        while self._inlet.next < end and time.monotonic() < deadline_s:
            self._want_triggers(context)
            gevent.sleep(_ASK_AGAIN_S)
        context.meter.counters["unknown_triggers"] = self._inlet.missed + max(end - self._inlet.next, 0)

    def _want_triggers(self, context: RunContext) -> None:
        self._send(messages.WANT, {"run_id": context.plan.run_id, "from": self._inlet.next})

    def _current(self, data: dict[str, Any]) -> RunContext | None:
        context = self._context
        return context if context is not None and data["run_id"] == context.plan.run_id else None

    def _report_always(self, context: RunContext) -> None:
        while True:
            # At full seconds by the master's clock, so that the workers' intervals coincide.
            now_s = context.meter.master_ns(time.time_ns()) / 1e9
            gevent.sleep(_REPORT_S - now_s % _REPORT_S)
            self._report(context)

    def _report(self, context: RunContext, *, feeds_locust: bool = True) -> None:
        lags_us, self._lags_us = self._lags_us, array("q")
        ramp_lags_us, self._ramp_lags_us = self._ramp_lags_us, array("q")
        more_us = {
            LOOP_LAG: np.array(lags_us),
            RAMP_LOOP_LAG: np.array(ramp_lags_us),
            GENERATOR_DELAY: np.array(self._transport.poller.take_delays_ns()) // 1000,
            GC_PAUSE: np.array(self._garbage.take_us()),
        }
        health = {
            "cpu_percent": self._cpu_percent(),
            "rss_bytes": float(self._process.memory_info().rss),
            "closing": float(context.closing.is_set()),
            "publishing_since_s": self._publishing_ns and context.meter.master_ns(self._publishing_ns) / 1e9,
            **{f"{name}_p99_ms": _p99_ms(more_us[name]) for name in (LOOP_LAG, GENERATOR_DELAY)},
        }
        counters = context.meter.counters
        counters["coalesced"] = self._transport.coalesced - self._coalesced_before
        counters["sent_again"] = self._transport.dialler.sent_again - self._sent_again_before
        for kind, line, times in context.plan.endpoint.adapter.take_errors():
            context.meter.adapter_failed(kind, line, times)
        report, latencies = context.meter.take_report(time.time_ns(), health, more_us)
        for key, latencies_us in latencies.items() if feeds_locust else ():
            locust_stats.feed(self._environment.stats, key, latencies_us, time.time())
        self._send(
            messages.REPORT,
            {"run_id": context.plan.run_id, "report": report.to_message()},
        )

    def _cpu_percent(self) -> float:
        """Since the last time; of a moment it would say nothing."""
        now_s = time.monotonic()
        if now_s - self._cpu_taken_s > _REPORT_S / 4:
            self._last_cpu_percent, self._cpu_taken_s = self._process.cpu_percent(), now_s
        return self._last_cpu_percent

    def _probe_lag(self, context: RunContext) -> None:
        """Measure how late the event loop wakes up, from when the first user is about to connect."""
        while not context.clients:
            gevent.sleep(_LAG_PROBE_S)
        while not context.closing.is_set():
            asleep_s = time.perf_counter()
            gevent.sleep(_LAG_PROBE_S)
            late_s = time.perf_counter() - asleep_s - _LAG_PROBE_S
            lags_us = self._lags_us if context.publishing.is_set() else self._ramp_lags_us
            lags_us.append(max(int(late_s * 1e6), 1))


def _has_work(context: RunContext) -> bool:
    """Return whether an answer, a play, or a user that the load test has dropped is still to be waited for."""
    counters = context.meter.counters
    coming_back = bool(counters["connections_dropped"] and counters["away"])
    return bool(context.meter.in_flight or context.playing or coming_back)


def _p99_ms(samples_us: Samples) -> float:
    return float(np.percentile(samples_us, 99)) / 1000 if len(samples_us) else 0.0
