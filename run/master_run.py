"""One run as the master holds it: what it prepared, what it collected, and the record that it writes."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend import preflight, tokens
from backend.plan import Plan
from backend.rest import RestClient
from backend.tls import Trust
from backend.topology import Topology
from canaries import kinds
from exit_codes import ExitCode, of_summary
from faults import Fault, Owner
from measure import summary as summaries
from measure import tables
from measure.by_class import ByClass
from measure.fleet import Fleet
from measure.latency import summarise
from measure.phases import Phases
from measure.room_classes import classes_of

from . import cast, console, facts, option_checks, provisioning, roll_call, source_addresses
from .clock_board import ClockBoard
from .connection_options import endpoint_of
from .monitor import Monitor, sources_of
from .record import Draft
from .relay import Relay
from .reporting import keep_history, make_report
from .uninterrupted import uninterrupted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from backend.provision import Provision
    from measure.second import Second

    from .casting import Size
    from .shaping import CapacityShape


_INTERIM_S: Final = 2.0
"""How often workers say what they counted so far, where somebody can see it."""


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
        self._began = datetime.now(UTC)
        self._began_s = time.monotonic()
        self._trust = trust = Trust(opts.insecure, opts.ca_file, opts.client_cert, opts.client_key)
        self._endpoint = endpoint_of(opts, trust)
        self._mint = option_checks.mint(opts, secret_options)
        self._client = RestClient(self._endpoint.host, ssl_context=trust.context())
        self._provision: Provision | None = None
        self._profile = "unknown"
        self.plan: Plan | None = None
        self.phases = Phases(opts.ramp, opts.measure_after)
        self._topology = Topology(opts.room_size, opts.room_skew, opts.rooms_per_viewer, opts.rooms_per_owner)
        members = max(size.connections - opts.publishers, 0)
        self._classes = classes_of(self._topology.members(members, opts.rooms, workers))
        self._adapter = self._endpoint.adapter
        self.reader = self._adapter.reader
        by_class = ByClass(self._classes, [slot.event for slot in self.reader.slots])
        self.fleet = Fleet(self._phase_of, self._log, by_class, self._counts)
        self._draft: Draft | None = None
        self._monitor: Monitor | None = None
        self.relay = Relay(self.fleet)
        self.clocks = ClockBoard()
        self.receive_clocks: set[str] = set()
        self.drained: set[str] = set()
        self.users: dict[str, int] = {}
        """By class, at their most."""
        self.search: CapacityShape | None = None
        self.summary: dict[str, Any] | None = None
        """When the run is over and its record written."""
        self.ended_s: float | None = None
        self.finishing = False

    def prepare(self) -> Plan:
        """Check the backend, make the rooms, and plan.

        :raises Fault: if something is in the way; nothing is left behind then.
        """
        opts = self._opts
        run = secrets.token_hex(4)
        run_id = f"{self._began:%Y%m%d-%H%M%S}-{run}"
        if token := self._secrets["token"]:
            preflight.check_token(token, time.time())
        self._profile = self._adapter.check(self._client)
        for host in self._endpoint.others:
            self._adapter.check(RestClient(host, ssl_context=self._trust.context()))
        wanted = provisioning.wanted(opts, self._secrets, self._mint, self._client, run_id)
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
        self.plan = Plan(
            run_id=run_id,
            run=run,
            endpoint=self._endpoint,
            rooms=rooms,
            version=roll_call.code_version(),
            rate_per_s=opts.rate,
            publishers=max(opts.publishers, 1),
            arrivals=opts.arrivals,
            ramp_s=opts.ramp,
            warm_up_s=opts.warm_up,
            flight_s=opts.flight,
            tags=tuple(opts.tags or ()),
            topology=self._topology,
            ping_every_s=opts.ping_every,
            drop_every_s=opts.drop_every,
            spawn_rate_per_s=self._size.spawn_rate_per_s,
            audience_size=opts.audience_size,
            cast=scenes,
            canaries=kinds.chosen(opts.canaries),
            room_classes=self._classes,
            interim_every_s=_INTERIM_S if not opts.headless or opts.metrics_port or opts.otel else 0.0,
            source_addresses=source_addresses.split(opts.source_addresses),
        )
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
        fresh = [] if self._provision is None else self._provision.refresh()
        if fresh and self.plan is not None:
            rooms = tuple(replace(room, token=token) for room, token in zip(self.plan.rooms, fresh, strict=True))
            self.plan = replace(self.plan, rooms=rooms)
        return fresh

    def tokens_end_in_s(self) -> float | None:
        """In how many seconds the first of the rooms' tokens expires; None if none says when."""
        assert self.plan is not None
        return tokens.first_ends_in_s({room.token for room in self.plan.rooms}, time.time())

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
        if self.search is not None and self.search.search.done:
            return False
        return bool(run_time_s) and ended_s - self._began_s < float(run_time_s) - 1.0

    def clean_up(self) -> None:
        """Remove the run's data; a failure to do so is said, and is no failure of the run."""
        if self._monitor is not None:
            self._monitor.stop()
        made, self._provision = self._provision, None
        if made is None:
            return
        try:
            made.remove()
        except Fault as fault:
            console.say(f"The run's data could not be removed: {fault}")

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
            histograms = {name: histogram.encode() for name, histogram in self.fleet.latencies.items()}
            where = self._draft.finish(summary, self._tables(summary), histograms)
            self.summary = summary
        except OSError as error:
            console.say(
                f"The record could not be written: {error}. Check --results-dir; what there is, is in "
                f"{self._draft.where}."
            )
            return ExitCode.SETUP_FAILED
        report = None if self._opts.no_report else make_report(where)
        console.say(console.summary_text(summary, where, report))
        code = of_summary(summary)
        if self._opts.history:
            line, code = keep_history(where, self._opts.tolerance, code)
            console.say(line)
        return code

    def _summary(self, plan: Plan, *, cpu_warning: bool) -> dict[str, Any]:
        opts = self._opts
        ended_s = self.ended_s or time.monotonic()
        assert self._monitor is not None
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
            receive_clock=" and ".join(sorted(self.receive_clocks)),
            interrupted=self._was_cut_short(ended_s),
            cpu_warning=cpu_warning,
            options=facts.options_of(opts),
            software=facts.software(),
            monitoring=self._monitor.summary(),
            backend=self._monitor.rows[:],
        )
        took_part = [name for name, count in self.users.items() if count]
        return {
            **summaries.build(of_run, self.fleet, self.reader, self.objectives, self.asked),
            **cast.outcome(opts, plan.cast, took_part, self.fleet),
            "capacity": None if self.search is None else self.search.result(),
        }

    def _tables(self, summary: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        assert self._monitor is not None
        return {
            **tables.all_of(self.fleet, self.reader),
            "backend": self._monitor.rows[:],
            "conformance": [{**row, "suites": " ".join(row["suites"])} for row in summary["conformance"]],
        }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
