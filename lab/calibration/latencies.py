"""What the backend sent to each member, and when, by its own log, beside the latencies of a run. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lab.calibration.cases import TOLERANCE_SHARE, Row, quantile, tolerance_ms
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.sighting import Keyed, Traced
from loadtest.measurement.trace import find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lab.calibration.cases import Case
    from loadtest.measurement.trace import Trace

_EVENT_HEAD: Final = '42["'
_CONNECTED: Final = "40{"
_FAN_OUT: Final = "fan-out"
_QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}


class Sent(NamedTuple):
    """One traced broadcast that left the backend towards one member."""

    event: str
    slot: int
    connection: int
    trace: Trace
    latency_ms: float
    """From when the trigger was due."""


def deliveries_of(log: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> list[Sent]:
    """All traced broadcasts that left, in their order of leaving.

    :param log: the lines of the backend's `--fault-log`.
    :param titles: task's id -> its title, which has the trace; from the backend's database.
    """
    reader = Reader()
    found = []
    for line in log:
        frame = line.get("frame", "")
        if not frame.startswith(_EVENT_HEAD):
            continue
        event = frame[len(_EVENT_HEAD) : frame.index('"', len(_EVENT_HEAD))]
        if event not in reader.events:
            continue
        sighting = reader.read(event, frame.encode())
        if isinstance(sighting, Traced | Keyed):
            trace = sighting.trace if isinstance(sighting, Traced) else find(titles[sighting.key].encode())
            assert trace is not None
            latency_ms = (line["sent_ns"] - trace.due_ns) / 1e6
            found.append(Sent(event, sighting.slot, line["connection"], trace, latency_ms))
    return found


def true_reordered(sent: Iterable[Sent]) -> int:
    """Return how many left after a later one of their stream (RFC 4737, section 3); completions have no order."""
    largest: dict[tuple[int, ...], int] = {}
    reordered = 0
    for delivery in sent:
        trace = delivery.trace
        if _is_completion(delivery):
            continue
        stream = (delivery.connection, delivery.slot, trace.publisher, trace.room)
        reordered += trace.seq < largest.get(stream, -1)
        largest[stream] = max(largest.get(stream, -1), trace.seq)
    return reordered


def true_replayed(log: Iterable[Mapping[str, Any]], sent: Iterable[Sent]) -> range:
    """Return how many broadcasts were sent again to connections that were opened later.

    A connection may be opened after a trigger was due and before its broadcasts are made. They are not sent again,
    but a run may count them so, because they follow their trigger closely. A completion was made when it was first
    sent to anybody.

    :returns: from those that were made before the connection was opened to those whose trigger was due before.
    """
    sent = list(sent)
    completed_ns: dict[Trace, float] = {}
    for delivery in filter(_is_completion, sent):
        at_ns = delivery.trace.due_ns + delivery.latency_ms * 1e6
        completed_ns[delivery.trace] = min(completed_ns.get(delivery.trace, math.inf), at_ns)
    opened_ns: dict[int, int] = {}
    logged_ns: dict[Trace, int] = {}
    first_ns = None
    for line in log:
        frame = line.get("frame", "")
        if "made_ns" in line and (trace := find(str(line["what"]).encode())) is not None:
            logged_ns[trace] = line["made_ns"]
        if frame.startswith(_CONNECTED):
            opened_ns.setdefault(line["connection"], line["sent_ns"])
        elif frame.startswith(_EVENT_HEAD + Reader().slots[0].event) and first_ns is None:
            first_ns = line["sent_ns"]

    def made_ns(delivery: Sent) -> float:
        if _is_completion(delivery):
            return completed_ns[delivery.trace]
        # The log with the trace goes first. The update follows at once.
        return logged_ns.get(delivery.trace, delivery.trace.due_ns)

    def count(since_ns: Callable[[Sent], float]) -> int:
        return sum(
            first_ns is not None and max(first_ns, since_ns(delivery)) < opened_ns[delivery.connection]
            for delivery in sent
        )

    least = count(made_ns)
    return range(least, max(least, count(lambda delivery: delivery.trace.due_ns)) + 1)


def compare_latencies(
    case: str, sent: Sequence[Sent], summary: Mapping[str, Any], *, bounded: bool = False
) -> list[Row]:
    """Return the truth beside the measured: counts exactly, quantiles to 1 ms and 1%.

    That much is for the way from the backend's socket to ours.

    :param bounded: whether a latency may be anything between the earliest and the latest that was measured, as it
        is if deliveries were read together.
    """
    latencies_ms: dict[str, list[float]] = defaultdict(list)
    received_ms: dict[tuple[Trace, int], list[float]] = defaultdict(list)
    for delivery in sent:
        received_ms[delivery.trace, delivery.slot].append(delivery.latency_ms)
        if not _is_completion(delivery):
            latencies_ms[delivery.event].append(delivery.latency_ms)
    completions_ms = [min(found) for (_, slot), found in received_ms.items() if Reader.slots[slot].is_completion]
    fan_outs_ms = [max(found) - min(found) for found in received_ms.values() if len(found) > 1]
    earliest = summary["latency_earliest_ms" if bounded else "latency_ms"]
    times = [
        (event, true_ms, earliest[event], summary["latency_ms"][event]) for event, true_ms in latencies_ms.items()
    ]
    if completions_ms:
        times.append(("completion", completions_ms, *[summary["completion_ms"]] * 2))
    if fan_outs_ms:
        times.append((_FAN_OUT, fan_outs_ms, *[summary["fan_out_ms"]] * 2))
    rows = []
    for event, true_ms, least, most in times:
        rows.append(Row(case, f"{event} count", len(true_ms), most["count"], 0))
        for name, share in _QUANTILES.items():
            truth = quantile(true_ms, share)
            bound_ms = (summary["fan_out_bound_ms"][name] or 0.0) if event == _FAN_OUT else 0.0
            measured_ms = min(max(truth, least[name]), most[name])
            rows.append(Row(case, f"{event} {name} ms", truth, measured_ms, tolerance_ms(truth) + bound_ms))
    return rows


def _is_completion(delivery: Sent) -> bool:
    return Reader.slots[delivery.slot].is_completion


def compare_slow(title: str, case: Case, sent: Iterable[Sent], measured: int, members: int) -> list[Row]:
    """How many triggers were slow: as many as the backend made slow, and no fewer than the schedule says.

    :param measured: how many deliveries of the first broadcast were measured to be slow.
    :param members: how many users got each.
    """
    if case.slow is None:
        return []
    limit_ms, least = case.slow
    truth = sum(delivery.slot == 0 and delivery.latency_ms > limit_ms for delivery in sent) / members
    return [
        Row(title, "slow triggers", truth, measured / members, TOLERANCE_SHARE * truth),
        Row(title, "slow triggers, no fewer than", least, min(measured / members, least), 0),
    ]
