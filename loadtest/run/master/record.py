"""Writes a run's record: a folder of plain files. See docs/run-record.md.

While the run goes on, it is a hidden folder that grows; when the run ends, it gets its name at once, whole. What a
master that was killed leaves behind is the hidden one, which `loadtest report` reads as far as it goes.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement import interval_log, names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loadtest.measurement.second import Second

LATEST: Final = "latest"
_NOT_LOGGED: Final = frozenset(
    ("clock_bound", "gc_pause", *(f"connect_{phase}" for phase in ("tcp", "tls", "upgrade", "open", "socketio")))
)
"""What the time line's quantiles are enough for."""


class Draft:
    """A record that is being written.

    :param results_dir: the folder of all records.
    :param begun: what is known of the run when it begins, with its `run_id`; in the fields of the summary.
    :param start_s: when it begins, in seconds since the epoch.
    :raises OSError: if it cannot be written; nothing is left behind then.
    """

    def __init__(self, results_dir: Path, begun: Mapping[str, Any], start_s: float) -> None:
        self._results_dir = results_dir
        self._log_broke = False
        self._run_id = begun["run_id"]
        results_dir.mkdir(parents=True, exist_ok=True)
        self.where = results_dir / f".{self._run_id}.partial"
        try:
            self.where.mkdir()
            _write_json(self.where / "begun.json", begun)
            self._log = (self.where / "latency.hlog").open("w", encoding="utf-8")
            self._log.write(interval_log.header(start_s))
        except OSError:
            self.discard()
            raise

    def log(self, second: Second) -> str:
        """Add a second's latencies.

        The run goes on if that cannot be written: what it measures is in the master, and perhaps there is room
        again when it ends.

        :returns: why it cannot be written any more, once; else nothing.
        """
        if self._log_broke:
            return ""
        try:
            self._log.write(interval_log.lines_of(second, _NOT_LOGGED))
            self._log.flush()
        except OSError as error:
            self._log_broke = True
            return str(error)
        return ""

    def finish(
        self,
        summary: Mapping[str, Any],
        tables: Mapping[str, list[dict[str, Any]]],
        histograms: Mapping[str, bytes],
    ) -> Path:
        """Write the rest, give the record its name, and point `latest` to it.

        :param tables: file stem -> rows; written as CSV, its texts as `names.cell` makes them.
        :param histograms: metric key -> encoded HdrHistogram in µs.
        :returns: the record's folder.
        :raises OSError: if the disk says no; what is there already stays.
        """
        final = self._results_dir / self._run_id
        self._log.close()
        (self.where / "histograms").mkdir()
        for name, encoded in histograms.items():
            (self.where / "histograms" / f"{names.stem_of(name)}.hdr").write_bytes(encoded + b"\n")
        for stem, rows in tables.items():
            _write_csv(self.where / f"{stem}.csv", rows)
        _write_json(self.where / "summary.json", summary)
        (self.where / "begun.json").unlink()
        self.where.rename(final)
        _point_latest(self._results_dir, self._run_id)
        return final

    def discard(self) -> None:
        """Remove it."""
        shutil.rmtree(self.where, ignore_errors=True)


def amend(record: Path, more: Mapping[str, Any]) -> None:
    """Change fields of a complete record's summary, atomically.

    :raises OSError: if the record cannot be written; it then stays as it was.
    """
    path = record / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    temporary = record / ".summary.json"
    _write_json(temporary, summary | more)
    temporary.replace(path)


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    # Half a character becomes its escape, which is also what JSON has for it.
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(map(names.cell, columns))
        writer.writerows([_cell(row.get(column, "")) for column in columns] for row in rows)


def _cell(value: object) -> object:
    return names.cell(value) if isinstance(value, str) else value


def _point_latest(results_dir: Path, run_id: str) -> None:
    temporary = results_dir / f".{LATEST}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(run_id)
    temporary.replace(results_dir / LATEST)
