"""What can be saved of a record that is cut off or was never finished."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from loadtest.measurement import names
from loadtest.measurement.latency import summarise_counts
from loadtest.measurement.second import TIMELINE_FIGURES
from loadtest.reports.intervals import Intervals, of_run
from loadtest.reports.schema import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

_FIELD: Final = re.compile(r'^  "', re.MULTILINE)
_FIELDS: Final = {
    name: f"{name}_ms"
    for name in (
        *("connect", "join", "trigger", "fan_out", "completion", "completion_lag"),
        *("replay", "loop_lag", "ramp_loop_lag", "generator_delay", "gc_pause"),
    )
}


def cut_off(text: str) -> dict[str, Any] | None:
    """The fields of a summary whose text ends in the middle; None if there is none.

    The writer begins each field on a line of its own, two spaces in: what is before the last such line is whole.
    """
    for match in reversed(list(_FIELD.finditer(text))):
        try:
            found = json.loads(text[: match.start()].rstrip().rstrip(",") + "}")
        except ValueError:
            continue
        return found if isinstance(found, dict) and found else None
    return None


def unfinished(begun: dict[str, Any], log: Intervals) -> dict[str, Any]:
    """The summary of a run whose master was killed."""
    seconds = log.span_s
    return {
        "schema": SCHEMA,
        **begun,
        "duration_s": 0.0 if seconds is None else float(seconds[1] - seconds[0]),
        "validity": {
            "verdict": "invalid",
            "reasons": ["invalid: the run was not brought to its end, so nothing was counted"],
            "doubts": [],
        },
    }


def times(summary: dict[str, Any], where: Path, log: Intervals) -> dict[str, Any]:
    """A summary with the latencies that it lacks, from the histograms."""
    stems = (path.stem for path in (where / "histograms").glob("*.hdr"))
    keys = {names.key_of_stem(stem, log.encoded) for stem in stems} | set(log.encoded)
    found = dict(summary)
    for key in sorted(keys):
        counts = of_run(where, key, log)
        if counts is None:
            continue
        figures = summarise_counts(counts)
        event = names.event_of(key)
        if key in _FIELDS:
            if not found[_FIELDS[key]]["count"]:
                found[_FIELDS[key]] = {**found[_FIELDS[key]], **figures}
        elif event is not None and not found["latency_ms"].get(event, {}).get("count"):
            found["latency_ms"] = {**found["latency_ms"], event: figures}
    return found


def events(log: Intervals) -> list[str]:
    """Return the events that an interval log has times of."""
    return [event for key in sorted(log.encoded) if (event := names.event_of(key)) is not None]


def timeline(log: Intervals) -> pd.DataFrame:
    """A time line of latencies alone."""
    seconds: dict[int, dict[str, Any]] = {}
    for key, by_second in log.encoded.items():
        for at_s in by_second:
            row = seconds.setdefault(at_s, {"at_s": at_s})
            counts = log.second(key, at_s)
            if counts is not None and len(counts):
                figures = summarise_counts(counts)
                row |= {f"{key}_{figure}": figures[figure] for figure in TIMELINE_FIGURES}
    return pd.DataFrame([seconds[at_s] for at_s in sorted(seconds)])
