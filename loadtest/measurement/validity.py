"""Whether a run's numbers can be believed: one table of rules, each with its evidence and its limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from loadtest.measurement.causes import (
    adapter_failed,
    failed_triggers,
    ids_never_match,
    ids_partly_match,
    nothing_measured,
    overloaded_throughout,
    refused_triggers,
    throttled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loadtest.measurement.evidence import Evidence


class Verdict(IntEnum):
    """From good to bad."""

    VALID = 0
    SUSPECT = 1
    INVALID = 2

    @property
    def label(self) -> str:
        """Its name in records."""
        return self.name.lower()


VERDICTS: Final = {verdict.label: verdict for verdict in Verdict}
"""By their names in records."""


class Doubt(StrEnum):
    """What a suspect run's numbers may be wrong about."""

    TIMES = "times"
    COUNTS = "counts"


_TIMES: Final = frozenset((Doubt.TIMES,))
_COUNTS: Final = frozenset((Doubt.COUNTS,))
_BOTH: Final = _TIMES | _COUNTS
_NEITHER: Final[frozenset[Doubt]] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires when `why` gives a reason; `doubts` then says which numbers may be wrong."""

    name: str
    verdict: Verdict
    why: Callable[[Evidence], str | None]
    doubts: frozenset[Doubt] = _TIMES
    overload: bool = False
    """Whether overload alone explains it, so that a search for the capacity is expected to meet it."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """What the rules say of a run.

    reasons: a line each, the worst first.
    doubts: what the reasons put in doubt.
    by_overload: whether overload alone explains every reason.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    doubts: frozenset[Doubt]
    by_overload: bool = True


MISSED_INVALID_SHARE: Final = 0.01
MISSED_SUSPECT_SHARE: Final = 0.001
LOOP_LAG_SUSPECT_MS: Final = 25.0
LOOP_LAG_INVALID_MS: Final = 200.0
DELAY_SUSPECT_MS: Final = 25.0
DELAY_INVALID_MS: Final = 200.0
BOUND_SUSPECT_SHARE: Final = 0.25
"""Share of a latency figure by which the figure may be too high."""
BOUND_SUSPECT_MS: Final = 2.0
"""Bounds up to this one do not matter, whatever the figure."""
"""How long it takes to read limits by how much those that are read together can differ."""
SENT_AGAIN_SUSPECT_SHARE: Final = 0.001
CLOCK_BOUND_SUSPECT_MS: Final = 10.0
USER_SPACE_LAG_SUSPECT_MS: Final = 1.0
"""Lag of an event loop that takes the receive times itself: its times are too high by that much."""
CPU_SUSPECT_PERCENT: Final = 90.0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _missed(evidence: Evidence, low: float, high: float) -> str | None:
    # A trigger is not late if the adapter gave no call for it, or if the backend's throttle held it back.
    missed = evidence.missed - evidence.unmade - evidence.withheld
    share = _share(missed, evidence.due)
    if not low < share <= high:
        return None
    return (
        f"{missed} of {evidence.due} triggers could not be sent when they were due: the load was not "
        "offered as planned; lower --rate, or add workers or --publishers"
    )


def _lag(evidence: Evidence, low_ms: float, high_ms: float) -> str | None:
    lag_ms = evidence.loop_lag_p99_ms
    if lag_ms is None or not low_ms < lag_ms <= high_ms:
        return None
    return f"the workers' event loops woke up {lag_ms:.0f} ms late (p99): they were too busy; add workers"


def _delay(evidence: Evidence, low_ms: float, high_ms: float) -> str | None:
    delay_ms = evidence.generator_delay_p99_ms
    if delay_ms is None or not low_ms < delay_ms <= high_ms:
        return None
    return (
        f"the workers took {delay_ms:.0f} ms (p99) to deal with what the kernel had received: the backend met "
        "slower clients than it was meant to; add workers"
    )


