"""What changed between two runs, or two sides of several runs, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from . import resampling
from .schema import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .load import Record
    from .resampling import Estimate

BETTER, WORSE, SAME, UNKNOWN = "better", "worse", "no difference that this data can show", "too little data"
CONFIDENCE: Final = 0.95
"""That none of the words better and worse is wrong, where nothing has changed."""
_QUANTILES: Final = {"p50": 50_000, "p90": 90_000, "p99": 99_000, "p999": 99_900}
_OTHERS: Final = {"fan_out": ("fan-out", ("p50", "p99")), "trigger": ("trigger answered", ("p50", "p99"))}
_LEAST_BEYOND: Final = 20
"""So many deliveries of a run have to be beyond a quantile that it can be told."""
_RUN_TO_RUN: Final = 0.015
_SLOWER: Final = 1.5
_SLOWER_MS: Final = 0.5
_NOT_COMPARED: Final = ("starting", "warm-up", "drain")
_ALIKE: Final = ("profile", "rooms", "rate_per_s", "users_by_class", "workers", "receive_clock")
_OWN_OPTIONS: Final = ("results_dir", "monitor", "no_report", "keep_data", "history", "tolerance", "metrics_port")


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of both sides.

    before, after: in its unit; None where it was not measured. low, high: of the change, in percent, or, of a
    share, in percentage points.
    """

    figure: str
    unit: str
    before: float | None
    after: float | None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    word: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class Comparison:
    """changes: the figures. notes: what makes the sides hard to compare, a line each."""

    before: Sequence[Record]
    after: Sequence[Record]
    changes: list[Change]
    notes: list[str] = field(default_factory=list)

    def worse_than(self, tolerance_percent: float) -> list[Change]:
        """What is worse for sure, and by more than is tolerated; of a share, whatever is worse."""
        return [
            change
            for change in self.changes
            if change.word == WORSE and (change.unit == "%" or (change.change or 0.0) > tolerance_percent)
        ]


def compare(before: Sequence[Record], after: Sequence[Record], rng: np.random.Generator) -> Comparison:
    """Compare two sides of one or more runs each.

    :raises RecordError: if a side has no run that can be used.
    """
    usable: list[list[Record]] = []
    notes: list[str] = []
    for side, name in ((before, "before"), (after, "after")):
        kept, said = _usable(side)
        notes += said
        if not kept:
            raise RecordError(f"no run of the side {name} is valid: there is nothing to compare. Run it again.")
        usable.append(kept)
    notes += [*_unlike(*usable), *_slower_ourselves(*usable)]
    if len(usable[0]) == len(usable[1]) == 1:
        notes.append(
            "one run a side: how much two runs of the same thing differ here is not known, "
            f"{100 * _RUN_TO_RUN:g}% is taken for it; give several"
        )
    sides = [[_Run(record) for record in side] for side in usable]
    estimates = [*_latencies(sides, rng), _losses(sides, rng)]
    judged = sum(found is not None for _, _, found in estimates)
    confidence = 1 - (1 - CONFIDENCE) / max(judged, 1)
    return Comparison(usable[0], usable[1], [_judge(*one, confidence) for one in estimates], notes)


def _usable(side: Sequence[Record]) -> tuple[list[Record], list[str]]:
    """The runs of a side that count, and what is to be said of the others: valid ones, or else suspect ones."""
    by_verdict = {
        verdict: [record for record in side if record.summary["validity"]["verdict"] == verdict]
        for verdict in ("valid", "suspect")
    }
    kept = by_verdict["valid"] or by_verdict["suspect"]
    left_out = [record for record in side if not any(record is one for one in kept)]
    said = [
        f"{record.summary['run_id']} is {record.summary['validity']['verdict']}, and left out"
        for record in left_out
    ]
    if not by_verdict["valid"]:
        said += [f"{record.summary['run_id']} is suspect, and there is no valid run beside it" for record in kept]
    return kept, said


def _slower_ourselves(before: Sequence[Record], after: Sequence[Record]) -> list[str]:
    """Whether our own processes were slower on one side: then the machine was, and perhaps not the backend."""
    found = []
    for name, what in (("generator_delay_ms", "own delay"), ("loop_lag_ms", "event loop")):
        one, other = (_mean([record.summary[name]["p99"] for record in side]) for side in (before, after))
        if one is None or other is None:
            continue
        if max(one, other) > _SLOWER * min(one, other) and abs(one - other) > _SLOWER_MS:
            found.append(
                f"the load generator itself was not alike: {what} p99 {one:.3g} ms before, {other:.3g} ms after; "
                "what differs may be the machine"
            )
    return found


class _Run:
    """One run, cut into blocks of seconds."""

    def __init__(self, record: Record) -> None:
        self.record = record
        phases = {name: one for name, one in record.summary["phases"].items() if name not in _NOT_COMPARED}
        span = record.span_s or (0, 0)
        from_s = min((phase["from_s"] for phase in phases.values()), default=span[0])
        to_s = max((phase["to_s"] for phase in phases.values()), default=span[1])
        self.blocks = resampling.blocks_of(to_s - from_s)
        self.edges_s = np.linspace(from_s, to_s, self.blocks + 1).round().tolist()

    def counts(self, name: str) -> Any:
        """Shape (blocks, steps)."""
        return self.record.counts([name], self.edges_s)

    def sums(self, column: str) -> Any:
        """A column of the time line, added up by block."""
        timeline = self.record.timeline
        if column not in timeline:
            return np.zeros(self.blocks)
        return np.histogram(timeline["at_s"], bins=self.edges_s, weights=timeline[column].fillna(0))[0]


