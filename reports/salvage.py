"""What can be saved of a record that is cut off or was never finished."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from measure.latency import summarise_counts
from measure.second import TIMELINE_FIGURES

from .intervals import Intervals, of_run
from .schema import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

_FIELD: Final = re.compile(r'^  "', re.MULTILINE)
_OWN: Final = re.compile(
    r"connect(_\w+)?|join|trigger|fan_out|replay|loop_lag|generator_delay|gc_pause|clock_bound|answer_.+|.+@.+"
)
"""Names of histograms that are no events."""
_FIELDS: Final = {
    name: f"{name}_ms"
    for name in ("connect", "join", "trigger", "fan_out", "replay", "loop_lag", "generator_delay", "gc_pause")
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
            "reasons": ["the run was not brought to its end: nothing was counted against what was owed"],
        },
    }


def times(summary: dict[str, Any], where: Path, log: Intervals) -> dict[str, Any]:
    """A summary with the latencies that it lacks, from the histograms."""
    names = {path.stem for path in (where / "histograms").glob("*.hdr")} | set(log.encoded)
    found = dict(summary)
    for name in sorted(names):
        counts = of_run(where, name, log)
        if counts is None:
            continue
        figures = summarise_counts(counts)
        if name in _FIELDS:
            if not found[_FIELDS[name]]["count"]:
                found[_FIELDS[name]] = {**found[_FIELDS[name]], **figures}
        elif not _OWN.fullmatch(name) and not found["latency_ms"].get(name, {}).get("count"):
            found["latency_ms"] = {**found["latency_ms"], name: figures}
    return found


def timeline(log: Intervals) -> pd.DataFrame:
    """A time line of latencies alone."""
    seconds: dict[int, dict[str, Any]] = {}
    for name, by_second in log.encoded.items():
        for at_s in by_second:
            row = seconds.setdefault(at_s, {"at_s": at_s})
            counts = log.second(name, at_s)
            if counts is not None and len(counts):
                figures = summarise_counts(counts)
                row |= {f"{name}_{figure}": figures[figure] for figure in TIMELINE_FIGURES}
    return pd.DataFrame([seconds[at_s] for at_s in sorted(seconds)])
