"""Workers that measure nothing: what they say is what real ones say, as often and as much of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgpack
import numpy as np
import zmq

from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.clock import ClockFilter, Exchange
from loadtest.measurement.clocks import Clock, publisher_number
from loadtest.measurement.evidence import GENERATOR_DELAY, LOOP_LAG
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.shards import pack_all
from loadtest.measurement.taken import FanOut
from loadtest.measurement.triggers import Outcome, Trigger
from loadtest.run import messages, roll_call
from loadtest.run.fleet_identity import FleetIdentity
from loadtest.run.master.clock_board import clocks_from
from loadtest.run.worker import clock_sync

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSION: Final = "2.47.0"
_RATE_PER_S: Final = 10
"""Triggers of each worker that publishes."""
_DELIVERIES: Final = 500
"""Of each event and worker, a second."""
_FAN_OUTS: Final = 20
_STATS_S: Final = 3.0
_SOCKETS: Final = 5000


@dataclass(slots=True)
class _Worker:
    """One of them. clock: as a real worker's, from real exchanges with the master."""

    socket: zmq.Socket[bytes]
    name: str
    number: int
    publishes: bool
    clock: ClockFilter = field(default_factory=ClockFilter)
    run_id: str = ""
    reports: int = 0
    triggers: int = 0
    arrived: int = 0
    asked: int = 0
    seen: int = 0
    clocks: int = 0
    known: bool = False
    next_ask_s: float = float("inf")
    next_report_s: float = float("inf")
    next_beat_s: float = 0.0
    next_stats_s: float = 0.0
    over: bool = False