_Found = tuple[tuple[str, str], tuple[float | None, float | None], "Estimate | None"]
"""((figure, unit), (before, after), the difference: of logarithms, or of shares)."""


def _latencies(sides: list[list[_Run]], rng: np.random.Generator) -> list[_Found]:
    events = [
        event for event in sides[0][0].record.events if all(event in run.record.events for run in _all(sides))
    ]
    wanted = {event: (event, tuple(_QUANTILES)) for event in events} | _OTHERS
    found: list[_Found] = []
    for name, (label, quantiles) in wanted.items():
        by_run = {id(run): run.counts(name) for run in _all(sides) if run.blocks >= resampling.LEAST_BLOCKS}
        known = len(by_run) == len(_all(sides)) and all(counts.any() for counts in by_run.values())
        for quantile in quantiles:
            figure = (f"{label} {quantile}", "ms")
            share = _QUANTILES[quantile]
            if not known or any(_beyond(counts, share) < _LEAST_BEYOND for counts in by_run.values()):
                values = [_mean([_stated(run, name, quantile) for run in side]) for side in sides]
                found.append((figure, (values[0], values[1]), None))
                continue
            estimates = [[resampling.log_quantile(by_run[id(run)], share, rng) for run in side] for side in sides]
            values = [math.exp(sum(one.value for one in side) / len(side)) / 1000 for side in estimates]
            difference = resampling.difference(estimates[0], estimates[1], run_to_run=_RUN_TO_RUN)
            found.append((figure, (values[0], values[1]), difference))
    return found


def _losses(sides: list[list[_Run]], rng: np.random.Generator) -> _Found:
    """What was lost, over the whole run as the accounts have it; how sure, by blocks."""
    deliveries = [[run.record.summary["deliveries"] for run in side] for side in sides]
    values = [
        100 * sum(one["lost"] for one in side) / expected
        if (expected := sum(one["expected"] for one in side))
        else None
        for side in deliveries
    ]
    figure = ("lost", "%")
    if any(run.blocks < resampling.LEAST_BLOCKS or not run.sums("owed").any() for run in _all(sides)):
        return figure, (values[0], values[1]), None
    estimates = [[resampling.share(run.sums("lost"), run.sums("owed"), rng) for run in side] for side in sides]
    return figure, (values[0], values[1]), resampling.difference(estimates[0], estimates[1])


def _judge(
    figure: tuple[str, str], values: tuple[float | None, float | None], found: Estimate | None, confidence: float
) -> Change:
    if found is None:
        return Change(*figure, *values)
    half = resampling.half_width(found, confidence)
    to_percent: Callable[[float], float] = _points if figure[1] == "%" else _ratio
    low, change, high = (to_percent(found.value + offset) for offset in (-half, 0.0, half))
    word = WORSE if low > 0 else BETTER if high < 0 else SAME
    return Change(*figure, *values, change, low, high, word)


def _ratio(log: float) -> float:
    return 100 * math.expm1(log)


def _points(share: float) -> float:
    return 100 * share


def _unlike(before: Sequence[Record], after: Sequence[Record]) -> list[str]:
    """What was not the same on both sides, from the facts of the runs."""
    found = []
    for name in _ALIKE:
        seen = [{str(record.summary[name]) for record in side} for side in (before, after)]
        if seen[0] != seen[1]:
            found.append(
                f"{name.replace('_', ' ')}: {' or '.join(sorted(seen[0]))} before, "
                f"{' or '.join(sorted(seen[1]))} after"
            )
    for kind in ("options", "software"):
        sides = [_merged(record.summary[kind] for record in side) for side in (before, after)]
        for name in sorted(sides[0].keys() & sides[1].keys()):
            if sides[0][name] != sides[1][name] and name not in (*_OWN_OPTIONS, *_ALIKE, "rate"):
                label = f"--{name.replace('_', '-')}" if kind == "options" else name
                found.append(f"{label}: {sides[0][name]} before, {sides[1][name]} after")
    return found


def _merged(facts: Any) -> dict[str, str]:
    """Name -> value, or all values that there were."""
    seen: dict[str, set[str]] = {}
    for one in facts:
        assert isinstance(one, Mapping)
        for name, value in one.items():
            seen.setdefault(name, set()).add(str(value))
    return {name: " or ".join(sorted(values)) for name, values in seen.items()}


def _stated(run: _Run, name: str, quantile: str) -> float | None:
    """A quantile as the summary has it."""
    summary = run.record.summary
    times = summary["latency_ms"].get(name) or summary.get(f"{name}_ms", {})
    value = times.get(quantile)
    return None if value is None else float(value)


def _beyond(counts: Any, per_100k: int) -> float:
    return float(counts.sum()) * (100_000 - per_100k) / 100_000


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _all(sides: list[list[_Run]]) -> list[_Run]:
    return [run for side in sides for run in side]