RULES: Final = (
    Rule(
        "nothing measured",
        Verdict.INVALID,
        nothing_measured,
    ),
    Rule("adapter failed", Verdict.INVALID, adapter_failed),
    Rule("ids never match", Verdict.INVALID, ids_never_match),
    Rule("some ids do not match", Verdict.SUSPECT, ids_partly_match, _COUNTS),
    Rule("throttled", Verdict.INVALID, throttled, overload=True),
    Rule("refused triggers", Verdict.INVALID, refused_triggers, overload=True),
    Rule("missed sends", Verdict.INVALID, lambda e: _missed(e, MISSED_INVALID_SHARE, 1.0), overload=True),
    Rule(
        "some missed sends",
        Verdict.SUSPECT,
        lambda e: _missed(e, MISSED_SUSPECT_SHARE, MISSED_INVALID_SHARE),
        _NEITHER,
        overload=True,
    ),
    Rule(
        "lost workers",
        Verdict.INVALID,
        lambda e: (
            f"no totals came from worker {', '.join(e.lost_workers)}: what its users expected is counted "
            "nowhere, what they received is in the latencies only"
            if e.lost_workers
            else None
        ),
    ),
    Rule(
        "worker was away",
        Verdict.SUSPECT,
        lambda e: (
            f"worker {', '.join(e.away_workers)} sent no reports for a while: it hung or lost its connection"
            if e.away_workers
            else None
        ),
        _BOTH,
        overload=True,
    ),
    Rule(
        "late triggers",
        Verdict.SUSPECT,
        lambda e: (
            f"{e.late_triggers} triggers became known after users that had left were counted: some of these "
            "users may have expected more"
            if e.late_triggers
            else None
        ),
        _COUNTS,
    ),
    Rule(
        "unknown triggers",
        Verdict.INVALID,
        lambda e: (
            f"workers never learnt of {e.unknown_triggers} triggers of others: their broadcasts were not expected"
            if e.unknown_triggers
            else None
        ),
    ),
    Rule(
        "unowed deliveries",
        Verdict.SUSPECT,
        lambda e: (
            f"{e.unowed} unexpected deliveries came: of refused triggers, or while their receivers were not "
            "members; the backend sends more than it should, or the accounts are wrong"
            if e.unowed
            else None
        ),
        _COUNTS,
        overload=True,
    ),
    Rule(
        "failed triggers",
        Verdict.SUSPECT,
        failed_triggers,
        _COUNTS,
        overload=True,
    ),
    Rule(
        "accounts differ",
        Verdict.INVALID,
        lambda e: (
            f"{e.timed} deliveries were timed, and {e.arrived} entered into the accounts: one of the two is wrong"
            if e.timed != e.arrived and not e.lost_workers
            else None
        ),
    ),
    Rule(
        "missing reports",
        Verdict.INVALID,
        lambda e: f"{e.missing_reports} reports of workers never came" if e.missing_reports else None,
    ),
    Rule(
        "totals differ",
        Verdict.INVALID,
        lambda e: (
            f"the totals of {e.uncounted_reports} workers differ from the sum of their reports"
            if e.uncounted_reports
            else None
        ),
    ),
    Rule(
        "out of descriptors or ports",
        Verdict.INVALID,
        lambda e: (
            f"{e.exhausted} connections failed for want of file descriptors or ports on our side"
            if e.exhausted
            else None
        ),
        overload=True,
    ),
    Rule(
        "errors of our own",
        Verdict.INVALID,
        lambda e: (
            f"the load test's own code raised {e.internal_errors} unexpected errors: report those listed under "
            "the failures"
            if e.internal_errors
            else None
        ),
    ),
    Rule(
        "event loop stalled",
        Verdict.INVALID,
        lambda e: _lag(e, LOOP_LAG_INVALID_MS, float("inf")),
        overload=True,
    ),
    Rule(
        "event loop lags",
        Verdict.SUSPECT,
        lambda e: _lag(e, LOOP_LAG_SUSPECT_MS, LOOP_LAG_INVALID_MS),
        overload=True,
    ),
    Rule("generator stalled", Verdict.INVALID, lambda e: _delay(e, DELAY_INVALID_MS, float("inf")), overload=True),
    Rule(
        "generator delays",
        Verdict.SUSPECT,
        lambda e: _delay(e, DELAY_SUSPECT_MS, DELAY_INVALID_MS),
        overload=True,
    ),
    Rule(
        "coalesced reads",
        Verdict.SUSPECT,
        lambda e: (
            f"{e.coalesced} of {e.received} deliveries were read together with later ones and share the last "
            f"one's timestamp: {' and '.join(doubtful)}; add workers, or lower --rate"
            if (doubtful := list(_doubtful(e)))
            else None
        ),
        overload=True,
    ),
    Rule(
        "user-space times",
        Verdict.SUSPECT,
        lambda e: (
            "without the kernel's receive timestamps, all times include the lag of the event loop (p99 of the "
            f"worst second of worker {', '.join(e.user_space_workers)}); add workers, or run on Linux with the "
            "machine's own clock"
            if e.user_space_lag_ms > USER_SPACE_LAG_SUSPECT_MS
            else None
        ),
        overload=True,
    ),
    Rule(
        "connects were sent again",
        Verdict.SUSPECT,
        lambda e: (
            f"the first packets of {e.sent_again} of {e.connects} connects were lost, as when a backend's backlog "
            "is full, and the kernel sent them again a second later or more: connect times have that in them; "
            "lower --spawn-rate, or raise the backend's backlog"
            if _share(e.sent_again, e.connects) > SENT_AGAIN_SUSPECT_SHARE
            else None
        ),
        overload=True,
    ),
    Rule(
        "negative latency",
        Verdict.SUSPECT,
        lambda e: (
            f"{e.negative_latency} deliveries came before they were due: the clocks disagree"
            if e.negative_latency
            else None
        ),
    ),
    Rule(
        "clock unknown",
        Verdict.INVALID,
        lambda e: (
            f"{e.unbounded_latency} latencies are between clocks that were never compared"
            if e.unbounded_latency
            else None
        ),
    ),
    Rule(
        "clocks too far apart",
        Verdict.SUSPECT,
        lambda e: (
            f"latencies between workers may be wrong by {e.clock_bound_p99_ms:.1f} ms (p99), as that is how well "
            "their clocks are known; bring master and workers closer, or relieve the master"
            if (e.clock_bound_p99_ms or 0.0) > CLOCK_BOUND_SUSPECT_MS
            else None
        ),
    ),
    Rule(
        "clock was set",
        Verdict.SUSPECT,
        lambda e: (
            f"a worker's clock, or the master's, was set or slewed while the run went on ({e.clock_steps} times): "
            f"up to {e.doubtful_bounds} latencies between workers were recorded before this was noticed, and may "
            "be wrong by more than their bound"
            if e.clock_steps
            else None
        ),
    ),
    Rule(
        "busy worker",
        Verdict.SUSPECT,
        lambda e: (
            f"a worker used {e.cpu_percent:.0f}% of its core on average; add workers"
            if e.cpu_percent is not None and e.cpu_percent > CPU_SUSPECT_PERCENT
            else None
        ),
        overload=True,
    ),
    Rule(
        "cpu warning",
        Verdict.SUSPECT,
        lambda e: "Locust warned of CPU use above 90% during the run" if e.cpu_warning else None,
        overload=True,
    ),
    Rule("overloaded throughout", Verdict.SUSPECT, overloaded_throughout),
    Rule(
        "cut short",
        Verdict.SUSPECT,
        lambda e: (
            "the run was ended before its --run-time was over: its figures are of a shorter one than was asked for"
            if e.interrupted
            else None
        ),
        _NEITHER,
        overload=True,
    ),
)
"""All rules. A run is as bad as the worst rule that fires."""


def _doubtful(e: Evidence) -> Iterator[str]:
    """Yield the latencies that may be much too high, in words."""
    for quantile, (latency_ms, earliest_ms) in e.bounded_ms.items():
        bound_ms = latency_ms - earliest_ms
        if bound_ms > max(BOUND_SUSPECT_MS, BOUND_SUSPECT_SHARE * latency_ms):
            yield f"the {quantile} of {latency_ms:.1f} ms may be up to {bound_ms:.1f} ms too high"


def judge(evidence: Evidence) -> Judgment:
    """Apply all rules."""
    fired = [(rule, why) for rule in RULES if (why := rule.why(evidence)) is not None]
    fired.sort(key=lambda pair: -pair[0].verdict)
    return Judgment(
        max((rule.verdict for rule, _ in fired), default=Verdict.VALID),
        tuple(f"{rule.verdict.label}: {why}" for rule, why in fired),
        frozenset().union(*(rule.doubts for rule, _ in fired)),
        all(rule.overload for rule, _ in fired),
    )
