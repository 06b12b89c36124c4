"""The search for the largest load that holds an objective: doubles until it breaks, halves in, confirms. Pure.

The objective is on lateness: of all deliveries, no more than a share may come later than a limit, and what does
not come at all is late. A load holds, or breaks, when the 95% interval of that share is on one side of what is
allowed; where seconds do not suffice to tell, the mean decides, and the result says so.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import Any, Final

from .interval import CONFIDENCE, half_width

HELD: Final = "held"
BROKE: Final = "broke"
_MISSING_TOLERANCE: Final = 0.02
"""Deliveries at the edges of a level's time, which are counted in one second and owed in another."""
_EDGE_TRIGGERS: Final = 2
"""At least so many may be on their way when a level's time begins and ends."""
_MISSED_SHARE: Final = 0.01
_MEMBERS_SHARE: Final = 0.98
_GENERATOR_MS: Final = 25.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One second over all workers.

    count, late: deliveries of that second, and those of them that were late. members: in their rooms at its end.
    Cumulative: owed: deliveries that the triggers sent so far should have made. timed: those that came. due,
    missed: triggers. trouble: connections and joins that failed or were lost, triggers that were refused.
    generator_ms: by how much the generator itself was late (p99), in this second.
    """

    at_s: int
    count: int
    late: int
    members: int
    owed: float = 0.0
    timed: int = 0
    due: int = 0
    missed: int = 0
    trouble: int = 0
    generator_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What is searched, and how.

    least, most: of the level. allowed: share of late deliveries. resolution: the search ends when what broke is no
    more than this share above what held. settle_s: seconds after a change that do not count. hold_s, longest_s:
    least and most seconds that do. members: whether the level is a number of members.
    """

    least: float
    most: float
    allowed: float = 0.01
    resolution: float = 0.1
    growth: float = 2.0
    settle_s: int = 4
    hold_s: int = 8
    longest_s: int = 24
    members: bool = True


@dataclass(slots=True)
class Trial:
    """One level's time. share: of late deliveries; half: of its interval."""

    level: float
    outcome: str = ""
    why: str = ""
    share: float | None = None
    half: float | None = None
    certain: bool = False
    generator: bool = False
    seconds: int = 0
    confirms: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it stands in a run's summary."""
        return {
            "level": self.level,
            "outcome": self.outcome,
            "why": self.why,
            "late_share": self.share,
            "late_share_half_width": self.half,
            "certain": self.certain,
            "limited_by_generator": self.generator,
            "seconds": self.seconds,
            "confirms": self.confirms,
        }