class Workers:
    """All workers of a fleet.

    :param publishing: how many of them publish.
    """

    def __init__(self, count: int, port: int, *, users_each: int, publishing: int) -> None:
        context = zmq.Context()
        context.set(zmq.MAX_SOCKETS, _SOCKETS)
        self._users_each = users_each
        self._poller = zmq.Poller()
        self._workers: dict[Any, _Worker] = {}
        self._heard_bytes = 0
        self._rng = np.random.default_rng(1)
        self._latencies = pack_all(self._samples())
        self._stats = msgpack.packb(self._locust_stats())
        self._round_trips_ms: list[float] = []
        self._delays_ms: list[float] = []
        self._all = count
        self.reports = 0
        for number in range(count):
            socket = context.socket(zmq.DEALER)
            name = f"simulated-{number}"
            socket.setsockopt(zmq.IDENTITY, name.encode())
            socket.setsockopt(zmq.LINGER, 2000)
            socket.connect(f"tcp://127.0.0.1:{port}")
            self._poller.register(socket, zmq.POLLIN)
            self._workers[socket] = _Worker(socket, name, number, number < publishing)
            self._send(self._workers[socket], "client_ready", _VERSION)
            self._send(self._workers[socket], messages.JOIN, FleetIdentity().to_message())

    def work(self, cpu_s: Callable[[], float], until_s: float) -> list[float]:
        """Be workers until the master lets go of them.

        :param cpu_s: what the master has spent.
        :returns: seconds of CPU that it spent in each second of the run.
        """
        deadline_s = time.monotonic() + until_s
        spent: list[float] = []
        last = (time.monotonic(), cpu_s())
        while any(not worker.over for worker in self._workers.values()) and time.monotonic() < deadline_s:
            for socket, _ in self._poller.poll(5):
                self._hear(self._workers[socket])
            now_s = time.monotonic()
            for worker in self._workers.values():
                self._say_what_is_due(worker, now_s)
            if now_s - last[0] >= 1.0:
                now = (now_s, cpu_s())
                if self.reports:
                    spent.append((now[1] - last[1]) / (now[0] - last[0]))
                last = now
        return spent

    def answers(self) -> dict[str, float]:
        """How long the master took to answer, and of that, until it had taken what was said, in milliseconds;
        and how much it said for each report.
        """
        times = np.array(self._round_trips_ms or [float("nan")])
        delays = np.array(self._delays_ms or [float("nan")])
        return {
            "round_trip_p50_ms": round(float(np.percentile(times, 50)), 2),
            "round_trip_p99_ms": round(float(np.percentile(times, 99)), 1),
            "report_delay_p50_ms": round(float(np.percentile(delays, 50)), 2),
            "report_delay_p99_ms": round(float(np.percentile(delays, 99)), 1),
            "kb_heard_for_each_report": round(self._heard_bytes / 1000 / max(self.reports, 1), 2),
        }

    def _send(self, worker: _Worker, kind: str, data: Any) -> None:
        worker.socket.send(msgpack.dumps((kind, data, worker.name)), zmq.NOBLOCK)

    def _say_what_is_due(self, worker: _Worker, now_s: float) -> None:
        if worker.over:
            return
        if now_s >= worker.next_beat_s:
            worker.next_beat_s = now_s + 1.0
            beat = {"state": "running" if worker.run_id else "ready", "current_cpu_usage": 40}
            self._send(worker, "heartbeat", {**beat, "current_memory_usage": 10**8})
        if now_s >= worker.next_stats_s and worker.run_id:
            worker.next_stats_s = now_s + _STATS_S
            worker.socket.send(
                b"\x93" + msgpack.packb("stats") + self._stats + msgpack.packb(worker.name), zmq.NOBLOCK
            )
        if now_s >= worker.next_ask_s:
            self._ask(worker, now_s)
        if now_s >= worker.next_report_s:
            worker.next_report_s += 1.0
            self._report(worker)

    def _ask(self, worker: _Worker, now_s: float) -> None:
        worker.asked += 1
        worker.next_ask_s = now_s + clock_sync.pause_s(worker.asked, self._all, known=worker.known)
        clock = Clock(worker.number, f"machine-{worker.number}", worker.clock.estimate)
        data = {
            "run_id": worker.run_id,
            "clock": clock.to_message(),
            "seen": worker.seen,
            "sent_ns": time.time_ns(),
        }
        self._send(worker, messages.CLOCK, data)

    def _samples(self) -> dict[str, Any]:
        of_ms = {**dict.fromkeys(Reader.events, 8.0), "trigger": 6.0, GENERATOR_DELAY: 0.3, LOOP_LAG: 0.8}
        return {
            name: (1000 * ms * self._rng.lognormal(0, 0.6, _DELIVERIES)).astype(np.int64)
            for name, ms in of_ms.items()
        }

    def _report(self, worker: _Worker) -> None:
        worker.reports += 1
        self.reports += 1
        now_ns = time.time_ns()
        room = worker.number % 20
        publisher = publisher_number(worker.number, 0)
        rows = []
        if worker.publishes:
            for at in range(_RATE_PER_S):
                sent_ns = now_ns - 10**9 + at * 10**8
                worker.triggers += 1
                key = str(sent_ns)
                rows.append(Trigger(room, publisher, worker.triggers, sent_ns, sent_ns, Outcome.ACCEPTED, key))
        worker.arrived += _DELIVERIES
        counters = dict.fromkeys(("missed", "refused", "failed", "corrupt", "foreign", "connects"), 0)
        report = WorkerReport(
            number=worker.reports,
            at_s=now_ns // 10**9 - 1,
            complete_ns=now_ns - 10**8,
            triggers=rows,
            latencies=self._latencies,
            fan_outs=[
                FanOut(
                    publisher_number(at, 0),
                    at,
                    worker.reports,
                    0,
                    now_ns - 10**8,
                    now_ns - 10**8,
                    now_ns - 10**7,
                    3,
                )
                for at in range(_FAN_OUTS)
            ],
            timed={(room, slot): worker.arrived for slot in range(len(Reader.slots))},
            counters={**counters, "received": worker.arrived * 5, "due": worker.triggers, "sent": worker.triggers},
            gauges={"connected": self._users_each, "members": self._users_each},
            health={"cpu_percent": 40.0, "rss_bytes": 2e8, "publishing_since_s": now_ns / 1e9},
        )
        self._send(worker, messages.REPORT, {"run_id": worker.run_id, "report": report.to_message()})

    def _locust_stats(self) -> dict[str, Any]:
        def entry(name: str) -> dict[str, Any]:
            return {
                "name": name,
                "method": "WS",
                "last_request_timestamp": time.time(),
                "start_time": time.time() - 10,
                "num_requests": 1500,
                "num_none_requests": 0,
                "num_failures": 0,
                "total_response_time": 1500 * 8,
                "max_response_time": 100,
                "min_response_time": 1,
                "total_content_length": 0,
                "response_times": dict.fromkeys(range(1, 100), 10),
                "num_reqs_per_sec": {int(time.time()) - back: 500 for back in range(3)},
                "num_fail_per_sec": {},
            }

        return {
            "stats": [entry(name) for name in (*Reader.events, "trigger")],
            "stats_total": entry("Aggregated"),
            "errors": {},
            "user_classes_count": {"Viewer": self._users_each},
            "user_count": self._users_each,
        }

    def _hear(self, worker: _Worker) -> None:
        while True:
            try:
                data = worker.socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._heard_bytes += len(data)
            received_ns = time.time_ns()
            kind, body, _ = msgpack.loads(data, strict_map_key=False)
            if (answer := self._ANSWERS.get(kind)) is not None:
                answer(self, worker, body, received_ns)

    def _on_roll(self, worker: _Worker, _body: Any, _at_ns: int) -> None:
        me = roll_call.Answer(roll_call.code_version(), 20_000, "kernel", 28_000)
        self._send(worker, messages.HERE, me.to_message())

    def _on_plan(self, worker: _Worker, body: Any, _at_ns: int) -> None:
        worker.run_id = body["run_id"]
        worker.number = body["worker"]
        worker.next_ask_s = time.monotonic()
        # Not all in the same moment, and all within a second: as workers whose clocks agree.
        worker.next_report_s = time.monotonic() + 1.0 + 0.3 * float(self._rng.random())

    def _on_spawn(self, worker: _Worker, body: Any, _at_ns: int) -> None:
        self._send(worker, "spawning", None)
        counts = body["user_classes_count"]
        done = {"user_classes_count": counts, "user_count": sum(counts.values())}
        self._send(worker, "spawning_complete", done)

    def _on_time(self, worker: _Worker, body: Any, at_ns: int) -> None:
        worker.clock.take(Exchange(body["sent_ns"], body["arrived_ns"], body["answered_ns"], at_ns))
        worker.seen = body["seen"]
        worker.clocks += sum(1 for _ in clocks_from(body["clocks"]))
        worker.known = worker.known or worker.clocks >= 2 * self._all
        self._round_trips_ms.append((at_ns - body["sent_ns"]) / 1e6)
        # Questions and reports stand in the same queue, and one machine has one clock.
        self._delays_ms.append((body["arrived_ns"] - body["sent_ns"]) / 1e6)

    def _on_drain(self, worker: _Worker, _body: Any, _at_ns: int) -> None:
        self._send(worker, messages.DRAINED, {"run_id": worker.run_id})

    def _on_settle(self, worker: _Worker, _body: Any, _at_ns: int) -> None:
        worker.next_report_s = worker.next_ask_s = float("inf")
        room = worker.number % 20
        arrived = worker.arrived
        counts = Counts(expected=arrived, delivered=arrived, arrived=arrived)
        totals = Totals(
            reports=worker.reports,
            counters={"received": arrived * 5, "due": worker.triggers, "sent": worker.triggers},
            streams={(room, publisher_number(0, 0), slot): counts for slot in range(len(Reader.slots))},
            members={room: self._users_each},
            untraced={},
            failures={},
            connects=[],
        )
        self._send(worker, messages.TOTALS, {"run_id": worker.run_id, "totals": totals.to_message()})

    def _on_quit(self, worker: _Worker, _body: Any, _at_ns: int) -> None:
        worker.over = True

    _ANSWERS: Final = {
        messages.ROLL: _on_roll,
        messages.PLAN: _on_plan,
        messages.TIME: _on_time,
        messages.DRAIN: _on_drain,
        messages.SETTLE: _on_settle,
        "spawn": _on_spawn,
        "quit": _on_quit,
    }
