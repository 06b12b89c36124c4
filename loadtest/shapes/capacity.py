"""The search for the largest load that passes an objective. Pure.

The objective limits lateness: only a share of all deliveries may come later than a limit. Lost deliveries count as
late. The search doubles the level until one fails, halves the gap, and tries both ends again.

Repeated trials decide each level (`level` states the confidence), and each trial is judged by its own interval
(`trial`). A level that stays undecided moves neither end of the result: the search goes on above and below it. The
result is a level that passes and a higher one that fails, with the capacity in between. If no level fails for
certain, the result is only a lower bound.

The number of trials is bounded: a level has at most `max_trials` that count and `max_voids` that are void. The
gaps halve until they are within `resolution`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loadtest.shapes.level import CONFIDENCE, Decision, decide, is_confirmed, why
from loadtest.shapes.trial import TrialInProgress, TrialOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.shapes.trial import Moment, Settings, Trial


@dataclass(slots=True)
class Search:
    """See the module. Set `level`, say when it is reached with `begin`, and feed it moments until it is `done`."""

    settings: Settings
    level: float = 0.0
    done: bool = False
    trials: list[Trial] = field(default_factory=list)
    _began_s: int | None = None
    _trial: TrialInProgress | None = None
    _confirming: bool = False

    def __post_init__(self) -> None:
        self.level = self.settings.least

    def begin(self, at_s: int) -> None:
        """The level is set since this second."""
        self._began_s = at_s
        self._trial = None

    def feed(self, moment: Moment) -> None:
        """Take one second, in order; may change the level, or end the search."""
        if self.done or self._began_s is None or moment.at_s <= self._began_s + self._settle_s():
            return
        if self._trial is None:
            is_longer = self._confirming and self.level == self.max_passing
            self._trial = TrialInProgress(self.settings, self.level, moment, confirms=is_longer)
        elif (trial := self._trial.add(moment)) is not None:
            self.trials.append(trial)
            self._began_s = self._trial = None
            self._go_on()

    def _settle_s(self) -> int:
        """Seconds to settle before a trial: twice as long after one that failed, for its backlog to drain."""
        failed = bool(self.trials) and self.trials[-1].outcome is TrialOutcome.FAILED
        return self.settings.settle_s * (2 if failed else 1)

    @property
    def waits(self) -> bool:
        """Whether it waits for `begin`."""
        return self._began_s is None and not self.done

    def trials_of(self, level: float | None) -> list[Trial]:
        """Return the trials of one level, in order."""
        return [trial for trial in self.trials if trial.level == level]

    @property
    def decisions(self) -> dict[float, Decision | None]:
        """Level -> its decision; None if it is to be tried again."""
        levels = {trial.level for trial in self.trials}
        return {level: decide(self.trials_of(level), self.settings) for level in sorted(levels)}

    @property
    def max_passing(self) -> float | None:
        """The largest level that passes, below all that fail; None if there is none."""
        bound = self.min_failing
        passing = self._decided(Decision.PASSES)
        return max((level for level in passing if bound is None or level < bound), default=None)

    @property
    def min_failing(self) -> float | None:
        """The smallest level that fails for certain; None if there is none."""
        return min(self._decided(Decision.FAILS), default=None)

    def _decided(self, *wanted: Decision) -> list[float]:
        return [level for level, decision in self.decisions.items() if decision in wanted]

    @property
    def _in_between(self) -> list[float]:
        """The levels between the two ends that neither pass nor fail for certain, in order."""
        low, high = self.max_passing or 0.0, self.min_failing or math.inf
        unknown = self._decided(Decision.UNDECIDED, Decision.GENERATOR_LIMITED)
        return [level for level in unknown if low < level < high]

    def _go_on(self) -> None:
        """Decide which level is next, or end."""
        trials = self.trials_of(self.level)
        decision = decide(trials, self.settings)
        if decision is None or (self._confirming and self._is_open(self.level, decision)):
            return
        self._confirming = False
        if (following := self._next_level()) is not None:
            self.level = following
            return
        decisions = self.decisions
        for end in (self.min_failing, self.max_passing):
            if end is not None and self._is_open(end, decisions[end]):
                self._confirming, self.level = True, end
                return
        self.done = True

    def _is_open(self, level: float, decision: Decision | None) -> bool:
        """Return whether a level that passes or fails is to be tried again before the search ends with it."""
        trials = self.trials_of(level)
        if decision not in (Decision.PASSES, Decision.FAILS) or is_confirmed(trials, decision):
            return False
        voids = sum(trial.outcome is TrialOutcome.VOID for trial in trials)
        return len(trials) - voids < self.settings.max_trials and voids < self.settings.max_voids

    def _next_level(self) -> float | None:
        """Return a level to try that makes the result narrower; None if there is none."""
        low, between = self.max_passing, self._in_between
        high = self.min_failing
        if high is None and (limited := self._decided(Decision.GENERATOR_LIMITED)):
            # The generator cannot offer more load than this.
            high = min(limited)
            between = [level for level in between if level < high]
        if low is None and high == self.settings.least:
            return None
        known = [*([] if low is None else [low]), *between]
        if high is None:
            reached = known[-1]
            if reached < self.settings.most:
                return self._rounded(min(reached * self.settings.growth, self.settings.most))
        elif (middle := self._middle(known[-1], high)) is not None:
            return middle
        return self._middle(low, between[0]) if low is not None and between else None

    def _middle(self, low: float, high: float) -> float | None:
        """Return the middle of a gap; None if it is narrow enough."""
        if high - low <= max(low * self.settings.resolution, 1.0 if self.settings.members else 0.0):
            return None
        middle = self._rounded((low + high) / 2)
        return middle if low < middle < high else None

    def _rounded(self, level: float) -> float:
        return float(math.floor(level)) if self.settings.members else round(level, 3)

    def reconcile(self, seconds: Mapping[int, tuple[int, int]]) -> None:
        """Correct the losses of trials by the run's final record.

        A delivery that arrived after it was counted as lost is late, not lost. A trial that passed no longer
        passes if more deliveries were lost in its time than were known then.

        :param seconds: second -> (deliveries expected of the triggers sent in it, those of them that were lost).
        """
        for trial in self.trials:
            within = [seconds[at_s] for at_s in range(trial.from_s, trial.to_s + 1) if at_s in seconds]
            trial.expected = sum(expected for expected, _ in within)
            trial.lost = sum(lost for _, lost in within)
            if trial.outcome is TrialOutcome.PASSED and trial.count:
                share = min(trial.late / trial.count + trial.lost_share, 1.0)
                if share > self.settings.allowed:
                    trial.share, trial.outcome = share, TrialOutcome.UNSURE

    def result(self) -> dict[str, Any]:
        """Return the result in the form of a run's summary."""
        low, high = self.max_passing, self.min_failing
        limited = [
            level
            for level, decision in self.decisions.items()
            if decision is Decision.GENERATOR_LIMITED and level > (low or 0.0)
        ]
        stopped = min(limited) if limited and high is None else None
        return {
            "finished": self.done,
            "max_passing": low,
            "min_failing": high,
            "lower_bound_only": high is None and low is not None,
            "undecided": self._in_between,
            "confidence": None if low is None and high is None else CONFIDENCE,
            "confirmed": low is not None and is_confirmed(self.trials_of(low), Decision.PASSES),
            "limited_by_generator": stopped is not None,
            "why_failing": "" if high is None else why(self.trials_of(high), self.settings),
            "why_limited": "" if stopped is None else why(self.trials_of(stopped), self.settings),
            "limit_ms": self.settings.limit_ms,
            "allowed_late_share": self.settings.allowed,
            "levels": [self._row(level, decision) for level, decision in self.decisions.items()],
            "trials": [trial.to_json(self.settings) for trial in self.trials],
        }

    def _row(self, level: float, decision: Decision | None) -> dict[str, Any]:
        trials = self.trials_of(level)
        counts = {one.value: sum(trial.outcome is one for trial in trials) for one in TrialOutcome}
        return {"level": level, "decision": "" if decision is None else decision.value, **counts}