@dataclass(slots=True)
class Search:
    """See the module. Set `level`, say when it is reached with `begin`, and feed it moments until it is `done`."""

    settings: Settings
    level: float = 0.0
    done: bool = False
    trials: list[Trial] = field(default_factory=list)
    _began_s: int | None = None
    _moments: list[Moment] = field(default_factory=list)
    _first: Moment | None = None
    _confirming: bool = False

    def __post_init__(self) -> None:
        self.level = self.settings.least

    def begin(self, at_s: int) -> None:
        """The level is set since this second."""
        self._began_s = at_s
        self._moments = []
        self._first = None

    def feed(self, moment: Moment) -> None:
        """Take one second, in order; may change the level, or end the search."""
        if self.done or self._began_s is None or moment.at_s <= self._began_s + self._settle_s():
            return
        if self._first is None:
            self._first = moment
            return
        self._moments.append(moment)
        hold_s = self.settings.hold_s * (2 if self._confirming else 1)
        if len(self._moments) >= hold_s and (trial := self._judge()) is not None:
            self.trials.append(trial)
            self._go_on(trial)

    def _settle_s(self) -> int:
        """What a level that broke has left behind takes its time."""
        broke = bool(self.trials) and self.trials[-1].outcome == BROKE
        return self.settings.settle_s * (2 if broke else 1)

    def _judge(self) -> Trial | None:
        """The outcome of the present level; None if it takes more seconds to tell."""
        moments, first = self._moments, self._first
        assert first is not None
        last = moments[-1]
        trial = Trial(self.level, seconds=len(moments), confirms=self._confirming)
        trial.generator = statistics.fmean(one.generator_ms for one in moments) > _GENERATOR_MS
        count = sum(one.count for one in moments)
        if trouble := last.trouble - first.trouble:
            return _broke(trial, f"{trouble} connections, joins or triggers failed or were lost", certain=True)
        missed = last.missed - first.missed
        if missed > _MISSED_SHARE * max(last.due - first.due, 1):
            trial.generator = True
            return _broke(trial, f"{missed} triggers could not be sent in time", certain=True)
        if self.settings.members and last.members < _MEMBERS_SHARE * self.level:
            return _broke(trial, f"only {last.members} members are in their rooms", certain=True)
        if not count:
            return _broke(trial, "nothing was delivered", certain=True)
        owed = last.owed - first.owed
        edge = max(_MISSING_TOLERANCE, _EDGE_TRIGGERS / max(last.due - first.due, 1))
        missing = max(1 - (last.timed - first.timed) / owed - edge, 0.0) if owed else 0.0
        shares = [one.late / one.count for one in moments if one.count]
        if len(shares) < 2:
            return _broke(trial, "in all seconds but one nothing was delivered", certain=True)
        trial.share = min(sum(one.late for one in moments) / count + missing, 1.0)
        trial.half = half_width(shares, count)
        if trial.share + trial.half <= self.settings.allowed:
            return _held(trial, certain=True)
        why = f"{trial.share:.2%} of the deliveries were late" + (
            f", {missing:.2%} did not come" if missing else ""
        )
        if trial.share - trial.half > self.settings.allowed:
            return _broke(trial, why, certain=True)
        if len(moments) < self.settings.longest_s:
            return None
        if trial.share <= self.settings.allowed:
            return _held(trial, certain=False)
        return _broke(trial, why, certain=False)

    def _go_on(self, trial: Trial) -> None:
        held, broke = self.held, self.broke
        self._began_s = None
        if self._confirming and trial.outcome == HELD:
            self.done = True
        elif held is None:
            # Even the least is too much.
            self.done = True
        elif broke is None and held >= self.settings.most:
            self.done = True
        elif broke is None:
            self._set(min(held * self.settings.growth, self.settings.most))
        elif broke - held > max(held * self.settings.resolution, 1.0 if self.settings.members else 0.0):
            self._set((held + broke) / 2)
        else:
            self._confirming = True
            self.level = held

    def _set(self, level: float) -> None:
        self._confirming = False
        self.level = float(math.floor(level)) if self.settings.members else round(level, 3)

    @property
    def waits(self) -> bool:
        """Whether it waits for `begin`."""
        return self._began_s is None and not self.done

    @property
    def held(self) -> float | None:
        """The largest level that held, below all that broke; None if there is none."""
        broke = self.broke
        held = {trial.level for trial in self.trials if trial.outcome == HELD}
        return max((level for level in held if broke is None or level < broke), default=None)

    @property
    def broke(self) -> float | None:
        """The smallest level that broke; None if none did."""
        return min((trial.level for trial in self.trials if trial.outcome == BROKE), default=None)

    def result(self) -> dict[str, Any]:
        """What was found, as it stands in a run's summary."""
        held = self.held
        at_it = [trial for trial in self.trials if trial.level == held and trial.outcome == HELD]
        limits = [trial for trial in self.trials if trial.outcome == BROKE and trial.level == self.broke]
        return {
            "finished": self.done,
            "holds": held,
            "breaks": self.broke,
            "at_least": self.broke is None and held is not None,
            "confidence": CONFIDENCE if any(trial.certain for trial in at_it) else None,
            "confirmed": any(trial.confirms for trial in at_it),
            "limited_by_generator": any(trial.generator for trial in limits),
            "why_it_breaks": limits[-1].why if limits else "",
            "allowed_late_share": self.settings.allowed,
            "trials": [trial.to_json() for trial in self.trials],
        }


def _held(trial: Trial, *, certain: bool) -> Trial:
    trial.outcome, trial.certain = HELD, certain
    return trial


def _broke(trial: Trial, why: str, *, certain: bool) -> Trial:
    trial.outcome, trial.why, trial.certain = BROKE, why, certain
    return trial
