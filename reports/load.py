"""Reads a run's record, whole or not."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from loadtest.measurement.names import key_of
from loadtest.measurement.objective_results import ObjectiveResult, RecordFieldError
from loadtest.measurement.recorded_outcome import COMPARISON_FILE, BaselineComparison, read_outcome, unreadable
from loadtest.reports import csv_files, intervals, salvage
from loadtest.reports.intervals import Counts, Intervals
from loadtest.reports.record_checks import wrong_columns
from loadtest.reports.schema import RecordError, complete

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.measurement.outcome import Outcome

TABLES: Final = ("timeline", "rooms", "streams", "workers", "backend", "instances")
_WHERE_THEY_ARE: Final = "instances"
"""A table of records that have something of it in their summary."""


@dataclass(frozen=True, slots=True)
class Record:
    """One run.

    tables: see docs/run-record.md.
    missing: what should be there and is not, a line each.
    comparison: with the baseline of the run's load; None if there was none.
    """

    where: Path
    summary: dict[str, Any]
    outcome: Outcome
    tables: dict[str, pd.DataFrame]
    intervals: Intervals
    missing: list[str] = field(default_factory=list)
    comparison: BaselineComparison | None = None

    @property
    def objectives(self) -> list[ObjectiveResult]:
        """How the run's objectives came out; none of a record that is damaged."""
        return objectives_in(self.summary)

    @property
    def timeline(self) -> pd.DataFrame:
        """One row a second."""
        return self.tables["timeline"]

    @property
    def events(self) -> list[str]:
        """The events whose deliveries are timed."""
        return list(self.summary["latency_ms"])

    @property
    def span_s(self) -> tuple[int, int] | None:
        """The run's first second, since the epoch, and the one after its last; None if it has none."""
        timeline = self.timeline
        if timeline.empty:
            return self.intervals.span_s
        return int(timeline["at_s"].min()), int(timeline["at_s"].max()) + 1

    def edges_s(self, most: int) -> list[float]:
        """The edges of at most so many equal intervals that cover the run; none if it has no time."""
        return [] if self.span_s is None else intervals.edges(*self.span_s, most)

    @property
    def event_keys(self) -> dict[str, str]:
        """Event -> metric key, of the events whose deliveries are timed."""
        return {event: key_of(event) for event in self.events}

    def counts(self, keys: Sequence[str], edges_s: list[float]) -> Counts:
        """See `Intervals.counts`."""
        return self.intervals.counts(keys, edges_s)

    def histogram(self, key: str) -> Counts | None:
        """The counts of one metric key over the whole run; None if there are none."""
        return intervals.of_run(self.where, key, self.intervals)


def load(where: Path) -> Record:
    """Read a record's folder, as far as it can be read.

    :raises RecordError: if it is none, or of a newer schema.
    """
    log, missing = _intervals(where)
    written, told = _summary(where, log)
    summary, gaps = complete(written, str(where))
    missing = [*told, *missing]
    gaps += [f"latency_ms.{event}" for event in salvage.events(log) if event not in summary["latency_ms"]]
    if gaps:
        missing.append(f"summary.json is cut off: it lacks {', '.join(gaps)}")
        summary = salvage.times(summary, where, log)
    tables = {}
    for stem in TABLES:
        tables[stem], said = _table(where, stem)
        if stem == _WHERE_THEY_ARE and summary[stem] is None:
            continue
        if said:
            missing.append(said)
    comparison = None
    try:
        comparison = comparison_in(where)
    except RecordError as error:
        missing.append(str(error))
    if wrong := wrong_columns(tables["timeline"]):
        missing += wrong
        tables["timeline"] = pd.DataFrame()
    if missing and summary["validity"]["verdict"] == "valid":
        summary["validity"] = {"verdict": "suspect", "reasons": ["suspect: the record is not whole"], "doubts": []}
    outcome = unreadable(told[0]) if told else read_outcome(written, comparison, incomplete=missing)
    if tables["timeline"].empty:
        tables["timeline"] = salvage.timeline(log)
    return Record(where, summary, outcome, tables, log, missing, comparison)


