"""Whether a run's numbers can be believed: one table of rules, each with its evidence and its limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from .evidence import Evidence


class Verdict(IntEnum):
    """From good to bad."""

    VALID = 0
    SUSPECT = 1
    INVALID = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires when `why` gives a reason."""

    name: str
    verdict: Verdict
    why: Callable[[Evidence], str | None]


MISSED_INVALID_SHARE: Final = 0.01
MISSED_SUSPECT_SHARE: Final = 0.001
LOOP_LAG_SUSPECT_MS: Final = 25.0
LOOP_LAG_INVALID_MS: Final = 200.0
DELAY_SUSPECT_MS: Final = 25.0
DELAY_INVALID_MS: Final = 200.0
COALESCED_SUSPECT_SHARE: Final = 0.1
COALESCED_SUSPECT_MS: Final = 5.0
"""How long it takes to read limits by how much those that are read together can differ."""
SENT_AGAIN_SUSPECT_SHARE: Final = 0.001
CLOCK_BOUND_SUSPECT_MS: Final = 10.0
CPU_SUSPECT_PERCENT: Final = 90.0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _missed(evidence: Evidence, low: float, high: float) -> str | None:
    share = _share(evidence.missed, evidence.due)
    if not low < share <= high:
        return None
    return (
        f"{evidence.missed} of {evidence.due} triggers could not be sent when they were due: the load was not "
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
        lambda e: None if e.expected else "no broadcast was owed to anybody, so nothing was measured",
    ),
    Rule(
        "refused triggers",
        Verdict.INVALID,
        lambda e: (
            f"{e.refused} of {e.due} triggers were refused by the backend (HTTP 4xx; 429 is its throttle): the "
            "load was not offered; raise the backend's limit or spread publishers with --source-addresses"
            if e.refused
            else None
        ),
    ),
    Rule("missed sends", Verdict.INVALID, lambda e: _missed(e, MISSED_INVALID_SHARE, 1.0)),
    Rule(
        "some missed sends",
        Verdict.SUSPECT,
        lambda e: _missed(e, MISSED_SUSPECT_SHARE, MISSED_INVALID_SHARE),
    ),
    Rule(
        "lost workers",
        Verdict.INVALID,
        lambda e: (
            f"no totals came from worker {', '.join(e.lost_workers)}: what was owed to its users is counted "
            "nowhere, what they received is in the latencies only"
            if e.lost_workers
            else None
        ),
    ),
    Rule(
        "worker was away",
        Verdict.SUSPECT,
        lambda e: (
            f"nothing was heard for a while of worker {', '.join(e.away_workers)}; it stood still or was cut off"
            if e.away_workers
            else None
        ),
    ),
    Rule(
        "late triggers",
        Verdict.SUSPECT,
        lambda e: (
            f"{e.late_triggers} triggers were learnt of when users that had gone were counted already: some of "
            "them may have been owed more"
            if e.late_triggers
            else None
        ),
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
            f"{e.unowed} deliveries came that nobody was owed: of refused triggers, or from when their receivers "
            "were no members; the backend sends more than it should, or the accounts are wrong"
            if e.unowed
            else None
        ),
    ),
    Rule(
        "failed triggers",
        Verdict.SUSPECT,
        lambda e: (
            f"{e.failed} triggers got no answer that has an id, and {e.foreign} broadcasts came with ids that "
            f"nobody knows: of {e.lost} deliveries that count as lost, {min(e.foreign, e.lost)} may be among them"
            if e.failed and e.foreign and e.lost
            else None
        ),
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
    ),
    Rule(
        "errors in our own users",
        Verdict.INVALID,
        lambda e: (
            f"our own users raised {e.user_errors} errors that nobody expected; see the failures"
            if e.user_errors
            else None
        ),
    ),
    Rule("event loop stalled", Verdict.INVALID, lambda e: _lag(e, LOOP_LAG_INVALID_MS, float("inf"))),
    Rule("event loop lags", Verdict.SUSPECT, lambda e: _lag(e, LOOP_LAG_SUSPECT_MS, LOOP_LAG_INVALID_MS)),
    Rule("generator stalled", Verdict.INVALID, lambda e: _delay(e, DELAY_INVALID_MS, float("inf"))),
    Rule("generator delays", Verdict.SUSPECT, lambda e: _delay(e, DELAY_SUSPECT_MS, DELAY_INVALID_MS)),
    Rule(
        "coalesced reads",
        Verdict.SUSPECT,
        lambda e: (
            f"{e.coalesced} of {e.received} deliveries came out of one read with others and bear the time of the "
            f"last of them, which may be {e.generator_delay_p99_ms:.0f} ms too late; add workers, or lower --rate"
            if _share(e.coalesced, e.received) > COALESCED_SUSPECT_SHARE
            and (e.generator_delay_p99_ms or 0.0) > COALESCED_SUSPECT_MS
            else None
        ),
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
            "latencies of that moment may be wrong by more than their bound"
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
    ),
    Rule(
        "cpu warning",
        Verdict.SUSPECT,
        lambda e: "Locust warned of CPU use above 90% during the run" if e.cpu_warning else None,
    ),
    Rule(
        "cut short",
        Verdict.SUSPECT,
        lambda e: (
            "the run was ended before its --run-time was over: its figures are of a shorter one than was asked for"
            if e.interrupted
            else None
        ),
    ),
)
"""All rules. A run is as bad as the worst rule that fires."""


def judge(evidence: Evidence) -> tuple[Verdict, list[str]]:
    """The verdict and its reasons, the worst first."""
    fired = [(rule.verdict, why) for rule in RULES if (why := rule.why(evidence)) is not None]
    fired.sort(key=lambda pair: -pair[0])
    verdict = max((verdict for verdict, _ in fired), default=Verdict.VALID)
    return verdict, [f"{level.name.lower()}: {why}" for level, why in fired]
