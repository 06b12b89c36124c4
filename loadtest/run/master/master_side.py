"""The master's half of a run: begins it, takes in what the workers report, and brings it to its end."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import gevent

from loadtest.errors import Fault
from loadtest.measurement.clocks import Clock
from loadtest.measurement.interim import Interim
from loadtest.measurement.names import visible
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.run import messages
from loadtest.run.master import console, data_left
from loadtest.run.master.last_deliveries import Waiting
from loadtest.run.master.master_run import Run
from loadtest.run.master.roll import Roll
from loadtest.run.master.shaping import CapacityShape, ProfileShape
from loadtest.run.options import attacks, casting, option_checks
from loadtest.run.worker import clock_sync
from loadtest.shapes.choice import Choice

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from loadtest.exit_codes import ExitCode
    from loadtest.measurement.fleet import Fleet
    from loadtest.measurement.outcome import Outcome
    from loadtest.run.master.live_view import LiveView
    from loadtest.run.options.casting import Size

logger = logging.getLogger("loadtest")

_DRAIN_S: Final = 15.0
_TOTALS_S: Final = 15.0
_PROGRESS_S: Final = 5.0
_LEAST_REFRESH_S: Final = 1.0
_LOOK_S: Final = 1.0


class MasterSide:
    """Runs in the master, or in the one process of a local run.

    :param send: sends (message type, data, worker id) to one worker.
    :param alive: the ids of the workers that are there now.
    :param user_counts: Locust users by class, now.
    :param secret_options: the options of `options.SECRETS`, which no worker gets to see.
    :param view: what others see of it.
    :param end_run: ends the run before its time; returns at once.
    """

    def __init__(
        self,
        send: Callable[[str, dict[str, Any], str], None],
        alive: Callable[[], list[str]],
        user_counts: Callable[[], Mapping[str, int]],
        secret_options: Mapping[str, str],
        view: LiveView,
        end_run: Callable[[], None],
    ) -> None:
        self._send = send
        self._alive = alive
        self._user_counts = user_counts
        self._secrets = secret_options
        self._view = view
        self._end_run = end_run
        self._run: Run | None = None
        self.outcome: Outcome | None = None
        """Of the last run that came to its end."""
        self.roll = Roll(send, alive)
        self._data_left: list[data_left.DataLeft] = []
        """Data that runs left in the backend and that was not reported yet."""
        self._headless = True
        self._search: CapacityShape | None = None
        self._profile: ProfileShape | None = None

    def begin(self, opts: argparse.Namespace, size: Size) -> None:
        """Prepare a run and send every worker its plan.

        :param size: how large it shall be.
        :raises Fault: if it cannot be prepared; nothing is left behind then.
        """
        self._view.preparing()
        self.outcome = None
        self._headless = bool(opts.headless)
        option_checks.check(opts, self._secrets)
        casting.check(opts, size)
        attacks.check(opts)
        self.roll.call(opts, size)
        self._run = Run(opts, self._secrets, size, len(self._alive()))
        try:
            plan = self._run.prepare()
        except BaseException:
            self._note_data_left(self._run)
            self._run = None
            raise
        # Its time begins with the run's, and not when the run was asked for.
        if self._search is not None:
            self._search.reset_time()
        if self._profile is not None:
            self._profile.reset_time()
            self._run.phases.marks = self._profile.marks
            self._run.phases.shape_began_s = self._profile.began_s
        self._run.receive_clocks = self.roll.receive_clocks
        workers = self._alive()
        for number, worker_id in enumerate(workers):
            state = self._run.fleet.enlist(worker_id)
            state.receive_clock = self._run.clocks_of(plan, [worker_id])[plan.endpoint.transports[-1]]
            self._send(messages.PLAN, replace(plan, worker=number, workers=len(workers)).to_message(), worker_id)
        gevent.spawn(self._refresh_tokens, self._run)
        gevent.spawn(self._relay, self._run)
        if self._run.may_abort:
            gevent.spawn(self._watch_objectives, self._run)
        self._view.begun(self._run)

    def _refresh_tokens(self, run: Run) -> None:
        """Renew the rooms' tokens when half of their time is over, as long as the run goes on."""
        while self._run is run and (left_s := run.tokens_end_in_s()) is not None:
            wait_s = max(left_s / 2, _LEAST_REFRESH_S)
            if not self._goes_on(run, wait_s):
                return
            try:
                fresh = run.refresh_tokens()
            except Fault as fault:
                logger.error("tokens could not be renewed: %s", visible(str(fault)))  # noqa: TRY400 - a fault is one line
                continue
            if not fresh:
                return
            self._tell_all(messages.TOKENS, {"tokens": fresh})

    def _watch_objectives(self, run: Run) -> None:
        """End the run as soon as an objective fails that wants it."""
        while self._goes_on(run, _LOOK_S):
            if run.must_abort(self._alive()):
                console.say(f"The run is ended early: {run.aborted}")
                self._end_run()
                return

    def _goes_on(self, run: Run, for_s: float) -> bool:
        """Wait; whether the run is still under way then."""
        deadline_s = time.monotonic() + for_s
        while time.monotonic() < deadline_s:
            gevent.sleep(min(deadline_s - time.monotonic(), _LOOK_S))
            if self._run is not run or run.finishing:
                return False
        return True

    def shape(self, opts: argparse.Namespace) -> ProfileShape | CapacityShape:
        """What Locust shall ask how many users there are to be."""
        chosen = Choice.parse(opts.shape)
        if not chosen.searches:
            self._profile = ProfileShape(chosen, opts, self._storm)
            return self._profile
        self._search = CapacityShape(chosen, opts, self._watched, self._change_rate)
        return self._search

    def _watched(self) -> tuple[Fleet, list[str]] | None:
        return None if self._run is None else (self._run.fleet, self._alive())

    def _storm(self) -> None:
        self._tell_all(messages.STORM, {})

    def _change_rate(self, rate_per_s: float) -> None:
        self._tell_all(messages.RATE, {"rate_per_s": rate_per_s})

    def _tell_all(self, message: str, data: dict[str, Any]) -> None:
        if self._run is not None:
            for worker_id in self._alive():
                self._tell(self._run, message, data, worker_id)

    def welcome(self, worker_id: str) -> None:
        """A worker came, perhaps in the middle of a run."""
        run = self._run
        if run is None or run.plan is None:
            return
        state = run.fleet.enlist(worker_id)
        plan = replace(
            run.plan,
            worker=state.number,
            workers=max(len(run.fleet.workers), 1),
            triggers_from=run.relay.feed.oldest,
        )
        self._send(messages.PLAN, plan.to_message(), worker_id)

    def on_clock(self, worker_id: str, data: dict[str, Any]) -> None:
        """A worker asks what time it is."""
        arrived_ns = time.time_ns()
        run = self._current(data)
        if run is None:
            return
        clock = Clock.from_message(data["clock"])
        run.fleet.enlist(worker_id).clock = clock
        run.clocks.put(clock, time.monotonic())
        answer = clock_sync.answer(data, arrived_ns, run.clocks)
        self._tell(run, messages.TIME, answer | run.relay.known, worker_id)

    def on_report(self, worker_id: str, data: dict[str, Any]) -> None:
        """A worker's report: merge it, and keep its triggers to hand them on."""
        run = self._current(data)
        if run is None:
            return
        report = WorkerReport.from_message(data["report"])
        if run.fleet.take(worker_id, report, time.monotonic()):
            run.relay.take(worker_id, report, data["report"]["triggers"])

    def _relay(self, run: Run) -> None:
        """Hand triggers on, as long as the run is this one."""
        while self._run is run:
            self._hand_on(run)
            gevent.sleep(run.relay.pause_s(len(run.fleet.workers)))

    def _hand_on(self, run: Run) -> None:
        alive = self._alive()
        run.fleet.keep_only(alive)
        run.relay.turn(alive, lambda message, data, worker_id: self._tell(run, message, data, worker_id))

    def on_interim(self, worker_id: str, data: dict[str, Any]) -> None:
        """What a worker counted so far."""
        if (run := self._current(data)) is not None:
            run.fleet.take_interim(worker_id, Interim.from_message(data["interim"]))

    def on_want(self, worker_id: str, data: dict[str, Any]) -> None:
        """A worker has missed triggers."""
        if (run := self._current(data)) is not None:
            for message in run.relay.feed.since(data["from"]):
                self._tell(run, messages.TRIGGERS, message, worker_id)

    def on_drained(self, worker_id: str, data: dict[str, Any]) -> None:
        """A worker's publishers have ended."""
        if (run := self._current(data)) is not None:
            run.drained.add(worker_id)

    def on_waiting(self, worker_id: str, data: dict[str, Any]) -> None:
        """Take in how many deliveries a worker still expects."""
        if (run := self._current(data)) is not None:
            run.last_deliveries.words[worker_id] = Waiting(data["outstanding"], data["rows"])

    def stop_waiting(self) -> None:
        """End the wait for expected deliveries, because the process is to end."""
        if self._run is not None:
            self._run.last_deliveries.give_up()

    def on_totals(self, worker_id: str, data: dict[str, Any]) -> None:
        """A worker's counts."""
        if (run := self._current(data)) is not None:
            run.fleet.finish(worker_id, Totals.from_message(data["totals"]))

    def spawned(self) -> None:
        """All users were started."""
        if self._run is not None:
            self._run.note_users(self._user_counts())

    def watch(self) -> None:
        """Print a line of progress now and then, as long as the process lives."""
        while True:
            gevent.sleep(_PROGRESS_S)
            if self._run is not None and not self._run.finishing:
                console.say(self._run.progress())

    def finish(self, *, cpu_warning: bool) -> ExitCode | None:
        """End the run: drain, count, write the record, remove the data.

        :returns: the run's exit code; None if no run was under way.
        """
        run = self._run
        if run is None or run.finishing:
            return None
        run.finishing = True
        run.ended_s = time.monotonic()
        run.phases.ended_s = time.time()
        run.note_users({} if run.users else self._user_counts())
        run.search = self._search
        self._view.ending(run)
        try:
            self._phase(run, messages.DRAIN, {}, lambda: run.drained, _DRAIN_S)
            self._hand_on(run)
            run.wait_for_last(self._alive, lambda *message: self._tell(run, *message))
            run.relay.close()
            self._hand_on(run)
            everything = {"triggers": run.relay.feed.end, "flight_s": run.fleet.in_flight_window_s()}
            self._phase(run, messages.SETTLE, everything, lambda: _counted(run.fleet), _TOTALS_S)
            code = run.write(cpu_warning=cpu_warning)
            self.outcome = run.outcome
            self._view.ended(run)
            return code
        finally:
            if self._run is run:
                self._run = None
            self._clean_up(run)

    def on_greenlet_error(self, reason: str, ours: bool) -> None:
        """Note an error that has ended a greenlet of the master: the run under way is not what it should be."""
        if self._run is not None and ours:
            self._run.errors.note(f"error in a greenlet of the master: {reason}")

    @property
    def is_running(self) -> bool:
        """Whether a run is under way that nobody has begun to bring to its end."""
        return self._run is not None and not self._run.finishing

    def abandon(self) -> None:
        """The process ends: remove what a run that was not finished has made."""
        if self._run is not None:
            self._clean_up(self._run)
            self._run = None
            self.tell_data_left()

    def tell_data_left(self) -> None:
        """Print the data that runs have left in the backend, once."""
        left, self._data_left = self._data_left, []
        for line in data_left.lines_of(left):
            console.say(line)

    def _clean_up(self, run: Run) -> None:
        run.clean_up()
        self._note_data_left(run)

    def _note_data_left(self, run: Run) -> None:
        """Keep a run's data left for the last lines of the process; with Locust's page, print it at once."""
        self._data_left.append(run.data_left)
        if not self._headless:
            self.tell_data_left()

    def _phase(
        self, run: Run, message: str, data: dict[str, Any], done: Callable[[], set[str]], limit_s: float
    ) -> None:
        """Tell all workers, and those that come back meanwhile; wait until all that live have answered."""
        told: set[str] = set()
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            alive = set(self._alive()) & set(run.fleet.workers)
            for worker_id in alive - told:
                self._tell(run, message, data, worker_id)
            told |= alive
            if alive <= done():
                return
            gevent.sleep(0.05)

    def _tell(self, run: Run, message: str, data: dict[str, Any], worker_id: str) -> None:
        if run.plan is not None:
            self._send(message, {**data, "run_id": run.plan.run_id}, worker_id)

    def _current(self, data: Mapping[str, Any]) -> Run | None:
        run = self._run
        if run is None or run.plan is None or data["run_id"] != run.plan.run_id:
            return None
        return run


def _counted(fleet: Fleet) -> set[str]:
    return {worker_id for worker_id, worker in fleet.workers.items() if worker.totals is not None}
