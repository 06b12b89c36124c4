"""What changed between two sides of one or more runs each, how sure that is, and whether it fails a build."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from loadtest.measurement.names import event_of, key_of, label
from loadtest.measurement.outcome import LOST, OutcomeWord
from loadtest.reports import resampling
from loadtest.reports.differences import differences
from loadtest.reports.loss_rates import LossSample
from loadtest.reports.numbers import mean
from loadtest.reports.schema import RecordError
from loadtest.reports.significance import (
    ENOUGH_RUNS,
    FAILS_BEYOND_MS,
    FAILS_BEYOND_PERCENT,
    RUN_TO_RUN,
    Change,
    ChangeWord,
    enough,
    judge_losses,
    judge_time,
    judge_untested,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.reports.load import Record
    from loadtest.reports.resampling import Estimate

_QUANTILES: Final = {"p50": 50_000, "p90": 90_000, "p99": 99_000, "p999": 99_900}
_OTHERS: Final = {"fan_out": ("fan-out", ("p50", "p99")), "trigger": ("trigger answered", ("p50", "p99"))}
_MIN_BEYOND: Final = 20
"""Deliveries of a run that must be beyond a quantile, or the quantile is not compared."""
_NOT_COMPARED: Final = ("starting", "warm-up", "drain")


class ComparisonOutcome(Enum):
    """How a comparison came out, in a word."""

    PASSED = "PASSED"
    WARNING = "WARNING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides and their figures.

    changes: every figure.
    notes: what makes the sides hard to compare, a line each.
    doubts: why the comparison cannot pass even if nothing is worse, a line each.
    """

    before: Sequence[Record]
    after: Sequence[Record]
    changes: list[Change]
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def failing(self, tolerance_percent: float) -> list[Change]:
        """Return the figures that are worse for sure, and by more than is tolerated; shares have no tolerance."""
        return self._beyond(ChangeWord.WORSE, tolerance_percent)

    def warnings(self, tolerance_percent: float) -> list[Change]:
        """Return the figures that look worse by more than is tolerated, but not surely enough to fail."""
        return self._beyond(ChangeWord.MAYBE_WORSE, tolerance_percent)

    def outcome(self, tolerance_percent: float) -> ComparisonOutcome:
        """Return how the comparison came out."""
        if self.failing(tolerance_percent):
            return ComparisonOutcome.FAILED
        if self.warnings(tolerance_percent) or self.doubts:
            return ComparisonOutcome.WARNING
        return ComparisonOutcome.PASSED

    def _beyond(self, word: ChangeWord, tolerance_percent: float) -> list[Change]:
        return [
            change
            for change in self.changes
            if change.word is word and (change.is_share or (change.change or 0.0) > tolerance_percent)
        ]


def compare(before: Sequence[Record], after: Sequence[Record], rng: np.random.Generator) -> Comparison:
    """Compare two sides of one or more runs each.

    :raises RecordError: if a record is not whole, or a side has no run that can be used.
    """
    usable: list[list[Record]] = []
    notes: list[str] = []
    doubts: list[str] = []
    for side, name in ((before, "before"), (after, "after")):
        _refuse_damaged(side)
        kept, left_out, doubtful = _usable(side)
        if not kept:
            raise RecordError(f"the side {name} has no run to compare: {'; '.join(left_out)}. Run it again.")
        usable.append(kept)
        notes += [f"left out: {line}" for line in left_out]
        doubts += doubtful
    notes += differences(*usable)
    if not enough(*usable):
        notes.append(
            f"fewer than {ENOUGH_RUNS} runs a side cannot show how much two runs of the same thing differ: a "
            f"spread of {100 * RUN_TO_RUN:g}% is assumed, and a time fails only if it more than doubles (the "
            f"whole interval beyond +{FAILS_BEYOND_PERCENT:g}%) and grows by {FAILS_BEYOND_MS:g} ms or more"
        )
    sides = [[_Run(record) for record in side] for side in usable]
    changes = [*_times(sides, rng), judge_losses(*([run.losses() for run in side] for side in sides))]
    # Damage inside of a histogram shows only when it is decoded.
    for run in _all(sides):
        if run.record.intervals.damaged:
            raise RecordError(_not_whole(run.record, f"{run.record.intervals.damaged} histograms are damaged"))
    return Comparison(usable[0], usable[1], changes, notes, [*doubts, *_untold(changes, sides)])


def _refuse_damaged(side: Sequence[Record]) -> None:
    for record in side:
        if record.missing:
            raise RecordError(_not_whole(record, "; ".join(record.missing)))


def _not_whole(record: Record, why: str) -> str:
    return f"{record.where} is not whole and cannot be compared: {why}. Leave it out, or run it again."


def _usable(side: Sequence[Record]) -> tuple[list[Record], list[str], list[str]]:
    """Return the runs of a side that count, why others are left out, and why those that count are doubtful."""
    standings = [(record, _standing(record)) for record in side]
    valid = [record for record, (verdict, _) in standings if verdict == "valid"]
    doubtful = [(record, why) for record, (verdict, why) in standings if verdict == "suspect"]
    kept = valid or [record for record, _ in doubtful]
    left_out = [why for record, (_, why) in standings if not any(record is one for one in kept)]
    doubts = [] if valid else [f"{why}, and its side has no valid run" for _, why in doubtful]
    return kept, left_out, doubts


