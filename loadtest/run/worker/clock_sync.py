"""Compares a worker's clock with the master's, all through the run: four timestamps over Locust's own channel."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gevent.event import Event

from loadtest.measurement.clock import ClockFilter, Estimate, Exchange
from loadtest.measurement.clocks import Clock, ClockTable
from loadtest.run import messages
from loadtest.run.master.clock_board import clocks_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.run.master.clock_board import ClockBoard

_FIRST_ASKS: Final = 10
_FIRST_ASK_S: Final = 0.03
_ASKS_A_SECOND: Final = 2000
"""Of all workers together, before all clocks are known."""
_ASK_S: Final = 1.0
KNOWN_S: Final = 10.0
"""How long all clocks are waited for; a worker that was lost before never answers."""
TOLD_S: Final = 2 * _ASK_S
"""When all clocks are known here, they are everywhere after so long."""
_MOST_UNANSWERED: Final = 1024
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class ClockSync:
    """One worker's side, for one run.

    :param workers: how many there are.
    :param send: sends (message type, data) to the master.
    """

    def __init__(
        self, run_id: str, worker: int, workers: int, send: Callable[[str, dict[str, Any]], None]
    ) -> None:
        self._run_id = run_id
        self._workers = workers
        self._send = send
        self.on_set: Callable[[int], None] = lambda _: None
        """Called when a clock was set, with the moment by our clock from which times may be wrong until now."""
        self._asked_ns: dict[int, int] = {}
        """Unanswered questions: when each was sent, by our clock -> by the monotonic clock."""
        self._hurry = Event()
        self._filter = ClockFilter()
        self.table = ClockTable(Clock(worker, machine_clock()))
        self._seen = 0
        self.known = Event()
        """Set when the clocks of all workers are known here."""

    @property
    def steps(self) -> int:
        """How often one of the two clocks was set."""
        return self._filter.steps

    def ask_always(self) -> None:
        """Ask quickly until all clocks are known, then once a second. Ask quickly again after a clock was set."""
        deadline_s = time.monotonic() + KNOWN_S
        asked = 0
        while True:
            self._ask()
            asked += 1
            known = self.known.is_set() or time.monotonic() > deadline_s
            if self._hurry.wait(pause_s(asked, self._workers, known=known)):
                self._hurry.clear()
                asked = 0

    def _ask(self) -> None:
        # Read before our clock, so that an exchange never takes longer than this measures.
        asked_ns = time.monotonic_ns()
        sent_ns = time.time_ns()
        if len(self._asked_ns) >= _MOST_UNANSWERED:
            self._asked_ns.clear()
        self._asked_ns[sent_ns] = asked_ns
        data = {
            "run_id": self._run_id,
            "clock": self.table.own.to_message(),
            "seen": self._seen,
            "sent_ns": sent_ns,
        }
        self._send(messages.CLOCK, data)

    def on_answer(self, data: dict[str, Any], received_ns: int) -> None:
        """The master answered."""
        asked_ns = self._asked_ns.pop(data["sent_ns"], None)
        most_ns = None if asked_ns is None else time.monotonic_ns() - asked_ns
        steps = self.steps
        times = (data["sent_ns"], data["arrived_ns"], data["answered_ns"], received_ns)
        self._filter.take(Exchange(*times, most_ns))
        estimate = self._filter.estimate
        if estimate is not None and _is_ours(data["machine"], estimate):
            estimate = Estimate(estimate.at_ns, 0, 0.0, 0.0, 0.0)
        doubtful_from_ns = self._filter.doubtful_from_ns
        self.table.own = replace(
            self.table.own, estimate=estimate, steps=self.steps, doubtful_from_ns=doubtful_from_ns
        )
        if self.steps > steps:
            self._hurry.set()
            self.on_set(doubtful_from_ns)
        if (of_others_ns := self.table.update(clocks_from(data["clocks"]))) is not None:
            self.on_set(of_others_ns)
        self._seen = data["seen"]
        if self.table.knows(self._workers):
            self.known.set()


def pause_s(asked: int, workers: int, *, known: bool) -> float:
    """How long to wait before the next question.

    :param asked: how often it was asked.
    :param workers: how many ask.
    :param known: whether all clocks are known, or not waited for any more.
    """
    return _ASK_S if known and asked >= _FIRST_ASKS else max(_FIRST_ASK_S, workers / _ASKS_A_SECOND)


def answer(question: dict[str, Any], arrived_ns: int, board: ClockBoard) -> dict[str, Any]:
    """The master's answer; it has to leave at once.

    :param arrived_ns: when the question came.
    :param board: all workers' clocks.
    """
    return {
        "sent_ns": question["sent_ns"],
        "arrived_ns": arrived_ns,
        "machine": machine_clock(),
        "clocks": board.since(question["seen"]),
        "seen": board.version,
        "answered_ns": time.time_ns(),
    }


def _is_ours(machine: str, estimate: Estimate) -> bool:
    """Whether the master reads our very clock: it is on our machine, and the offset does not say otherwise."""
    return bool(machine) and machine == machine_clock() and abs(estimate.offset_ns) <= estimate.bound_ns


def machine_clock() -> str:
    """Names this machine's clock; empty if it cannot be told."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
