"""One trial of a level of the capacity search: some seconds of measurements, and their outcome. Pure.

A trial compares one share with the allowed share: the deliveries that were lost or came later than the limit. It
passes or fails only if the 99% interval of that share is on one side of the allowed share. It is unsure if the
interval still contains the allowed share after the longest time. It is judged only twice, after `hold_s` and after
`longest_s`: judging every second would sooner or later catch a lucky moment.

Losses are counted as in `measurement.interim`, by the rules of the run's final record: a delivery is not lost
while it is in flight or while its second is not complete. So a trial cannot pass before its seconds are counted.

A trial is void, instead of failed or unsure, if the load generator explains the result: its event loops or its
machine stood still, its CPU was used up, its reports did not come, or it could not send the triggers in time.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from loadtest.shapes.interval import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_MISSED_SHARE: Final = 0.01
_MIN_MEMBERS_SHARE: Final = 0.98
_MAX_MEAN_LAG_MS: Final = 25.0
_MAX_STALL_MS: Final = 200.0
_MAX_CPU_PERCENT: Final = 90.0


class TrialOutcome(StrEnum):
    """How a trial came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNSURE = "unsure"
    """The interval contains the allowed share."""
    VOID = "void"
    """It says nothing about the backend: the load generator was in the way."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One second over all workers.

    at_s: the second, since the epoch.
    count, late: deliveries received in this second, and the part of them that was late.
    members: members in their rooms at its end.
    counted_until_s: deliveries of triggers sent before this moment are counted, in seconds since the epoch.
    expected, lost: deliveries in that count, since the run began.
    due, missed: triggers, since the run began.
    trouble: connections and joins that failed or were lost, and triggers refused, since the run began.
    generator_ms: lag of the generator itself in this second (p99 of the worst worker).
    cpu_percent: CPU use of the busiest worker process.
    """

    at_s: int
    count: int
    late: int
    members: int
    counted_until_s: float = 0.0
    expected: int = 0
    lost: int = 0
    due: int = 0
    missed: int = 0
    trouble: int = 0
    generator_ms: float = 0.0
    cpu_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a capacity search.

    least, most: the smallest and the largest level.
    limit_ms: a delivery that takes longer is late.
    allowed: share of deliveries that may be late or lost.
    resolution: the search ends when the gap above a passing level is no more than this share of it.
    growth: the factor from one level to the next as long as none fails.
    settle_s: seconds after a change that do not count.
    hold_s, longest_s: seconds of a trial when it is first and last judged.
    count_wait_s: seconds that the workers may take to count a trial's deliveries.
    max_trials, max_voids: maximum numbers of trials and of void trials of one level; void ones are counted apart.
    members: whether the level is a number of members.
    """

    least: float
    most: float
    limit_ms: float = 200.0
    allowed: float = 0.01
    resolution: float = 0.1
    growth: float = 2.0
    settle_s: int = 4
    hold_s: int = 8
    longest_s: int = 24
    count_wait_s: int = 30
    max_trials: int = 8
    max_voids: int = 5
    members: bool = True

    @property
    def stall_ms(self) -> float:
        """Milliseconds for which the generator may stand still before it may make a delivery late."""
        return min(max(self.limit_ms / 2, _MAX_MEAN_LAG_MS), _MAX_STALL_MS)


@dataclass(slots=True)
class Trial:
    """One trial of a level.

    reason: why it failed or is void, if the share is not the reason.
    shares: shares of late deliveries, one for each second in which a delivery came.
    lost_shares: shares of lost deliveries, one for each of the workers' counts.
    count, late: deliveries in these seconds, and the part of them that was late.
    share, half: share of late and lost deliveries, and half the width of its interval; None if not measured.
    from_s, to_s: the seconds, both included, whose triggers' deliveries are in `expected` and `lost`.
    expected, lost: number of deliveries; None until they are counted.
    seconds: how long it took, without the time to settle.
    confirms: whether it is a longer trial of a level that has passed.
    """

    level: float
    outcome: TrialOutcome = TrialOutcome.UNSURE
    reason: str = ""
    shares: list[float] = field(default_factory=list)
    lost_shares: list[float] = field(default_factory=list)
    count: int = 0
    late: int = 0
    share: float | None = None
    half: float | None = None
    from_s: int = 0
    to_s: int = 0
    expected: int | None = None
    lost: int | None = None
    seconds: int = 0
    confirms: bool = False

    @property
    def lost_share(self) -> float:
        """Share of the expected deliveries that were lost, among those that are counted."""
        return (self.lost or 0) / self.expected if self.expected else 0.0

    def why(self, settings: Settings) -> str:
        """Return why it did not pass, with the figure and its limit; empty if it passed."""
        if self.reason or self.outcome is TrialOutcome.PASSED or self.share is None:
            return self.reason
        text = failure(self.share, self.lost or 0, settings)
        if self.outcome is TrialOutcome.UNSURE and self.half is not None:
            return f"{text}: not sure, as the interval is ± {self.half:.2%}"
        return text

    def to_json(self, settings: Settings) -> dict[str, Any]:
        """Return the trial in the form of a run's summary."""
        return {
            "level": self.level,
            "outcome": self.outcome.value,
            "why": self.why(settings),
            "late_share": self.share,
            "late_share_half_width": self.half,
            "expected": self.expected,
            "lost": self.lost,
            "seconds": self.seconds,
            "confirms": self.confirms,
        }


