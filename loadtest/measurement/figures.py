"""The figures of a run that objectives speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtest.measurement.connects import slowest_batch_ms
from loadtest.measurement.doings import ANSWER
from loadtest.measurement.latency import summarise
from loadtest.measurement.meter import LEAKED_UNTRACED
from loadtest.measurement.presence import Counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from loadtest.measurement.fleet import Fleet

FIGURES: Final = {
    "connect_20_ms": "the slowest 20 connects that were under way together, first start to last finish",
    "failures_at_50_connections": "connects and joins that failed, in a run with 50 connections or more at once",
    "latency_mean_ms": "mean delivery latency over all timed events",
    "latency_p50_ms": "half of all deliveries took no longer",
    "latency_p90_ms": "90% of them",
    "latency_p95_ms": "95%",
    "latency_p99_ms": "99%",
    "latency_p999_ms": "99.9%",
    "latency_p9999_ms": "99.99%",
    "latency_p99999_ms": "99.999%",
    "latency_max_ms": "largest delivery latency over all timed events",
    "round_trip_mean_ms": "mean time until a `ping` was answered; a repeated join where the backend has no `ping`",
    "round_trip_max_ms": "the largest of these times",
    "ack_mean_ms": "mean time until an event was acknowledged",
    "ack_max_ms": "the largest of these times",
    "lost_percent": "lost of expected",
    "delivery_percent": "delivered of expected, in rooms with 20 members or more, but for drops by the load test",
    "received_per_s": "events received a second by all clients, mean over the time that publishers published",
    "events_per_s_per_client": "the same by each connected client",
    "lost_while_connected": "deliveries that a member missed while it was connected",
    "duplicate_deliveries": "deliveries received more than once",
    "leaked_deliveries": "broadcasts, traced or not, that reached a socket outside the room",
    "corrupt_deliveries": "frames with a damaged trace, or that no client can parse",
    "failed_connects": "attempts to connect that failed, at first and after a lost connection",
    "failed_joins": "joins that were refused or not answered",
    "connections_lost_unexpectedly": "connections that ended without the load test or its user having ended them",
    "users_not_back": "users that lost their connection and were not back in all their rooms at the end",
    "failed_triggers": "triggers that the backend refused, or answered with an error or without an id",
    "failed_requests": "failed requests of user classes that are not ours, such as an HttpUser",
    "user_errors": "exceptions that users raised",
    "backend_memory_growth_percent": "growth of the backend's memory beyond doubt; the largest of its instances",
    "worker_memory_growth_percent": "growth of all workers' memory beyond doubt",
}
"""Figure -> what it is."""
PHASE_FIGURES: Final = tuple(
    name for name in FIGURES if name.startswith("latency_") or name in ("lost_percent", "received_per_s")
)
"""Those that each phase of a run has too."""

MEMORY_FIGURES: Final = {"backend_memory_growth_percent": "backend", "worker_memory_growth_percent": "generator"}
"""Figure -> whose `growth_percent` it is, in the summary's `memory`."""
ROUND_TRIPS: Final = ("ping", "rejoin")
ACK: Final = "ack"
"""Questions, see `Doings.answered`."""

WARM_UP: Final = "warm-up"
"""The phase that counts in no figure."""
_TIMES: Final = ("latency_", "round_trip_", "ack_")
_LEFT_OUT: Final = " outside of the time in which a scenario overloaded the backend on purpose"
_BATCH: Final = 20
_MANY_CONNECTIONS: Final = 50
_MANY_MEMBERS: Final = 20


def crowded(fleet: Fleet, rooms: Mapping[int, list[Counts]]) -> Counts:
    """Return the counts of the rooms that had many members, or as many sockets of fewer users at once.

    :param rooms: room -> counts of each slot.
    """
    members, sockets = fleet.by_key("members"), fleet.by_key("sockets")
    many = {room for room in rooms if max(members[room], sockets[room]) >= _MANY_MEMBERS}
    return add_up(counts for room in many for counts in rooms[room])