def _standing(record: Record) -> tuple[str, str]:
    """Return a run's verdict, as far as comparisons go, and that in words."""
    summary = record.summary
    if record.outcome.word is OutcomeWord.INVALID:
        return "invalid", f"run {summary['run_id']} is invalid: {record.outcome.why[0]}"
    verdict = summary["validity"]["verdict"]
    if verdict == "valid" and summary["interrupted"]:
        return "suspect", f"run {summary['run_id']} was interrupted"
    return verdict, f"run {summary['run_id']} is {verdict}"


class _Run:
    """One run, cut into blocks of seconds."""

    def __init__(self, record: Record) -> None:
        self.record = record
        from_s, to_s = _compared_span(record)
        self.blocks = resampling.blocks_of(to_s - from_s)
        self.edges_s = np.linspace(from_s, to_s, self.blocks + 1).round().tolist()

    def counts(self, key: str) -> Any:
        """Return histograms' counts, shape (blocks, steps)."""
        return self.record.counts([key], self.edges_s)

    def losses(self) -> LossSample:
        """Return what was lost over the whole run, by its accounts and by its timeline."""
        summary, timeline = self.record.summary, self.record.timeline
        seconds = np.zeros((0, 2))
        if {"owed", "lost"} <= set(timeline.columns):
            by_second = timeline.groupby("at_s")[["owed", "lost"]].sum().to_numpy(dtype=np.float64)
            seconds = by_second[by_second[:, 0] > 0]
        deliveries, triggers = summary["deliveries"], summary["triggers"]
        served = max(triggers["sent"] - triggers["refused"], 0)
        return LossSample(deliveries["expected"], deliveries["lost"], served, seconds)


def _compared_span(record: Record) -> tuple[int, int]:
    """Return from when to when times are compared: a run's steady load, or all of it if that was too short."""
    span = record.span_s or (0, 0)
    phases = [phase for name, phase in record.summary["phases"].items() if name not in _NOT_COMPARED]
    from_s = max(int(min((phase["from_s"] for phase in phases), default=span[0])), span[0])
    to_s = min(int(max((phase["to_s"] for phase in phases), default=span[1])), span[1])
    return (from_s, to_s) if to_s - from_s >= resampling.MIN_BLOCKS else span


def _times(sides: list[list[_Run]], rng: np.random.Generator) -> list[Change]:
    """Return the changes of all times, those of events first."""
    wanted = {key_of(event): (label(event), tuple(_QUANTILES)) for event in _events(sides)} | _OTHERS
    estimated: dict[str, list[list[Estimate]]] = {}
    unknown: dict[str, Change] = {}
    for key, (name, quantiles) in wanted.items():
        by_run = {id(run): run.counts(key) for run in _all(sides) if run.blocks >= resampling.MIN_BLOCKS}
        known = len(by_run) == len(_all(sides))
        for quantile in quantiles:
            figure, per_100k = f"{name} {quantile}", _QUANTILES[quantile]
            if known and all(_beyond(counts, per_100k) >= _MIN_BEYOND for counts in by_run.values()):
                estimated[figure] = [
                    [resampling.log_quantile(by_run[id(run)], per_100k, rng) for run in side] for side in sides
                ]
            else:
                before, after = (mean([_stated(run, key, quantile) for run in side]) for side in sides)
                unknown[figure] = judge_untested(figure, before, after)
    return [
        unknown.get(figure) or judge_time(figure, estimated[figure][0], estimated[figure][1], len(estimated))
        for figure in (f"{name} {quantile}" for name, quantiles in wanted.values() for quantile in quantiles)
    ]


def _ended_worse(sides: list[list[_Run]]) -> list[str]:
    """Return the runs after that failed, where none before did: for reasons that no figure here may show."""
    before, after = ([run.record for run in side] for side in sides)
    if any(record.outcome.word is OutcomeWord.FAILED for record in before):
        return []
    return [
        f"run {record.summary['run_id']} ended {record.outcome.line}"
        for record in after
        if record.outcome.word is OutcomeWord.FAILED
    ]


def _untold(changes: Sequence[Change], sides: list[list[_Run]]) -> list[str]:
    """Return what must be known before nothing can be called worse, and is not."""
    unknown = {change.figure: change for change in changes if change.word is ChangeWord.UNKNOWN}
    found = _ended_worse(sides)
    found += [] if LOST not in unknown else ["a run expected no deliveries: losses cannot be compared"]
    events = _events(sides)
    for event in events:
        if (change := unknown.get(f"{label(event)} p50")) is None:
            continue
        if (change.before is None) == (change.after is None):
            found.append(f"too little data to compare {label(event)}: more deliveries of steady load are needed")
    found += [
        f"{change.figure} was measured on one side only"
        for change in unknown.values()
        if not change.is_share and (change.before is None) != (change.after is None)
    ]
    if not events:
        found.append("no delivery was timed: there are no times to compare")
    return found


def _stated(run: _Run, key: str, quantile: str) -> float | None:
    """Return a quantile as the summary has it."""
    summary = run.record.summary
    event = event_of(key)
    times = summary[f"{key}_ms"] if event is None else summary["latency_ms"].get(event, {})
    value = times.get(quantile)
    return None if value is None else float(value)


def _beyond(counts: Any, per_100k: int) -> float:
    return float(counts.sum()) * (100_000 - per_100k) / 100_000


def _events(sides: list[list[_Run]]) -> list[str]:
    """Return the events of both sides, in the order of their first run."""
    return list(dict.fromkeys(event for run in _all(sides) for event in run.record.events))


def _all(sides: list[list[_Run]]) -> list[_Run]:
    return [run for side in sides for run in side]
