"""One run as the master holds it: what it prepared, what it collected, and the record that it writes."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loadtest.backends.base import PROMETHEUS
from loadtest.backends.rest import RestClient
from loadtest.backends.tls import Trust
from loadtest.errors import Fault, Owner
from loadtest.exit_codes import ExitCode
from loadtest.live import snapshot
from loadtest.measurement import summary as summaries
from loadtest.measurement import tables
from loadtest.measurement.by_class import ByClass
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.latency import summarise
from loadtest.measurement.phases import Phases
from loadtest.measurement.reasons import Reasons
from loadtest.measurement.recorded_outcome import read_outcome
from loadtest.run.master import cast, console, facts, provisioning
from loadtest.run.master.announcement import announce
from loadtest.run.master.clock_board import ClockBoard
from loadtest.run.master.data_left import DataLeft
from loadtest.run.master.last_deliveries import LastDeliveries
from loadtest.run.master.monitor import Monitor, sources_of
from loadtest.run.master.planning import plan_of, room_classes_of
from loadtest.run.master.record import Draft, amend
from loadtest.run.master.relay import Relay
from loadtest.run.master.reporting import keep_history, make_report
from loadtest.run.master.token_renewal import TokenRenewal
from loadtest.run.options import option_checks
from loadtest.run.options.connection_options import endpoint_of
from loadtest.run.uninterrupted import uninterrupted
from loadtest.shapes.choice import Choice
from loadtest.transport.receive_clock import clocks_by_transport

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Mapping

    from loadtest.backends.guard import GuardedProvision
    from loadtest.backends.plan import Plan
    from loadtest.measurement.outcome import Outcome
    from loadtest.measurement.second import Second
    from loadtest.run.master.shaping import CapacityShape
    from loadtest.run.options.casting import Size


_INTERIM_S: Final = 2.0
"""How often workers say what they counted so far, where somebody can see it."""
_SEARCH_INTERIM_S: Final = 1.0
"""The same for a capacity search, each trial of which waits for it."""


class Run:
    """One run, from its preparation to its record.

    :param workers: how many there are.
    """

    def __init__(
        self, opts: argparse.Namespace, secret_options: Mapping[str, str], size: Size, workers: int
    ) -> None:
        self._opts = opts
        self._size = size
        self._secrets = secret_options
        self.objectives = option_checks.objectives(opts.slo_file)
        self._expectation = option_checks.expectation(opts)
        self._began = datetime.now(UTC)
        self._asked_s = self._began_s = time.monotonic()
        self._trust = trust = Trust(opts.insecure, opts.ca_file, opts.client_cert, opts.client_key)
        self._endpoint = endpoint_of(opts, trust)
        self._mint = option_checks.mint(opts, secret_options)
        self._client = RestClient(self._endpoint.host, ssl_context=trust.context())
        self._tokens = TokenRenewal.by_options(opts, secret_options)
        self._provision: GuardedProvision | None = None
        self._profile = "unknown"
        self.plan: Plan | None = None
        self.phases = Phases(opts.ramp, opts.measure_after)
        self._classes = room_classes_of(opts, size, workers)
        self._adapter = self._endpoint.adapter
        self.reader = self._adapter.reader
        by_class = ByClass(self._classes, [slot.event for slot in self.reader.slots])
        completions = [slot.is_completion for slot in self.reader.slots]
        self.fleet = Fleet(self._phase_of, self._log, by_class, self._counts, completions)
        self.phases.overloaded = self.fleet.overloaded
        self._draft: Draft | None = None
        self._monitor: Monitor | None = None
        self.relay = Relay(self.fleet, completions, round(opts.in_flight_window * 1e9))
        self.clocks = ClockBoard()
        self.receive_clocks: dict[str, str] = {}
        """Worker's id -> the clock of its receive timestamps."""
        self.drained: set[str] = set()
        self.last_deliveries = LastDeliveries(self.fleet, self.relay, opts.drain_timeout)
        self.users: dict[str, int] = {}
        """By class, at their most."""
        self.search: CapacityShape | None = None
        self.summary: dict[str, Any] | None = None
        """When the run is over and its record written."""
        self.outcome: Outcome | None = None
        """When its record is written."""
        self.data_left = DataLeft(kept=opts.keep_data)
        """The data that the run leaves in the backend; complete after `clean_up`."""
        self._where: Path | None = None
        """The path of the record, once it is written."""
        self.ended_s: float | None = None
        self.finishing = False
        self.errors = Reasons()
        """Errors that ended greenlets of the master."""
        self.aborted = ""
        """Why an objective ended the run early; empty if none did."""

    def prepare(self) -> Plan:
        """Check the backend, make the rooms, and plan.

        :raises Fault: if something is in the way; nothing is left behind then.
        """
        opts = self._opts
        run_id = f"{self._began:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        self._tokens.begin(may_be_opaque=opts.backend != PROMETHEUS)
        self._profile = self._adapter.check(self._client)
        for host in self._endpoint.others:
            self._adapter.check(RestClient(host, ssl_context=self._trust.context()))
        wanted = provisioning.wanted(opts, self._secrets, self._mint, self._client, run_id, self._tokens)
        self._provision = self._adapter.provision(wanted)
        try:
            sources, why_not = sources_of(opts.monitor, self._client, self._trust.context(), opts.instance_header)
            self._draft = self._begin_record(run_id)
            rooms = self._provision.create(opts.rooms)
            self._adapter.check_rooms(self._client, rooms)
            scenes = cast.assemble(opts, self._endpoint, rooms, self._provision, self._mint)
        except BaseException:
            if self._draft is not None:
                self._draft.discard()
            uninterrupted(self.clean_up)
            raise
        self._monitor = Monitor(sources, why_not, opts.monitor_every)
        self.plan = plan_of(
            *(opts, self._size, run_id, self._endpoint, rooms, self._classes, scenes, self._interim_every_s())
        )
        self._began_s = time.monotonic()
        if line := announce(opts, self._size, self._adapter.trigger_name, self._adapter.trigger_effect):
            console.say(line)
        return self.plan

    def _begin_record(self, run_id: str) -> Draft:
        begun = facts.begun(self._opts, run_id, self._endpoint.hosts, self._profile, _iso(self._began))
        results_dir = Path(self._opts.results_dir)
        try:
            return Draft(results_dir, begun, self._began.timestamp())
        except OSError as error:
            raise Fault(
                Owner.USER, f"no record can be written to {results_dir}: {error}", "Check --results-dir."
            ) from error

    def _phase_of(self, at_s: int) -> str:
        return self.phases.of(at_s, self.fleet.publishing_since_s())

    def _counts(self, at_s: int) -> bool:
        return self.phases.counts(at_s, self.fleet.publishing_since_s())

    def _log(self, second: Second) -> None:
        if self._draft is not None and (why_not := self._draft.log(second)):
            console.say(
                f"The record's log cannot be written any more: {why_not}. Make room at {self._draft.where}."
            )

    def refresh_tokens(self) -> list[str]:
        """Fresh tokens for the rooms' owners; none if there is no way to get any.

        :raises Fault: if it fails.
        """
        if self._provision is None or self.plan is None:
            return []
        fresh = self._tokens.fresh(self._provision, self.plan.rooms)
        if fresh:
            rooms = tuple(replace(room, token=token) for room, token in zip(self.plan.rooms, fresh, strict=True))
            self.plan = replace(self.plan, rooms=rooms)
        return fresh

    def tokens_end_in_s(self) -> float | None:
        """In how many seconds the first of the rooms' tokens expires; None if there are none."""
        assert self.plan is not None
        return self._tokens.end_in_s(self.plan.rooms)

    def wait_for_last(
        self, alive: Callable[[], list[str]], tell: Callable[[str, dict[str, Any], str], None]
    ) -> None:
        """Wait for the deliveries that are still expected; see `LastDeliveries.wait`."""
        if self._provision is not None and self.plan is not None:
            self.last_deliveries.wait(self._provision, self.plan.rooms, alive, tell)

    def note_users(self, counts: Mapping[str, int]) -> None:
        """So many users there are now, by class."""
        for name, count in counts.items():
            self.users[name] = max(self.users.get(name, 0), count)

    def publishing_s(self) -> float:
        """For how long publishers have published."""
        since_s = self.fleet.publishing_since_s()
        return max((self.phases.ended_s or time.time()) - since_s, 0.0) if since_s else 0.0

    def _was_cut_short(self, ended_s: float) -> bool:
        """Whether the run ended before its time, as by Ctrl-C; a run without a time ends when it is told to."""
        run_time_s = self._opts.run_time
        if self.aborted or (self.search is not None and self.search.search.done):
            return False
        # The time of a run that begins by itself counts from when its load begins; that of the page from before.
        from_s = self._began_s if self._opts.headless or self._opts.shape else self._asked_s
        return bool(run_time_s) and ended_s - from_s < float(run_time_s) - 1.0

    def clean_up(self) -> None:
        """Remove the run's data. Data that stays is noted in `data_left` and does not fail the run."""
        if self._monitor is not None:
            self._monitor.stop()
        made, self._provision = self._provision, None
        if made is None:
            return
        self._note_users_left(made)
        try:
            made.remove()
        except Fault as fault:
            self.data_left = replace(self.data_left, not_removed=str(fault))
            if self._where is not None:
                with suppress(OSError):
                    amend(self._where, {"data_left": self.data_left.to_json()})

    def _note_users_left(self, made: GuardedProvision) -> None:
        try:
            self.data_left = replace(self.data_left, users=made.users_left())
        except Fault as fault:
            self.data_left = replace(self.data_left, not_removed=str(fault))

    def _interim_every_s(self) -> float:
        if self._opts.shape and Choice.parse(self._opts.shape).searches:
            return _SEARCH_INTERIM_S
        return _INTERIM_S if self._is_watched else 0.0

    @property
    def _is_watched(self) -> bool:
        """Whether somebody wants to know what was lost so far."""
        opts = self._opts
        return bool(not opts.headless or opts.metrics_port or opts.otel or self.may_abort)

    @property
    def may_abort(self) -> bool:
        """Whether an objective may end the run early."""
        return any(objective.abort_after_s is not None for objective in self.objectives)

    def must_abort(self, alive: list[str]) -> bool:
        """Return whether an objective ends the run now; `aborted` says which.

        :param alive: the ids of the workers that are there.
        """
        publishing_s = self.publishing_s()
        armed = [
            objective
            for objective in self.objectives
            if objective.abort_after_s is not None and 0 < publishing_s >= objective.abort_after_s
        ]
        if not armed:
            return False
        failed = [result for result in snapshot.judged(self.course(alive), armed) if result.passed is False]
        if failed:
            first = failed[0]
            self.aborted = f"{first.title}: {first.value:.6g} after {publishing_s:.0f} s of publishing"
        return bool(failed)

    def course(self, alive: list[str]) -> snapshot.Course:
        """Return what is known of the run under way.

        :param alive: the ids of the workers that are there.
        """
        return snapshot.Course(
            run_id="" if self.plan is None else self.plan.run_id,
            target="" if self.plan is None else facts.public(self.plan.endpoint.hosts),
            elapsed_s=self.elapsed_s,
            publishing_s=self.publishing_s(),
            fleet=self.fleet,
            events=self.reader.events,
            objectives=self.objectives,
            asked=self.asked,
            alive=alive,
            now_s=time.monotonic(),
            unfinished_triggers=len(self.relay.gathering.at_work),
        )

    def progress(self) -> str:
        """A line on how it goes."""
        times = summarise(summaries.all_deliveries(self.fleet, self.reader.events))
        return console.progress(time.monotonic() - self._began_s, self.fleet, times)

    @property
    def elapsed_s(self) -> float:
        """Since its load began, until it ended."""
        return (self.ended_s or time.monotonic()) - self._began_s

    @property
    def asked(self) -> dict[str, float]:
        """Figure -> limit, of the objectives that are judged only when asked for."""
        wanted = self._opts.events_per_client
        return {} if wanted is None else {"events_per_s_per_client": wanted}

    def write(self, *, cpu_warning: bool) -> ExitCode:
        """Write the record, print the outcome, make the report."""
        plan = self.plan
        assert plan is not None
        assert self._draft is not None
        try:
            self.fleet.close()
            summary = self._summary(plan, cpu_warning=cpu_warning)
            histograms = {key: histogram.encode() for key, histogram in self.fleet.latencies.items()}
            where = self._where = self._draft.finish(summary, self._tables(summary), histograms)
            self.summary = summary
        except OSError as error:
            console.say(
                f"The record could not be written: {error}. Check --results-dir; what there is, is in "
                f"{self._draft.where}."
            )
            return ExitCode.SETUP_FAILED
        outcome = read_outcome(summary)
        told = ""
        report: Path | None = None
        if self._opts.history:
            report, told, outcome = keep_history(where, self._opts.tolerance, summary)
        elif not self._opts.no_report:
            report = make_report(where)
        self.outcome = outcome
        console.say(console.summary_text(summary, outcome, where, report, told))
        return outcome.code

    def clocks_of(self, plan: Plan, worker_ids: Iterable[str]) -> dict[str, str]:
        """Return the clocks of the workers' receive timestamps, by transport."""
        known = [self.receive_clocks[worker_id] for worker_id in worker_ids if worker_id in self.receive_clocks]
        return clocks_by_transport(known, plan.endpoint.transports)

    def _summary(self, plan: Plan, *, cpu_warning: bool) -> dict[str, Any]:
        opts = self._opts
        ended_s = self.ended_s or time.monotonic()
        assert self._monitor is not None
        if self._provision is not None:
            self._note_users_left(self._provision)
        of_run = summaries.RunFacts(
            run_id=plan.run_id,
            target=facts.public(plan.endpoint.hosts),
            profile=self._profile,
            started=_iso(self._began),
            duration_s=ended_s - self._began_s,
            publishing_s=self.publishing_s(),
            users=self.users,
            rooms=len(plan.rooms),
            rate_per_s=plan.rate_per_s,
            receive_clocks=self.clocks_of(plan, self.receive_clocks),
            deliveries_by=plan.endpoint.transports[-1],
            interrupted=self._was_cut_short(ended_s),
            cpu_warning=cpu_warning,
            options=facts.options_of(opts),
            software=facts.software(),
            monitoring=self._monitor.summary(),
            backend=self._monitor.rows[:],
            aborted=self.aborted,
            unfinished_triggers=len(self.relay.gathering.at_work),
            errors=self.errors,
        )
        took_part = [name for name, count in self.users.items() if count]
        return summaries.with_outcome(
            {
                **summaries.build(of_run, self.fleet, self.reader, self.objectives, self.asked),
                **cast.outcome(opts, self._expectation, plan.cast, took_part, self.fleet),
                "capacity": None if self.search is None else self.search.result(self.fleet.owed_by_second()),
                "data_left": self.data_left.to_json(),
            }
        )

    def _tables(self, summary: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        assert self._monitor is not None
        return {
            **tables.all_of(self.fleet, self.reader),
            "backend": self._monitor.rows[:],
            "conformance": [{**row, "suites": " ".join(row["suites"])} for row in summary["conformance"]],
        }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
