"""The guide's figures: round trips, events a second, and a memory that stays what it is."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Final

import gevent

from loadtest.backends import metrics
from loadtest.backends.prometheus import contract
from loadtest.measurement.growth import slope_of
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.scenario import CORE, STRESS, scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.clients.client import Client
    from loadtest.measurement.growth import Slope
    from loadtest.scenarios.stage import Stage

ROUND_TRIPS: Final = 50
EVENTS_PER_S: Final = 100.0
_THROUGHPUT_S: Final = 1.0

MANY: Final = 50
_ALTERNATIONS: Final = 4
_TRIPS_EACH: Final = 10
_SLOWER_MS: Final = 5.0
_SLOWER_SHARE: Final = 0.25

_LEAST_ROUNDS: Final = 12
_MOST_ROUNDS: Final = 24
_WARM_UP_SHARE: Final = 0.25
_CLIENTS: Final = 25
_SETTLE_S: Final = 0.05
_KEPT_KB: Final = 32.0
"""Most memory that a connection of the past may cost. Measured: 8 to 13 KB, by Node and the reference backend."""


@scenario(
    "round trips",
    CORE,
    STRESS,
    checks={
        f"{ROUND_TRIPS} of {ROUND_TRIPS} are answered": (),
        f"{ROUND_TRIPS} of {ROUND_TRIPS} are acknowledged": (can.ACKS,),
    },
)
def round_trips(stage: Stage) -> None:
    """Time pings and acknowledgements, for the objectives on them."""
    client = stage.member()
    question = "ping" if stage.can(can.PING) else "rejoin"
    times_ms = [round_trip(stage, client) for _ in range(ROUND_TRIPS)]
    for took_ms in times_ms:
        stage.answered(question, took_ms)
    said = f"by {question}, mean {statistics.fmean(times_ms):.1f} ms, longest {max(times_ms):.1f} ms"
    stage.check(f"{ROUND_TRIPS} of {ROUND_TRIPS} are answered", "", said)
    acknowledged = f"{ROUND_TRIPS} of {ROUND_TRIPS} are acknowledged"
    if stage.holds(acknowledged):
        times_ms = [client.acknowledgement(stage.patience_s) for _ in range(ROUND_TRIPS)]
        for took_ms in times_ms:
            stage.answered("ack", took_ms)
        said = f"mean {statistics.fmean(times_ms):.1f} ms, longest {max(times_ms):.1f} ms"
        stage.check(acknowledged, "", said)


def round_trip(stage: Stage, client: Client) -> float:
    """Make a round trip by a ping, or where that is not answered by joining again; return milliseconds.

    :raises EventTimeoutError: if it is not answered.
    """
    return client.ping(stage.patience_s) if stage.can(can.PING) else client.rejoin(stage.patience_s)


@scenario(
    "round trips among many",
    STRESS,
    checks={f"{MANY} more connections do not slow them": ()},
)
def among_many(stage: Stage) -> None:
    """Time round trips of one client in turns without and with 50 others, who are connected and do nothing.

    They are slower if that is so in every turn: what else the backend has to do meanwhile falls on both kinds.
    """
    client = stage.member()
    alone_ms, among_ms = [], []
    for _ in range(_ALTERNATIONS):
        alone_ms.append(_median_ms(stage, client))
        others = [stage.owner() for _ in range(MANY)]
        with stage.overload():
            stage.helper.wait_for_connections(others)
        gevent.sleep(_SETTLE_S)
        among_ms.append(_median_ms(stage, client))
        for other in others:
            other.disconnect()
        gevent.sleep(_SETTLE_S)
    slower_ms = min(among_ms) - max(alone_ms)
    slower = slower_ms > max(_SLOWER_MS, _SLOWER_SHARE * max(alone_ms))
    said = f"medians without them {_range(alone_ms)} ms, with them {_range(among_ms)} ms"
    stage.check(f"{MANY} more connections do not slow them", said if slower else "", said)


def _median_ms(stage: Stage, client: Client) -> float:
    return statistics.median(round_trip(stage, client) for _ in range(_TRIPS_EACH))


def _range(times_ms: list[float]) -> str:
    return f"{min(times_ms):.1f} to {max(times_ms):.1f}"


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
    said = f"{rate_per_s:.0f} a second, {event}"
    stage.check(f"more than {EVENTS_PER_S:g} events a second", "" if passed else said, said)


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
    """Connect and disconnect clients round after round, until what each of them costs is sure enough.

    After each round as much time passes without one. What the backend takes then is not due to the clients, and is
    subtracted.
    """
    kept_kb = [0.0]
    before_kb = _memory_kb(stage)
    found = None
    for number in range(1, _MOST_ROUNDS + 1):
        took_s = _come_and_go(stage)
        after_kb = _memory_kb(stage)
        gevent.sleep(took_s)
        later_kb = _memory_kb(stage)
        kept_kb.append(kept_kb[-1] + (after_kb - before_kb) - (later_kb - after_kb))
        before_kb = later_kb
        if number >= _LEAST_ROUNDS:
            found = _kept_by_each(kept_kb)
            if found.high <= _KEPT_KB or found.low > _KEPT_KB:
                break
    assert found is not None
    said = (
        f"{found.middle:.0f} KB for each of {number * _CLIENTS} connections (95%: {found.low:.0f} to "
        f"{found.high:.0f}), at most {_KEPT_KB:.0f} pass; {before_kb / 1024:.0f} MiB now"
    )
    if found.low <= _KEPT_KB < found.high and found.high - found.low > 2 * _KEPT_KB:
        raise SkipError(f"the backend's memory varies too much to tell: {said}")
    stage.check("connections of the past cost nothing", said if found.middle > _KEPT_KB else "", said)


def _come_and_go(stage: Stage) -> float:
    """Let clients connect, join, and disconnect; return how many seconds that took."""
    started_s = time.monotonic()
    clients = [stage.owner() for _ in range(_CLIENTS)]
    stage.helper.wait_for_connections(clients)
    stage.helper.join(clients, stage.project())
    stage.helper.close()
    gevent.sleep(_SETTLE_S)
    return time.monotonic() - started_s


def _kept_by_each(kept_kb: list[float]) -> Slope:
    """Return the KB that each connection costs; the first rounds warm the backend up.

    :param kept_kb: what all connections cost after each round.
    """
    skipped = round(_WARM_UP_SHARE * len(kept_kb))
    connections = [float(number * _CLIENTS) for number in range(len(kept_kb))]
    found = slope_of(connections[skipped:], kept_kb[skipped:])
    assert found is not None
    return found


def _memory_kb(stage: Stage) -> float:
    return memory_mb(stage) * 1e6 / 1024


def memory_mb(stage: Stage) -> float:
    """Return the backend's resident memory in MB, as its health page tells it.

    :raises SkipError: if it does not.
    """
    answer = stage.request("GET", contract.HEALTH_INFO)
    if answer.status != 200:
        raise SkipError(f"{contract.HEALTH_INFO} was answered with {answer.status}")
    vitals = metrics.of_health(answer.body)
    if vitals.rss_mb is None:
        raise SkipError(f"{contract.HEALTH_INFO}: {vitals.why_not('rss_mb')}")
    return vitals.rss_mb
