"""A nightly run among its like: compared with the baseline of the same load, and drawn into the history.

The baseline is the first seven runs of a load that passed, or what `loadtest baseline` chose. It is named
in `baseline.json` beside the records: series -> {runs: their ids, whole: whether none is added any more}.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.outcome import OutcomeWord
from loadtest.measurement.recorded_outcome import COMPARISON_FILE, BaselineComparison
from loadtest.reports import compare_page, junit, trend_page
from loadtest.reports.compare import Comparison, compare
from loadtest.reports.load import load, load_summary, read_summary
from loadtest.reports.make import draw, write
from loadtest.reports.numbers import number
from loadtest.reports.schema import RecordError
from loadtest.reports.significance import ENOUGH_RUNS, ChangeWord
from loadtest.reports.trend import rows_by_series, series_of, trend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from loadtest.measurement.outcome import Outcome
    from loadtest.reports.load import Record

MOST_BASELINE: Final = 7
"""Several say how much runs of the same thing differ; see docs/reports.md."""
_FILE: Final = "baseline.json"


@dataclass(frozen=True, slots=True)
class NightlyRun:
    """How a nightly run came out. line: for the terminal, with the word first."""

    outcome: Outcome
    line: str


def nightly(where: Path, tolerance_percent: float, rng: np.random.Generator) -> NightlyRun:
    """Compare a record with its baseline; write that and its report beside it, and the trend above it.

    A run that passes, and is not even perhaps worse, joins a baseline that is not whole yet.

    :raises RecordError: if the record, or one of the baseline's, is none.
    :raises OSError: if something cannot be written.
    """
    where = where.resolve()
    read_summary(where)  # what was never brought to its end has no place among the nights
    record = load(where)
    kept = _read(where.parent)
    series = series_of(record.summary)
    chosen = kept.get(series, {"runs": [], "whole": False})
    run_id = record.summary["run_id"]
    baseline = _records(where.parent, [one for one in chosen["runs"] if one != run_id])
    found: Comparison | None = None
    if baseline and record.outcome.word is not OutcomeWord.INVALID:
        found = compare(baseline, [record], rng)
        nights = _records(where.parent, _last_nights(where, series, chosen["runs"]))
        if len(nights) == len(baseline[:ENOUGH_RUNS]) == ENOUGH_RUNS and not found.failing(tolerance_percent):
            # One night that is slower may be chance; as many as it takes to tell are not.
            recent = compare(baseline, nights, rng)
            found = recent if recent.failing(tolerance_percent) else found
        write(where / "compare.html", compare_page.page(found, tolerance_percent, where))
    failing = found.failing(tolerance_percent) if found is not None else []
    against = _against(len(baseline), found, tolerance_percent)
    ids = tuple(one.summary["run_id"] for one in baseline)
    said = BaselineComparison(ids, tuple(change.figure for change in failing), against)
    write(where / COMPARISON_FILE, json.dumps(said.to_json(), indent=2, ensure_ascii=False) + "\n")
    # Made after the comparison: a run that ended worse says so in its own report, too.
    record = load(where)
    draw(record)
    outcome = record.outcome
    write(where / "junit.xml", junit.render(record.summary, outcome, record.objectives, found, failing))
    calm = outcome.word is OutcomeWord.PASSED and not (found and found.warnings(tolerance_percent))
    if calm and not chosen["whole"] and run_id not in chosen["runs"]:
        run_ids = [*chosen["runs"], run_id]
        _keep(where.parent, series, run_ids, whole=len(run_ids) >= MOST_BASELINE)
    history = trend(where.parent, rng)
    trend_page.save(history, where.parent, where.parent)
    return NightlyRun(outcome, _line(record.summary, outcome, against))


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


def _last_nights(where: Path, series: str, baseline: Sequence[str]) -> list[str]:
    """Return the last runs of a load up to one, as many as it takes to tell a change; none of the baseline's."""
    rows, _ = rows_by_series(where.parent)
    runs = sorted(rows.get(series, []), key=itemgetter("started"))
    usable = [row["run_id"] for row in runs if row["verdict"] != "invalid" and row["run_id"] not in baseline]
    return usable[: usable.index(where.name) + 1][-ENOUGH_RUNS:] if where.name in usable else []


def _records(results: Path, run_ids: Sequence[str]) -> list[Record]:
    """Return those that are still there."""
    return [load(results / run_id) for run_id in run_ids if (results / run_id).is_dir()]


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


def _against(baseline: int, found: Comparison | None, tolerance_percent: float) -> str:
    if found is None:
        return "no baseline yet" if not baseline else "not compared"
    nights = f"the last {len(found.after)} nights " if len(found.after) > 1 else ""
    runs = f"{nights}against {baseline} earlier run{'s' * (baseline > 1)}"
    if failing := found.failing(tolerance_percent):
        return f"{runs}: worse: {', '.join(change.figure for change in failing)}"
    if warnings := found.warnings(tolerance_percent):
        return f"{runs}: WARNING, perhaps worse: {', '.join(change.figure for change in warnings)}"
    told = any(change.word is not ChangeWord.UNKNOWN for change in found.changes)
    return f"{runs}: {f'not worse by more than {tolerance_percent:g}%' if told else 'too short to tell'}"


def _line(summary: Mapping[str, Any], outcome: Outcome, against: str) -> str:
    deliveries = summary["deliveries"]
    return (
        f"{outcome.word}: nightly run {summary['run_id']} ({int(outcome.code)}) is "
        f"{summary['validity']['verdict']}; objectives: {outcome.counts}; "
        f"lost {deliveries['lost']} of {deliveries['expected']}; "
        f"latency p99 {number(summary['figures'].get('latency_p99_ms'))} ms; {against}"
    )
