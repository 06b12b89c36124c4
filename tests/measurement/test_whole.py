"""A small run from its frames to its record: two workers with clocks of their own, whose every number is known.

The record of it is `golden/`: `UPDATE_GOLDEN=1 pytest tests/measurement/test_whole.py` writes it anew. Read the
difference first: each number in it follows from the few lines of `played.py`, by hand.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement import canaries, interval_log, tables
from loadtest.measurement.figures import add_up
from loadtest.measurement.summary import build

from ..support import ROOT
from .played import FACTS, OBJECTIVES, played

if TYPE_CHECKING:
    from pathlib import Path

    from loadtest.measurement.report import WorkerReport

GOLDEN = ROOT / "tests" / "measurement" / "golden"


def compare(name: str, found: Any) -> None:
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=False) + "\n"
    path: Path = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def plain(report: WorkerReport) -> dict[str, Any]:
    """What can be read of it; its samples are in the summary."""
    return report.to_message() | {
        "latencies": sorted(report.latencies),
        "paths": sorted(list(path) for path in report.paths),
    }


def test_the_summary() -> None:
    fleet, _ = played()
    compare("summary", build(FACTS, fleet, Reader(), OBJECTIVES, {}))


def test_the_tables() -> None:
    fleet, _ = played()
    compare("tables", tables.all_of(fleet, Reader()))


def test_the_reports() -> None:
    compare("reports", [plain(report) for report in played()[1]])


def test_the_log_has_every_second_and_nothing_is_lost_in_it() -> None:
    lines: list[str] = []
    played(lambda second: lines.append(interval_log.lines_of(second, frozenset({"gc_pause"}))))
    found = [interval_log.parse(line) for one in lines for line in one.splitlines(keepends=True)]
    assert all(interval is not None for interval in found)
    times = Counter[str]()
    for interval in found:
        assert interval is not None
        times[interval.name] += 1
    assert "gc_pause" not in times
    compare("log", dict(sorted(times.items())))


def test_who_the_canary_is_and_what_it_saw() -> None:
    fleet, _ = played()
    rows = [row for totals in fleet.totals() for row in totals.canaries]
    compare("canaries", canaries.outcomes(rows, fleet.latencies, {}))


def test_what_all_streams_come_to_is_what_the_rooms_come_to() -> None:
    fleet, _ = played()
    assert add_up(fleet.streams().values()) == add_up(one for slots in fleet.rooms(3).values() for one in slots)