def objectives_in(summary: dict[str, Any]) -> list[ObjectiveResult]:
    """Return how the objectives of a summary came out; those that are damaged are left out."""
    found = []
    for row in summary["slo"]:
        with suppress(RecordFieldError):
            found.append(ObjectiveResult.from_json(row, "slo"))
    return found


def comparison_in(where: Path) -> BaselineComparison | None:
    """Return how a record compares with the baseline of its load; None if nobody compared them.

    :raises RecordError: if the file is damaged.
    """
    try:
        text = (where / COMPARISON_FILE).read_text(encoding="utf-8")
        return BaselineComparison.from_json(json.loads(text))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{COMPARISON_FILE} is damaged: {error}. Run `loadtest nightly` again.") from error


def read_both(where: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a record's summary as it is, for whoever needs to believe it, and with every field.

    :raises RecordError: if it is not one, or of another schema.
    """
    try:
        found = json.loads((where / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"cannot read the record {where}: {error}. Give the folder of one run.") from error
    whole, _ = complete(found if isinstance(found, dict) else {}, str(where))
    return found, whole


def read_summary(where: Path) -> dict[str, Any]:
    """Read a record's summary as it is.

    :raises RecordError: if it is not one, or of another schema.
    """
    return read_both(where)[0]


def load_side(paths: Sequence[str]) -> list[Record]:
    """The records of one side of a comparison.

    :param paths: folders of runs, or folders of such folders.
    :raises RecordError: if one of them is neither.
    """
    found: list[Record] = []
    seen: set[Path] = set()
    for path in map(Path, filter(None, paths)):
        inside = sorted(file.parent for file in path.glob("*/summary.json") if not file.parent.is_symlink())
        folders = inside if inside and not (path / "summary.json").exists() else [path]
        # A run that is named twice is still one run.
        found += [load(folder) for folder in folders if folder.resolve() not in seen]
        seen.update(folder.resolve() for folder in folders)
    if not found:
        raise RecordError("a side of the comparison names no run. Give a run's folder.")
    return found


def load_summary(where: Path) -> dict[str, Any]:
    """A record's summary alone, whole.

    :raises RecordError: if it is none, cut off, or of a newer schema.
    """
    return read_both(where)[1]


def _summary(where: Path, log: Intervals) -> tuple[dict[str, Any], list[str]]:
    try:
        text = (where / "summary.json").read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        begun = _begun(where)
        if begun is None and not log.encoded:
            raise RecordError(f"{where} is no run's record: {error}. Give the folder of one run.") from error
        return salvage.unfinished(begun or {}, log), [
            "there is no summary.json: the run was not brought to its end"
        ]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        found, told = salvage.cut_off(text), [f"summary.json is damaged ({error})"]
        if found is None:
            if not log.encoded:
                raise RecordError(f"{where} is no run's record: {error}. Give the folder of one run.") from error
            found = salvage.unfinished(_begun(where) or {}, log)
        return found, told
    if not isinstance(found, dict):
        raise RecordError(f"{where} is no run's record: its summary is no object. Give the folder of one run.")
    return found, []


def _begun(where: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((where / "begun.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _intervals(where: Path) -> tuple[Intervals, list[str]]:
    try:
        log = intervals.read(where / "latency.hlog")
    except OSError:
        return Intervals(), ["there is no latency.hlog: no heat map, and no comparison"]
    return log, [f"{log.damaged} lines of latency.hlog are damaged"] if log.damaged else []


def _table(where: Path, stem: str) -> tuple[pd.DataFrame, str]:
    """A table, and what is wrong with it."""
    try:
        data = (where / f"{stem}.csv").read_bytes()
    except OSError:
        return pd.DataFrame(), f"there is no {stem}.csv"
    if not data:
        return pd.DataFrame(), f"{stem}.csv is empty"
    whole = csv_files.whole_rows(data)
    said = "" if whole == data else f"{stem}.csv is cut off"
    try:
        return csv_files.parse(whole), said
    except pd.errors.EmptyDataError:
        return pd.DataFrame(), said
    except (csv.Error, ValueError) as error:
        return pd.DataFrame(), f"{stem}.csv is damaged: {error}".replace("\n", " ").strip()
