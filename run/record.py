"""Writes a run's record: a folder of plain files that appears at once, whole. See docs/run-record.md."""

from __future__ import annotations

import csv
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LATEST = "latest"


def write(
    results_dir: Path,
    summary: Mapping[str, Any],
    tables: Mapping[str, list[dict[str, Any]]],
    histograms: Mapping[str, bytes],
) -> Path:
    """Write a record under the run's id and point `latest` to it.

    :param tables: file stem -> rows; written as CSV.
    :param histograms: name -> encoded HdrHistogram in µs.
    :returns: the record's folder.
    :raises OSError: if the disk says no; nothing is left behind then.
    """
    results_dir.mkdir(parents=True, exist_ok=True)
    run_id = summary["run_id"]
    partial = results_dir / f".{run_id}.partial"
    final = results_dir / run_id
    try:
        partial.mkdir()
        (partial / "histograms").mkdir()
        for name, encoded in histograms.items():
            (partial / "histograms" / f"{name}.hdr").write_bytes(encoded + b"\n")
        for stem, rows in tables.items():
            _write_csv(partial / f"{stem}.csv", rows)
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        (partial / "summary.json").write_text(text + "\n", encoding="utf-8")
        partial.rename(final)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _point_latest(results_dir, run_id)
    return final


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _point_latest(results_dir: Path, run_id: str) -> None:
    temporary = results_dir / f".{LATEST}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(run_id)
    temporary.replace(results_dir / LATEST)
