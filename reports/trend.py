"""How the figures of many runs went, run after run: the history of nightly jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pandas as pd

from loadtest.measurement.names import event_of, key_of, label
from loadtest.measurement.outcome import OutcomeWord
from loadtest.measurement.recorded_outcome import read_outcome
from loadtest.measurement.target import hosts_of, is_here
from loadtest.reports.changes import ChangePoint, change_points
from loadtest.reports.load import comparison_in, read_both
from loadtest.reports.schema import RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

    from loadtest.measurement.outcome import Outcome

OPTIONS: Final = {
    "shape": "",
    "mix": "",
    "tags": None,
    "exclude_tags": None,
    "audience_size": 500,
    "canaries": "",
    "arrivals": "constant",
    "ramp": 0.0,
    "publishers": 4,
    "room_size": 0,
    "room_skew": 0.0,
    "rooms_per_viewer": 1,
    "tasks_per_room": 0,
    "think_time": [1.0, 3.0],
    "ping_every": 0.0,
    "drop_every": 0.0,
    "backend": "prometheus",
    "transport": "websocket",
    "parser": "default",
    "token_in": "auth",
}
"""Those that make another load of it, and what they are by default; older records do not tell."""
_RENAMED: Final = {"backend.prometheus": "prometheus"}
"""Values as older records have them -> the same today, so that a series goes on."""
_QUANTILES: Final = ("p50", "p99")
_GAP: Final = 2.5
"""Times the usual distance of two runs: longer is a gap."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure over the runs of a series. changes: by row of the series' table."""

    column: str
    title: str
    unit: str
    changes: list[ChangePoint] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Series:
    """Runs of the same load against the same backend.

    runs: one row each, by time: `run_id`, `started`, `outcome`, `verdict`, and the figures.
    gaps: (from, to) without runs.
    """

    name: str
    runs: pd.DataFrame
    figures: list[Figure]
    gaps: list[tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Trend:
    """left_out: folders that are no records, with why."""

    series: list[Series]
    left_out: list[str]


def trend(results_dir: Path, rng: np.random.Generator) -> Trend:
    """Read the records in a folder.

    :raises RecordError: if there is none.
    """
    rows, left_out = rows_by_series(results_dir)
    if not rows:
        raise RecordError(f"{results_dir} has no record of a run. Give the folder of the records, e.g. results.")
    ordered = sorted(rows.items(), key=lambda item: -len(item[1]))
    return Trend([_series(name, runs, rng) for name, runs in ordered], left_out)


def rows_by_series(results_dir: Path) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Return the runs of each series, a row each, and a line for each folder that cannot be read.

    :raises RecordError: if the folder itself cannot be read.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    left_out = []
    try:
        folders = sorted(path for path in results_dir.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError as error:
        raise RecordError(
            f"cannot read {results_dir}: {error.strerror}. Give the folder of the records."
        ) from error
    for folder in folders:
        if not (folder / "summary.json").exists():
            continue
        try:
            written, summary = read_both(folder)
            row = _row(summary, read_outcome(written, comparison_in(folder)))
        except (RecordError, ValueError) as error:
            left_out.append(f"{folder.name}: {error}")
            continue
        rows.setdefault(series_of(summary), []).append(row)
    return rows, left_out


def series_of(summary: Mapping[str, Any]) -> str:
    """The series that a run belongs to: the runs that can be compared have the same."""
    options = summary["options"]
    more = [
        f"{name.replace('_', ' ')} {value}"
        for name, usual in OPTIONS.items()
        if (value := _today(options.get(name, usual))) != usual
    ]
    load = f"{summary['users']} users, {summary['rooms']} rooms, {summary['rate_per_s']:g} triggers/s"
    hosts = dict.fromkeys(map(_host, hosts_of(summary["target"])))
    return ", ".join([f"{' + '.join(hosts)} ({summary['profile']})", load, *more])


def _today(value: Any) -> Any:
    return _RENAMED.get(value, value) if isinstance(value, str) else value


def _host(url: str) -> str:
    """A backend's host, with its port; of one on this machine without, since it takes any that is free."""
    parts = urlsplit(url)
    return (parts.hostname if is_here(url) else parts.netloc.lower()) or url


def _row(summary: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    deliveries = summary["deliveries"]
    row: dict[str, Any] = {
        "run_id": summary["run_id"],
        "started": datetime.fromisoformat(summary["started"]),
        "outcome": outcome.word.value,
        "verdict": "invalid" if outcome.word is OutcomeWord.INVALID else summary["validity"]["verdict"],
        "failed_objectives": outcome.counts.failed,
        "lost_percent": 100 * deliveries["lost"] / deliveries["expected"] if deliveries["expected"] else None,
    }
    for event, times in summary["latency_ms"].items():
        row |= {f"{key_of(event)} {quantile}": times[quantile] for quantile in _QUANTILES}
    row |= {f"fan-out {quantile}": summary["fan_out_ms"][quantile] for quantile in _QUANTILES}
    row["connect p99"] = summary["connect_ms"]["p99"]
    row["generator delay p99"] = summary["generator_delay_ms"]["p99"]
    row["received"] = summary["figures"].get("received_per_s")
    row["memory"] = (summary["memory"]["backend"] or {}).get("mb")
    return row


def _series(name: str, rows: list[dict[str, Any]], rng: np.random.Generator) -> Series:
    runs = pd.DataFrame(rows).sort_values("started", kind="stable").reset_index(drop=True)
    figures = []
    for column in runs.columns:
        title, unit = _title(column)
        if not title or runs[column].isna().all():
            continue
        # An invalid run says nothing of the backend, and no more does a run that has not measured it.
        usable = runs.index[(runs["verdict"] != "invalid") & runs[column].notna()]
        found = change_points(runs.loc[usable, column].astype(float).tolist(), rng)
        changes = [ChangePoint(int(usable[point.at]), point.before, point.after) for point in found]
        figures.append(Figure(column, title, unit, changes))
    return Series(name, runs, figures, _gaps(runs["started"]))


def _title(column: str) -> tuple[str, str]:
    """(title, unit) of a figure; empty for what is none."""
    if column in ("run_id", "started", "outcome", "verdict", "failed_objectives"):
        return "", ""
    fixed = {
        "lost_percent": ("Lost of the expected deliveries", "%"),
        "received": ("Events received", "a second"),
        "memory": ("The backend's memory", "MB"),
    }
    if column in fixed:
        return fixed[column]
    key, _, quantile = column.rpartition(" ")
    event = event_of(key)
    own = column[0].upper() + column[1:] if key == "fan-out" else column
    return own if event is None else f"{label(event)} {quantile}", "ms"


def _gaps(started: pd.Series[Any]) -> list[tuple[Any, Any]]:
    """Times in which runs are missing, as the usual distance of two of them goes."""
    distances = started.diff().dropna()
    if len(distances) < 2:
        return []
    usual = distances.median()
    places = [place for place, distance in distances.items() if distance > _GAP * usual]
    return [(started[place - 1], started[place]) for place in places]
