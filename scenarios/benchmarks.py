"""The guide's figures: round trips, events a second, and a memory that stays what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backend import contract, metrics

from . import capabilities as can
from .company import SkipError
from .scenario import CORE, STRESS, scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.client import Client

    from .stage import Stage

ROUND_TRIPS: Final = 50
EVENTS_PER_S: Final = 100.0
_THROUGHPUT_S: Final = 1.0
_ROUNDS: Final = 6
_CLIENTS: Final = 20
_LEAK_BYTES: Final = 256 * 1024
"""Memory that each connection of the past costs, from which on it is taken for a leak and not for chance."""


@scenario(
    "round trips",
    CORE,
    STRESS,
    checks={f"{ROUND_TRIPS} of {ROUND_TRIPS} are answered": ()},
)
def round_trips(stage: Stage) -> None:
    client = stage.member()
    for _ in range(ROUND_TRIPS):
        if stage.can(can.PING):
            stage.answered("ping", client.ping(stage.patience_s))
        else:
            stage.answered("rejoin", client.rejoin(stage.patience_s))
    stage.check(
        f"{ROUND_TRIPS} of {ROUND_TRIPS} are answered", True, "by ping" if stage.can(can.PING) else "by join"
    )


@scenario(
    "throughput",
    STRESS,
    checks={f"more than {EVENTS_PER_S:g} events a second": ()},
)
def throughput(stage: Stage) -> None:
    client = stage.member()
    act, event = _asking(stage, client)
    rate_per_s = stage.helper.measure_events_per_second(act, client, event, _THROUGHPUT_S)
    passed = rate_per_s > EVENTS_PER_S
    stage.check(f"more than {EVENTS_PER_S:g} events a second", passed, f"{rate_per_s:.0f} a second, {event}")


def _asking(stage: Stage, client: Client) -> tuple[Callable[[], object], str]:
    if stage.can(can.PING):
        return lambda: client.emit(contract.PING, 1), contract.PONG
    return lambda: client.emit(contract.JOIN, stage.project()), contract.JOINED


@scenario(
    "memory",
    STRESS,
    checks={"connections of the past cost nothing": (can.MEMORY,)},
)
def memory(stage: Stage) -> None:
    """Connects and disconnects the same number of clients again and again; the first rounds may grow."""
    sizes = []
    for _ in range(_ROUNDS):
        clients = [stage.owner() for _ in range(_CLIENTS)]
        stage.helper.wait_for_connections(clients)
        stage.helper.join(clients, stage.project())
        stage.helper.close()
        sizes.append(_memory_bytes(stage))
    half = _ROUNDS // 2
    growth_bytes = (min(sizes[half:]) - min(sizes[:half])) / (half * _CLIENTS)
    passed = growth_bytes < _LEAK_BYTES
    said = f"{growth_bytes / 1024:.0f} KB for each of {half * _CLIENTS} connections; {sizes[-1] / 1e6:.0f} MB now"
    stage.check("connections of the past cost nothing", passed, said)


def _memory_bytes(stage: Stage) -> int:
    answer = stage.request("GET", contract.HEALTH_INFO)
    if answer.status != 200:
        raise SkipError(f"{contract.HEALTH_INFO} was answered with {answer.status}")
    rss_mb = metrics.of_health(answer.body).rss_mb
    if rss_mb is None:
        raise SkipError(f"{contract.HEALTH_INFO} tells nothing of memory")
    return round(rss_mb * 1e6)