def failure(share: float, lost: int, settings: Settings) -> str:
    """Return the share that was late or lost, in words and with the limit."""
    figure = f"{share:.2%} of the deliveries later than {settings.limit_ms:g} ms"
    return f"{figure}{f' or lost ({lost} lost)' if lost else ''}, limit {100 * settings.allowed:g}%"


class TrialInProgress:
    """A trial that takes in seconds until its outcome is known.

    :param first: the second before the first one that counts.
    :param confirms: whether it is to confirm a level that has passed; it then lasts twice as long.
    """

    def __init__(self, settings: Settings, level: float, first: Moment, *, confirms: bool) -> None:
        self._settings = settings
        self._level = level
        self._first = first
        self._confirms = confirms
        hold_s = settings.hold_s * (2 if confirms else 1)
        self._looks_s = sorted({hold_s, max(settings.longest_s, hold_s)})
        self._moments: list[Moment] = []

    def add(self, moment: Moment) -> Trial | None:
        """Take the next second; return the trial if its outcome is known."""
        self._moments.append(moment)
        if len(self._moments) < self._looks_s[0]:
            return None
        is_last = len(self._looks_s) == 1
        trial = self._judge(self._moments[: self._looks_s[0]])
        must_be_counted = trial.outcome is TrialOutcome.PASSED or (
            trial.outcome is TrialOutcome.UNSURE and is_last
        )
        if must_be_counted and trial.expected is None:
            if len(self._moments) < self._looks_s[0] + self._settings.count_wait_s:
                return None
            trial.outcome = TrialOutcome.VOID
            trial.reason = (
                f"the workers took more than {self._settings.count_wait_s} s to count what was delivered"
            )
        elif trial.outcome is TrialOutcome.UNSURE and not is_last:
            del self._looks_s[0]
            return None
        return trial

    def _judge(self, moments: Sequence[Moment]) -> Trial:
        first, last, settings = self._first, moments[-1], self._settings
        trial = Trial(
            self._level,
            count=sum(one.count for one in moments),
            late=sum(one.late for one in moments),
            shares=[one.late / one.count for one in moments if one.count],
            from_s=first.at_s + 1,
            to_s=last.at_s,
            seconds=len(self._moments),
            confirms=self._confirms,
        )
        self._count(trial)
        if len(trial.shares) > 1:
            trial.share = min(trial.late / trial.count + trial.lost_share, 1.0)
            trial.half = half_width(trial.shares, trial.count) + half_of_lost(trial.lost_shares)
            trial.outcome = outcome_of(trial.share, trial.half, settings.allowed)
        if reason := self._failure(moments):
            trial.outcome, trial.reason = TrialOutcome.FAILED, reason
        disturbed = "" if trial.outcome is TrialOutcome.PASSED else self._interference(moments)
        if reason := disturbed or self._missed(last):
            trial.outcome, trial.reason = TrialOutcome.VOID, reason
        return trial

    def _count(self, trial: Trial) -> None:
        """Take the deliveries counted between the first counts after the trial began and after it ended."""
        counted = [moment for moment in self._moments if moment.counted_until_s >= trial.from_s]
        if not counted:
            return
        began, until_s = counted[0], trial.to_s + 1
        ended = next(
            (one for one in counted if one.counted_until_s >= max(until_s, began.counted_until_s + 1)), None
        )
        if ended is None:
            return
        trial.from_s, trial.to_s = int(began.counted_until_s), int(ended.counted_until_s)
        trial.expected = max(ended.expected - began.expected, 0)
        # A delivery that arrives after it was counted as lost makes a later count smaller.
        trial.lost = max(ended.lost - began.lost, 0)
        counts = [
            began,
            *(one for one in counted if began.counted_until_s < one.counted_until_s <= ended.counted_until_s),
        ]
        trial.lost_shares = [
            (later.lost - earlier.lost) / (later.expected - earlier.expected)
            for earlier, later in pairwise(counts)
            if later.expected > earlier.expected
        ]

    def _failure(self, moments: Sequence[Moment]) -> str:
        """Return why the level failed for a reason other than late deliveries; empty if there is none."""
        last = moments[-1]
        if trouble := last.trouble - self._first.trouble:
            return f"{trouble} connections, joins or triggers failed, limit 0"
        if self._settings.members and last.members < _MIN_MEMBERS_SHARE * self._level:
            return f"{last.members} of {self._level:g} members are in their rooms, limit {_MIN_MEMBERS_SHARE:.0%}"
        served = sum(one.count > 0 for one in moments)
        if served < 2:
            return f"deliveries came in only {served} of {len(moments)} seconds, limit 2"
        return ""

    def _missed(self, last: Moment) -> str:
        """Return in which way the load was not offered; empty if it was."""
        due, missed = last.due - self._first.due, last.missed - self._first.missed
        if missed <= _MAX_MISSED_SHARE * max(due, 1):
            return ""
        return f"{missed} of {due} triggers could not be sent in time, limit {_MAX_MISSED_SHARE:.0%}"

    def _interference(self, moments: Sequence[Moment]) -> str:
        """Return how the load generator may have caused what was measured; empty if it did not."""
        settings = self._settings
        stall_ms = max(one.generator_ms for one in moments)
        mean_lag_ms = statistics.fmean(one.generator_ms for one in moments)
        cpu_percent = statistics.fmean(one.cpu_percent for one in moments)
        times_s = [self._first.at_s, *(one.at_s for one in moments)]
        silent_s = max(later - earlier for earlier, later in pairwise(times_s)) - 1
        if stall_ms > settings.stall_ms:
            return f"the load generator stood still for {stall_ms:.0f} ms, limit {settings.stall_ms:.0f} ms"
        if silent_s:
            return f"the load generator did not report for {silent_s} s"
        if mean_lag_ms > _MAX_MEAN_LAG_MS:
            return f"the load generator lagged {mean_lag_ms:.0f} ms on average, limit {_MAX_MEAN_LAG_MS:.0f} ms"
        if cpu_percent > _MAX_CPU_PERCENT:
            return f"a worker used {cpu_percent:.0f}% of a CPU core, limit {_MAX_CPU_PERCENT:.0f}%"
        return ""


def outcome_of(share: float, half: float, allowed: float) -> TrialOutcome:
    """Return the outcome: the side of the allowed share on which the interval of a share is."""
    if share + half <= allowed:
        return TrialOutcome.PASSED
    return TrialOutcome.FAILED if share - half > allowed else TrialOutcome.UNSURE


def half_of_lost(shares: Sequence[float]) -> float:
    """Return half the width of the interval of the lost share: losses in a single moment say little.

    :param shares: shares of lost deliveries, one for each count.
    """
    if not any(shares):
        return 0.0
    return half_width(shares, 10**9) if len(shares) > 1 else shares[0]
