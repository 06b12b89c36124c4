"""A nightly run among its like: compared with the baseline of the same load, and drawn into the history.

The baseline is the first seven runs of a load that passed, or what `python -m reports baseline` chose. It is named
in `baseline.json` beside the records: series -> {runs: their ids, whole: whether none is added any more}.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exit_codes import ExitCode, of_summary

from . import compare_page, junit, trend_page
from .compare import UNKNOWN, Comparison, compare
from .load import load, load_summary
from .make import write
from .numbers import number
from .schema import RecordError
from .trend import series_of, trend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from .compare import Change
    from .load import Record

MOST_BASELINE: Final = 7
"""Several say how much runs of the same thing differ; see docs/reports.md."""
_FILE: Final = "baseline.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """line: for the terminal. code: of the exit."""

    line: str
    code: ExitCode


def nightly(where: Path, tolerance_percent: float, rng: np.random.Generator) -> Outcome:
    """Compare a record with its baseline, write compare.html and junit.xml beside it, and the trend above it.

    A run that passes and is not worse joins a baseline that is not whole yet.

    :raises RecordError: if the record, or one of the baseline's, is none.
    :raises OSError: if something cannot be written.
    """
    where = where.resolve()
    record = load(where)
    summary = record.summary
    code = of_summary(summary)
    kept = _read(where.parent)
    series = series_of(summary)
    chosen = kept.get(series, {"runs": [], "whole": False})
    baseline = _records(where.parent, chosen["runs"], summary["run_id"])
    found: Comparison | None = None
    worse, told = [], False
    if baseline and summary["validity"]["verdict"] != "invalid":
        found = compare(baseline, [record], rng)
        worse = found.worse_than(tolerance_percent)
        told = any(change.word != UNKNOWN for change in found.changes)
        write(where / "compare.html", compare_page.page(found, tolerance_percent))
    write(where / "junit.xml", junit.render(summary, found, worse))
    if code is ExitCode.PASSED and worse:
        code = ExitCode.WORSE
    if code is ExitCode.PASSED and not chosen["whole"] and summary["run_id"] not in chosen["runs"]:
        run_ids = [*chosen["runs"], summary["run_id"]]
        _keep(where.parent, series, run_ids, whole=len(run_ids) >= MOST_BASELINE)
    history = trend(where.parent, rng)
    trend_page.save(history, where.parent, where.parent)
    against = _against(len(baseline), worse, tolerance_percent, told=told)
    return Outcome(_line(summary, code, against), code)


def set_baseline(paths: Sequence[Path]) -> str:
    """From now on, runs of this load are compared with these; the load's name.

    :raises RecordError: if one of them is no record, or they are of different loads or folders.
    """
    summaries = [load_summary(path) for path in paths]
    places = {path.resolve().parent for path in paths}
    names = {series_of(summary) for summary in summaries}
    if len(places) != 1 or len(names) != 1:
        raise RecordError("a baseline is of one load, in one folder. Give runs that differ in nothing but time.")
    (place,), (name,) = places, names
    _keep(place, name, [summary["run_id"] for summary in summaries], whole=True)
    return name


def _records(results: Path, run_ids: Sequence[str], but: str) -> list[Record]:
    """Those of the baseline that are still there."""
    return [load(results / run_id) for run_id in run_ids if run_id != but and (results / run_id).is_dir()]


def _read(results: Path) -> dict[str, dict[str, Any]]:
    path = results / _FILE
    try:
        found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise RecordError(f"{path} is damaged: {error}. Remove it, or choose anew: reports baseline.") from error
    return found


def _keep(results: Path, series: str, run_ids: list[str], *, whole: bool) -> None:
    kept = {**_read(results), series: {"runs": run_ids, "whole": whole}}
    text = json.dumps(kept, indent=2, ensure_ascii=False)
    write(results / _FILE, text + "\n")


def _against(baseline: int, worse: Sequence[Change], tolerance_percent: float, *, told: bool) -> str:
    if not baseline:
        return "no baseline yet"
    runs = f"against {baseline} earlier run{'s' * (baseline > 1)}"
    if worse:
        return f"{runs}: WORSE: {', '.join(change.figure for change in worse)}"
    return f"{runs}: {f'none worse by more than {tolerance_percent:g}%' if told else 'too short to tell'}"


def _line(summary: Mapping[str, Any], code: ExitCode, against: str) -> str:
    deliveries = summary["deliveries"]
    judged = [row for row in summary["slo"] if row["passed"] is not None]
    verdict = summary["validity"]["verdict"]
    return (
        f"nightly: {code.label.upper()} ({int(code)}), run {summary['run_id']} is {verdict}; "
        f"{sum(row['passed'] for row in judged)} of {len(judged)} objectives hold; "
        f"lost {deliveries['lost']} of {deliveries['expected']}; "
        f"latency p99 {number(summary['figures']['latency_p99_ms'])} ms; {against}"
    )
