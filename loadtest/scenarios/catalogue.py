"""All scenarios, by who plays them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtest.scenarios import (
    benchmarks,
    broadcasts,
    connections,
    intrusion,
    large,
    pressure,
    resilience,
    rooms,
    sessions,
    upgrades,
    workflows,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from loadtest.scenarios.scenario import Scenario

ROLES: Final[dict[str, tuple[Scenario, ...]]] = {
    "Dashboard": (
        connections.authenticated,
        workflows.dashboard,
        workflows.reload,
        workflows.tabs,
        connections.acknowledgements,
    ),
    "LongSession": (sessions.session,),
    "Operator": (
        broadcasts.updates,
        broadcasts.logs,
        broadcasts.system,
        broadcasts.sequential,
        workflows.operator,
        workflows.new_project,
        broadcasts.orchestrator,
    ),
    "AnonymousViewer": (connections.guest, workflows.mixed),
    "Churner": (
        connections.cycling,
        connections.disconnection,
        connections.coming_and_going,
        resilience.vanishing,
        workflows.waves,
    ),
    "RoomHopper": (
        rooms.leaving,
        rooms.several,
        rooms.isolation,
        rooms.repeated,
        rooms.switching,
        rooms.invalid,
    ),
    "Crowd": (connections.many, broadcasts.many, broadcasts.volume, benchmarks.among_many, benchmarks.memory),
    "MalformedSender": (resilience.malformed, resilience.broken, resilience.unknown),
    "LargeSender": (large.payloads, large.broadcasts),
    "Reconnector": (connections.recovery, upgrades.upgrade, resilience.cut_off, resilience.bad_network),
    "LatencyProber": (benchmarks.round_trips,),
    "ThroughputSender": (benchmarks.throughput,),
    "Intruder": (
        pressure.expiring,
        intrusion.bad_tokens,
        intrusion.elsewhere,
        intrusion.foreign_room,
        intrusion.guests,
        intrusion.nobody,
        intrusion.rest_tokens,
        intrusion.foreign_project,
        pressure.slow,
        pressure.flood,
    ),
}
"""Locust user class -> its scenarios, in the order in which it plays them."""

ALL: Final = tuple(scenario for played in ROLES.values() for scenario in played)


def add_role(role: str, scenarios: tuple[Scenario, ...]) -> None:
    """A role of somebody's own locustfile: its checks are part of the outcome like all others."""
    ROLES[role] = scenarios


def chosen(roles: Collection[str], tags: Collection[str], excluded: Collection[str]) -> Iterator[Scenario]:
    """The scenarios that a run plays.

    :param roles: the user classes that take part.
    :param tags: as of Locust: if there are any, a scenario has to have one of these, see `Scenario.tags`.
    :param excluded: and of none of these.
    """
    for role, played in ROLES.items():
        for scenario in played if role in roles else ():
            if (not tags or scenario.tags & set(tags)) and not scenario.tags & set(excluded):
                yield scenario
