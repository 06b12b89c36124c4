"""The decision whether a level passes or fails, by repeated trials of it. Pure.

One failed trial never decides: a stall that has nothing to do with the level can make any trial fail, but nothing
makes an overloaded backend pass. So the rule is a sequential test (Wald's, in the form of a random walk):

- a level **fails** when two more of its trials failed than passed; the level that the search ends with has to fail
  by three;
- it **passes** when one more of its trials passed than failed; the level that the search ends with has to pass
  again, in a trial of twice the length;
- otherwise it is tried again. Unsure trials count for neither side. If the first two or four trials are all
  unsure, their seconds are judged together. The level passes if they are below the limit for certain. It fails if
  they are above it for certain and three of the trials are above it;
- it is **undecided** after four unsure trials, or eight in all. Then it moves neither end of the result.

Confidence. Assume that stalls make no more than one trial in eight fail. Then a level that should pass fails with
probability 0.26% (gambler's ruin, one step from passing and three from failing: 6 / 2400; slightly more with a
maximum of eight trials). So a search that tries ten such levels errs with 2.6%, plus 0.5% for the seconds of four
unsure trials. A level that should fail is judged at most ten times before it is undecided, each time by a 99%
interval that is wrong on this side with 0.5%, so it passes with at most 5%. Both errors are within 5%, hence 95%.
Events that are rarer than one per trial are not covered; longer trials find them.

RFC 2544 decides by one trial. The IETF's MLRsearch (draft-ietf-bmwg-mlrsearch) decides by the share of a level's
trials that exceed the goal, for the same reason as here: the test bed may cause a bad trial.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from loadtest.shapes.interval import half_width
from loadtest.shapes.trial import TrialOutcome, failure, half_of_lost, outcome_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.shapes.trial import Settings, Trial

CONFIDENCE: Final = 0.95
_FAILS_AHEAD: Final = 2
_FAILS_AHEAD_AT_THE_END: Final = 3
_PASSES_AHEAD: Final = 1
_POOL_EVERY: Final = 2
_MAX_UNSURE: Final = 4
_MAX_UNSURE_CONFIRMATIONS: Final = 2


class Decision(StrEnum):
    """The decision on a level."""

    PASSES = "passes"
    FAILS = "fails"
    UNDECIDED = "undecided"
    """Its trials neither pass nor fail for certain."""
    GENERATOR_LIMITED = "generator limited"
    """Too many of its trials were void."""


def decide(trials: Sequence[Trial], settings: Settings) -> Decision | None:
    """Return the decision on a level by its trials; None if it is to be tried again."""
    valid = [trial for trial in trials if trial.outcome is not TrialOutcome.VOID]
    unsure = [trial for trial in valid if trial.outcome is TrialOutcome.UNSURE]
    ahead = _ahead(valid)
    if ahead >= _FAILS_AHEAD:
        return Decision.FAILS
    if ahead <= -_PASSES_AHEAD:
        again = sum(trial.confirms for trial in unsure)
        contradicted = again >= _MAX_UNSURE_CONFIRMATIONS and not is_confirmed(trials, Decision.PASSES)
        return Decision.UNDECIDED if contradicted else Decision.PASSES
    if unsure == valid and unsure and len(unsure) % _POOL_EVERY == 0 and (pooled := _pooled(unsure, settings)):
        return pooled
    if len(unsure) >= _MAX_UNSURE or len(valid) >= settings.max_trials:
        return Decision.UNDECIDED
    return Decision.GENERATOR_LIMITED if len(trials) - len(valid) >= settings.max_voids else None


def is_confirmed(trials: Sequence[Trial], decision: Decision) -> bool:
    """Return whether a level that passes or fails has enough trials for the search to end with it."""
    if decision is Decision.PASSES:
        return any(trial.confirms and trial.outcome is TrialOutcome.PASSED for trial in trials)
    only_unsure = all(trial.outcome in (TrialOutcome.UNSURE, TrialOutcome.VOID) for trial in trials)
    return only_unsure or _ahead(trials) >= _FAILS_AHEAD_AT_THE_END


def why(trials: Sequence[Trial], settings: Settings) -> str:
    """Return why a level does not pass: the reason of its last failed trial, or of all unsure ones together."""
    failed = [trial for trial in trials if trial.outcome is TrialOutcome.FAILED]
    if failed:
        return failed[-1].why(settings)
    unsure = [trial for trial in trials if trial.outcome is TrialOutcome.UNSURE]
    if unsure:
        return failure(_share(unsure), sum(trial.lost or 0 for trial in unsure), settings)
    return trials[-1].why(settings) if trials else ""


def _ahead(trials: Sequence[Trial]) -> int:
    """Return how many more trials failed than passed."""
    failed = sum(trial.outcome is TrialOutcome.FAILED for trial in trials)
    return failed - sum(trial.outcome is TrialOutcome.PASSED for trial in trials)


def _pooled(unsure: Sequence[Trial], settings: Settings) -> Decision | None:
    """Judge the seconds of several unsure trials together."""
    shares = [share for trial in unsure for share in trial.shares]
    lost_shares = [share for trial in unsure for share in trial.lost_shares]
    half = half_width(shares, sum(trial.count for trial in unsure)) + half_of_lost(lost_shares)
    outcome = outcome_of(_share(unsure), half, settings.allowed)
    if outcome is TrialOutcome.PASSED:
        return Decision.PASSES
    over = sum((trial.share or 0.0) > settings.allowed for trial in unsure)
    return Decision.FAILS if outcome is TrialOutcome.FAILED and over >= _FAILS_AHEAD_AT_THE_END else None


def _share(trials: Sequence[Trial]) -> float:
    late = sum(trial.late for trial in trials) / max(sum(trial.count for trial in trials), 1)
    expected = sum(trial.expected or 0 for trial in trials)
    return min(late + sum(trial.lost or 0 for trial in trials) / max(expected, 1), 1.0)