def figures_of(
    fleet: Fleet,
    everything: Counts,
    crowded: Counts,
    times: Any,
    publishing_s: float,
    memory: Mapping[str, Any] | None = None,
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return all figures of a run, and for each one that is None why it was not measured.

    :param everything: the counts of all rooms.
    :param crowded: those of the rooms with 20 members or more.
    :param times: the latencies of all events in one histogram.
    :param memory: the summary's; None while the run goes on.
    """
    latency = summarise(times)
    answers = {f"round_trip_{name}_ms": value for name, value in _answers(fleet, *ROUND_TRIPS).items()}
    answers |= {f"ack_{name}_ms": value for name, value in _answers(fleet, ACK).items()}
    failures = fleet.counter("connect_failures") + fleet.counter("join_failures")
    # Those that were refused would have been there, too: refusals must not hide an objective on them.
    many = fleet.most_connected + fleet.counter("connect_failures") >= _MANY_CONNECTIONS
    connected = [row["connected"] for row in fleet.timeline if row["connected"]]
    warm = [row["received"] for row in fleet.timeline if row["phase"] == WARM_UP]
    measured_s = publishing_s - len(warm)
    received = fleet.counter("received") - sum(warm)
    received_per_s = received / measured_s if connected and measured_s > 0 else None
    per_client = None if received_per_s is None else round(received_per_s / max(connected), 3)
    # What a user missed while the load test kept it offline is no fault of the backend.
    due_to_arrive = crowded.expected - crowded.missed_dropped
    batch_ms = slowest_batch_ms((connect for totals in fleet.totals() for connect in totals.connects), _BATCH)
    figures = {
        "connect_20_ms": None if batch_ms is None else round(batch_ms, 3),
        "failures_at_50_connections": float(failures) if many else None,
        **{f"latency_{figure}_ms": value for figure, value in latency.items() if figure != "count"},
        **answers,
        "lost_percent": _percent(everything.lost, everything.expected),
        "delivery_percent": 100.0 * crowded.delivered / due_to_arrive if due_to_arrive else None,
        "received_per_s": None if received_per_s is None else round(received_per_s, 3),
        "events_per_s_per_client": per_client,
        **{name: float(count) for name, count in _failures(fleet, everything).items()},
        **{
            name: ((memory or {}).get(whose) or {}).get("growth_percent") for name, whose in MEMORY_FIGURES.items()
        },
    }
    reasons = {name: _why_not(name) for name, value in figures.items() if value is None}
    if fleet.overloaded:
        reasons |= {name: f"{why}{_LEFT_OUT}" for name, why in reasons.items() if name.startswith(_TIMES)}
    if memory is None:
        reasons |= dict.fromkeys(MEMORY_FIGURES, "it is judged when the run is over")
    return figures, reasons


def _answers(fleet: Fleet, *questions: str) -> dict[str, float | None]:
    """Return the mean and the maximum of the times until questions were answered, in milliseconds."""
    # A question that nobody asked must not become an entry of the summary.
    asked = [ANSWER + question for question in questions if ANSWER + question in fleet.latencies]
    times = summarise(fleet.latency_of(asked))
    return {name: times[name] for name in ("mean", "max")}


def _failures(fleet: Fleet, everything: Counts) -> dict[str, int]:
    """Return the counts that are 0 in a run in which nothing went wrong."""
    return {
        "lost_while_connected": everything.lost - everything.missed_offline,
        "duplicate_deliveries": everything.duplicate,
        "leaked_deliveries": everything.leaked,
        "corrupt_deliveries": fleet.counter("corrupt"),
        "failed_connects": fleet.counter("connect_failures") + fleet.counter("reconnect_failures"),
        "failed_joins": fleet.counter("join_failures"),
        "connections_lost_unexpectedly": fleet.counter("connections_lost") - fleet.counter("connections_dropped"),
        "users_not_back": fleet.counter("away"),
        "failed_triggers": fleet.counter("refused") + fleet.counter("failed"),
        "failed_requests": fleet.counter("request_failures"),
        "user_errors": fleet.counter("user_errors"),
    }


def _why_not(figure: str) -> str:
    if figure.startswith("latency_"):
        return "no delivery was timed"
    if figure in MEMORY_FIGURES:
        return "too few samples of it while clients were connected"
    if figure.startswith("round_trip_"):
        return "no user sent a ping or repeated a join"
    if figure.startswith("ack_"):
        return "no user asked for an acknowledgement"
    return {
        "connect_20_ms": f"no {_BATCH} clients connected at the same time",
        "failures_at_50_connections": f"fewer than {_MANY_CONNECTIONS} clients were connected at once",
        "lost_percent": "no delivery was expected",
        "delivery_percent": f"no broadcast was expected in a room with {_MANY_MEMBERS} members",
    }.get(figure, "nobody was connected while publishers published")


def all_counts(fleet: Fleet, counts: Iterable[Counts]) -> Counts:
    """Return all counts of deliveries as one, with the leaks of what leads back to no trigger."""
    total = add_up(counts)
    total.leaked += fleet.counter(LEAKED_UNTRACED)
    return total


def add_up(counts: Iterable[Counts]) -> Counts:
    """Several counts as one."""
    total = Counts()
    for more in counts:
        total.add(more)
    return total


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 6) if whole else None
