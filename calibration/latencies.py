"""What the backend sent to each member, and when, by its own log, beside the latencies of a run. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from backend.reader import Reader
from measure.sighting import Keyed, Traced
from measure.trace import find

from .cases import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from measure.trace import Trace

    from .cases import Case

_EVENT_HEAD: Final = '42["'
_CONNECTED: Final = "40{"
_TOLERANCE_MS: Final = 1.0
_TOLERANCE_SHARE: Final = 0.01
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
    """How many left after a later one of their stream (RFC 4737, section 3)."""
    largest: dict[tuple[int, ...], int] = {}
    reordered = 0
    for delivery in sent:
        trace = delivery.trace
        stream = (delivery.connection, delivery.slot, trace.publisher, trace.room)
        reordered += trace.seq < largest.get(stream, -1)
        largest[stream] = max(largest.get(stream, -1), trace.seq)
    return reordered


def true_replayed(log: Iterable[Mapping[str, Any]], sent: Iterable[Sent]) -> int:
    """How many went to a connection that was made after their trigger was due, and after others had got something.

    These are the ones that were sent again, and the last ones of a burst that was under way when it was made.
    """
    opened_ns: dict[int, int] = {}
    first_ns = None
    for line in log:
        frame = line.get("frame", "")
        if frame.startswith(_CONNECTED):
            opened_ns.setdefault(line["connection"], line["sent_ns"])
        elif frame.startswith(_EVENT_HEAD + Reader().slots[0].event) and first_ns is None:
            first_ns = line["sent_ns"]
    return sum(
        first_ns is not None and max(first_ns, delivery.trace.due_ns) < opened_ns[delivery.connection]
        for delivery in sent
    )


def compare_latencies(case: str, sent: Iterable[Sent], summary: Mapping[str, Any]) -> list[Row]:
    """Counts exactly, quantiles to 1 ms and 1%: what is between is the way from the backend's socket to ours."""
    latencies_ms: dict[str, list[float]] = {}
    for delivery in sent:
        latencies_ms.setdefault(delivery.event, []).append(delivery.latency_ms)
    rows = []
    for event, true_ms in latencies_ms.items():
        measured = summary["latency_ms"][event]
        rows.append(Row(case, f"{event} count", len(true_ms), measured["count"], 0))
        true_ms.sort()
        for name, share in _QUANTILES.items():
            truth = true_ms[max(math.ceil(share * len(true_ms)), 1) - 1]
            tolerance_ms = _TOLERANCE_MS + _TOLERANCE_SHARE * truth
            rows.append(Row(case, f"{event} {name} ms", truth, measured[name], tolerance_ms))
    return rows


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
        Row(title, "slow triggers", truth, measured / members, _TOLERANCE_SHARE * truth),
        Row(title, "slow triggers, no fewer than", least, min(measured / members, least), 0),
    ]
