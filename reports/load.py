"""Reads a run's record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1


class RecordError(Exception):
    """A record that cannot be read; the message is one line."""


@dataclass(frozen=True, slots=True)
class Record:
    """One run. timeline, rooms, workers: see docs/run-record.md."""

    where: Path
    summary: dict[str, Any]
    timeline: pd.DataFrame
    rooms: pd.DataFrame
    workers: pd.DataFrame


def load(where: Path) -> Record:
    """Read a record's folder.

    :raises RecordError: if it is none, or of a newer schema.
    """
    try:
        summary = json.loads((where / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{where} is no run's record: {error}. Give the folder of one run.") from error
    if summary.get("schema") != SCHEMA:
        raise RecordError(
            f"{where} has schema {summary.get('schema')}, this version reads {SCHEMA}. "
            "Use the version of the package that wrote it."
        )
    return Record(where, summary, _table(where, "timeline"), _table(where, "rooms"), _table(where, "workers"))


def _table(where: Path, stem: str) -> pd.DataFrame:
    try:
        return pd.read_csv(where / f"{stem}.csv")
    except FileNotFoundError as error:
        raise RecordError(f"{where} has no {stem}.csv: the record is not whole.") from error
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
