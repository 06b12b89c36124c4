"""The tables of a run's record: plain rows. What each column is, stands in docs/run-record.md."""

from __future__ import annotations

from dataclasses import asdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from loadtest.measurement.clocks import worker_of
from loadtest.measurement.evidence import mean

if TYPE_CHECKING:
    from loadtest.measurement.fleet import Fleet
    from loadtest.measurement.sighting import FrameReader
    from loadtest.measurement.worker_state import WorkerState


def all_of(fleet: Fleet, reader: FrameReader) -> dict[str, list[dict[str, Any]]]:
    """Table -> its rows."""
    found = {
        "timeline": timeline_rows(fleet),
        "rooms": room_rows(fleet, reader),
        "streams": stream_rows(fleet, reader),
        "workers": worker_rows(fleet),
    }
    by_instance = fleet.instances.rows()
    return found | ({"instances": by_instance} if by_instance else {})


def timeline_rows(fleet: Fleet) -> list[dict[str, Any]]:
    """One row for each second; with what was owed of what was sent in it, and what of that was lost."""
    rows = [dict(row) for row in fleet.timeline]
    # A report that comes very late opens its second once more: a second may have several rows.
    first = {row["at_s"]: row for row in reversed(rows)}
    for at_s, (owed, lost) in fleet.owed_by_second().items():
        if at_s not in first:
            rows.append({"at_s": at_s})
        first.setdefault(at_s, rows[-1]).update(owed=owed, lost=lost)
    return sorted(rows, key=itemgetter("at_s"))


def worker_rows(fleet: Fleet) -> list[dict[str, Any]]:
    """One row for each worker."""
    return [
        {
            "worker": worker.number,
            "id": worker_id,
            "reports": worker.last_report,
            "gaps": worker.gaps,
            "repeats": worker.repeats,
            "away_s": round(worker.away_s, 1),
            "totals": worker.totals is not None,
            **clock_row(worker),
            "cpu_percent": round(mean(worker.cpu_percent) or 0.0, 1),
            "rss_mb": round(worker.health.get("rss_bytes", 0.0) / 1e6, 1),
            **{name: worker.counters.get(name, 0) for name in ("connects", "received", "due", "sent")},
            "timed": sum(worker.timed.values()),
        }
        for worker_id, worker in fleet.workers.items()
    ]


def clock_row(worker: WorkerState) -> dict[str, Any]:
    """What is known of a worker's clock."""
    clock = worker.clock
    estimate = None if clock is None else clock.estimate
    return {
        "machine": "" if clock is None else clock.machine,
        "offset_ms": "" if estimate is None else round(estimate.offset_ns / 1e6, 3),
        "offset_bound_ms": "" if estimate is None else round(estimate.bound_ns / 1e6, 3),
        "drift_ppm": "" if estimate is None else round(estimate.drift * 1e6, 1),
    }


def room_rows(fleet: Fleet, reader: FrameReader) -> list[dict[str, Any]]:
    """One row for each room and traced broadcast."""
    members = fleet.by_key("members")
    uncounted = fleet.timed_by_the_lost()
    return [
        {
            "room": room,
            "members": members[room],
            "event": reader.slots[slot].event,
            "label": reader.slots[slot].label,
            **asdict(counts),
            "uncounted": uncounted[room, slot],
        }
        for room, slots in sorted(fleet.rooms(len(reader.slots)).items())
        for slot, counts in enumerate(slots)
    ]


def stream_rows(fleet: Fleet, reader: FrameReader) -> list[dict[str, Any]]:
    """One row for each stream and traced broadcast: by the publisher, and the worker that it ran in."""
    return [
        {
            "room": room,
            "publisher": publisher,
            "worker": worker_of(publisher),
            "event": reader.slots[slot].event,
            "label": reader.slots[slot].label,
            **asdict(counts),
        }
        for (room, publisher, slot), counts in sorted(fleet.streams().items(), key=itemgetter(0))
    ]
