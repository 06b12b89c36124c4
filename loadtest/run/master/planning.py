"""The plan of a run, made from its options; every worker gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.backends.plan import Plan
from loadtest.backends.topology import Topology
from loadtest.canaries import kinds
from loadtest.measurement.room_classes import classes_of
from loadtest.run import roll_call, source_addresses
from loadtest.run.worker import debug_log

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.plan import Cast, Room
    from loadtest.run.options.casting import Size


def topology_of(options: argparse.Namespace) -> Topology:
    """Return how members are spread over rooms."""
    return Topology(options.room_size, options.room_skew, options.rooms_per_viewer, options.rooms_per_owner)


def room_classes_of(options: argparse.Namespace, size: Size, workers: int) -> tuple[int, ...]:
    """Return the class of each room by its size; see `measurement.room_classes`."""
    members = max(size.connections - options.publishers, 0)
    return classes_of(topology_of(options).members(members, options.rooms, workers))


def plan_of(
    options: argparse.Namespace,
    size: Size,
    run_id: str,
    endpoint: Endpoint,
    rooms: Sequence[Room],
    room_classes: Sequence[int],
    scenes: Cast,
    interim_every_s: float,
) -> Plan:
    """Return the plan.

    :param run_id: ends in the eight digits that each trace carries.
    :param interim_every_s: seconds between the workers' counts while the run goes on; 0 for no counts.
    """
    return Plan(
        run_id=run_id,
        run=run_id.rpartition("-")[2],
        endpoint=endpoint,
        rooms=tuple(rooms),
        version=roll_call.code_version(),
        rate_per_s=options.rate,
        publishers=max(options.publishers, 1),
        arrivals=options.arrivals,
        ramp_s=options.ramp,
        warm_up_s=options.warm_up,
        flight_s=options.in_flight_window,
        tags=tuple(options.tags or ()),
        topology=topology_of(options),
        ping_every_s=options.ping_every,
        drop_every_s=options.drop_every,
        spawn_rate_per_s=size.spawn_rate_per_s,
        audience_size=options.audience_size,
        cast=scenes,
        canaries=kinds.chosen(options.canaries),
        room_classes=tuple(room_classes),
        interim_every_s=interim_every_s,
        drain_timeout_s=options.drain_timeout,
        dns_ttl_s=options.dns_ttl,
        source_addresses=source_addresses.split(options.source_addresses),
        debug_clients=debug_log.clients_of(options),
    )
