"""Reads a run's record, whole or not."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from . import intervals, salvage
from .intervals import Counts, Intervals
from .schema import RecordError, upgrade

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES: Final = ("timeline", "rooms", "streams", "workers", "backend", "instances")
_SINCE_2: Final = ("backend",)
_WHERE_THEY_ARE: Final = "instances"
"""A table of records that have something of it in their summary."""


@dataclass(frozen=True, slots=True)
class Record:
    """One run. tables: see docs/run-record.md. missing: what should be there and is not, a line each."""

    where: Path
    summary: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    intervals: Intervals
    missing: list[str] = field(default_factory=list)

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

    def counts(self, names: Sequence[str], edges_s: list[float]) -> Counts:
        """See `Intervals.counts`."""
        return self.intervals.counts(names, edges_s)

    def histogram(self, name: str) -> Counts | None:
        """The counts of one name over the whole run; None if there are none."""
        return intervals.of_run(self.where, name, self.intervals)


def load(where: Path) -> Record:
    """Read a record's folder, as far as it can be read.

    :raises RecordError: if it is none, or of a newer schema.
    """
    log, missing = _intervals(where)
    summary, told = _summary(where, log)
    version = summary.get("schema")
    summary, gaps = upgrade(summary, str(where))
    missing = [*told, *missing]
    if version == 1:
        gaps, missing = [], [said for said in missing if "latency.hlog" not in said]
    if gaps:
        missing.append(f"summary.json is cut off: {', '.join(gaps)}")
        summary = salvage.times(summary, where, log)
    tables = {}
    for stem in TABLES:
        tables[stem], said = _table(where, stem)
        if stem == _WHERE_THEY_ARE and summary[stem] is None:
            continue
        if said and (version != 1 or stem not in _SINCE_2):
            missing.append(said)
    if missing and summary["validity"]["verdict"] == "valid":
        summary["validity"] = {"verdict": "suspect", "reasons": ["its record is not whole"]}
    if tables["timeline"].empty:
        tables["timeline"] = salvage.timeline(log)
    return Record(where, summary, tables, log, missing)


def load_side(paths: Sequence[str]) -> list[Record]:
    """The records of one side of a comparison.

    :param paths: folders of runs, or folders of such folders.
    :raises RecordError: if one of them is neither.
    """
    found = []
    for path in map(Path, filter(None, paths)):
        inside = sorted(file.parent for file in path.glob("*/summary.json") if not file.parent.is_symlink())
        found += [
            load(folder) for folder in (inside if inside and not (path / "summary.json").exists() else [path])
        ]
    if not found:
        raise RecordError("a side of the comparison names no run. Give a run's folder.")
    return found


def load_summary(where: Path) -> dict[str, Any]:
    """A record's summary alone, whole.

    :raises RecordError: if it is none, cut off, or of a newer schema.
    """
    try:
        found = json.loads((where / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{where} is no whole record: {error}. Give the folder of one run.") from error
    return upgrade(found, str(where))[0]


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
    except ValueError as error:
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
    except (OSError, ValueError):
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
    whole = data[: data.rfind(b"\n") + 1]
    said = "" if whole == data else f"{stem}.csv is cut off"
    try:
        return pd.read_csv(io.BytesIO(whole)), said
    except pd.errors.EmptyDataError:
        return pd.DataFrame(), said
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        return pd.DataFrame(), f"{stem}.csv is damaged: {error}".replace("\n", " ").strip()
