"""How a worker's clock stands to the master's: estimated from four timestamps, with a bound that holds.

An exchange limits the offset (theirs - ours) on both sides, whatever the network did (RFC 5905, section 8). The
offset is at least their time of the answer minus our time of its receipt. It is at most their time of the
question's arrival minus our time of its sending. The exchanges of the last two minutes together limit offset and
drift at any later moment. This assumes that the drift changes by no more than `WANDER`, and that no clock drifts
by more than `MOST_DRIFT`.

If no offset and drift fit all exchanges, a clock was set meanwhile: a step. The filter counts it and discards the
exchanges before it. It cannot see a step as long as all exchanges still fit. Until it sees the step, the bound may
be too narrow by as much as the clock was set. `ClockFilter.doubtful_from_ns` is the start of that time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

MOST_DRIFT: Final = 500e-6
"""Seconds a second; the most that an operating system slews a clock (RFC 5905, section 11.3)."""
WANDER: Final = 1e-6
"""By how much the drift may change while the exchanges that are kept were made, in seconds a second."""
KEPT_NS: Final = 128_000_000_000
"""How long an exchange is kept, in nanoseconds."""
MOST_KEPT: Final = 512

_Limit = tuple[int, int]
"""(moment by our clock, offset): a lower or an upper limit of the offset at that moment, in nanoseconds."""


class Exchange(NamedTuple):
    """Four timestamps in nanoseconds since the epoch: sent and received by our clock, the other two by theirs.

    most_ns: upper limit of its duration, by a monotonic clock; None if there is only our clock.
    """

    sent_ns: int
    arrived_ns: int
    answered_ns: int
    received_ns: int
    most_ns: int | None = None

    @property
    def low_ns(self) -> int:
        """Lower limit of the offset (theirs - ours) when the answer is received."""
        return self.answered_ns - self.received_ns - self._drifted_ns

    @property
    def high_ns(self) -> int:
        """Upper limit of the offset when the answer is received."""
        return self.arrived_ns - self.sent_ns + self._drifted_ns

    @property
    def _drifted_ns(self) -> int:
        return int(MOST_DRIFT * max(self.received_ns - self.sent_ns, 0)) + 1

    def at_its_end(self) -> Exchange:
        """Return an exchange that holds even if one of the clocks was set while this one was under way.

        Both clocks were read between the answer and the end, no further apart than the duration of the exchange.
        """
        took_ns = max(self.received_ns - self.sent_ns, 0) if self.most_ns is None else self.most_ns
        return Exchange(self.received_ns - took_ns, self.answered_ns, self.answered_ns, self.received_ns)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of a clock, at one moment of its own: their time is ours + offset + drift · (ours - at).

    bound_ns: by how much that may be wrong at that moment. growth: by how much more for each nanosecond from it.
    """

    at_ns: int
    offset_ns: int
    drift: float
    bound_ns: float
    growth: float

    def theirs_ns(self, ours_ns: int) -> int:
        """The other clock's time at a moment of ours."""
        return ours_ns + self.offset_ns + round(self.drift * (ours_ns - self.at_ns))

    def ours_ns(self, theirs_ns: int) -> int:
        """Our time at a moment of the other clock."""
        about_ns = theirs_ns - self.offset_ns
        return about_ns - round(self.drift / (1 + self.drift) * (about_ns - self.at_ns))

    def bound_at_ns(self, ours_ns: int) -> float:
        """By how much either may be wrong, at a moment of ours."""
        return self.bound_ns + self.growth * abs(ours_ns - self.at_ns)


class ClockFilter:
    """Estimates offset and drift of a clock from exchanges."""

    def __init__(self) -> None:
        self._kept: deque[Exchange] = deque(maxlen=MOST_KEPT)
        self.estimate: Estimate | None = None
        """Estimate at the last exchange; None before the first."""
        self.steps = 0
        """How often an exchange contradicted those before it, because a clock was set."""
        self.doubtful_from_ns = 0
        """Start of the time before the last step was noticed in which estimates may be wrong, by our clock."""

    def take(self, exchange: Exchange) -> None:
        """Take one more exchange, in the order of receipt."""
        before = self._kept[-1] if self._kept else exchange
        self._kept.append(exchange)
        allowed = self._allowed() if before.received_ns <= exchange.received_ns else None
        if allowed is None:
            self.steps += 1
            self.doubtful_from_ns = self._last_other(exchange)
            self._kept.clear()
            self._kept.append(exchange.at_its_end())
            allowed = self._allowed()
        self.estimate = allowed
        # Only now: after a clock was set forward, all earlier exchanges look old.
        while exchange.received_ns - self._kept[0].received_ns > KEPT_NS:
            self._kept.popleft()

    def _allowed(self) -> Estimate | None:
        """Return the estimate that fits all kept exchanges at the end of the last one; None if none fits.

        Only the convex hulls of both kinds of limits are used: no drift makes any other limit matter. A drift is
        possible if each pair of limits allows it. For such a drift there is an offset that fits all limits.
        """
        lows = _outermost([(one.received_ns, one.low_ns) for one in self._kept], upper=True)
        highs = _outermost([(one.received_ns, one.high_ns) for one in self._kept], upper=False)
        slowest, fastest = -MOST_DRIFT, MOST_DRIFT
        for low_at_ns, low_ns in lows:
            for high_at_ns, high_ns in highs:
                apart_ns = low_at_ns - high_at_ns
                moved_ns = low_ns - high_ns
                if apart_ns > 0:
                    slowest = max(slowest, moved_ns / apart_ns - WANDER)
                elif apart_ns < 0:
                    fastest = min(fastest, moved_ns / apart_ns + WANDER)
                elif moved_ns > 0:
                    return None
        if slowest > fastest:
            return None
        now_ns = self._kept[-1].received_ns
        # Relative to one of the limits: the numbers are small, so a float represents them exactly.
        base_ns = lows[-1][1]
        least = max(low_ns - base_ns + (slowest - WANDER) * (now_ns - at_ns) for at_ns, low_ns in lows)
        most = min(high_ns - base_ns + (fastest + WANDER) * (now_ns - at_ns) for at_ns, high_ns in highs)
        return Estimate(
            at_ns=now_ns,
            offset_ns=base_ns + round((least + most) / 2),
            drift=(slowest + fastest) / 2,
            bound_ns=(most - least) / 2 + 1,
            growth=(fastest - slowest) / 2 + WANDER,
        )

    def _last_other(self, exchange: Exchange) -> int:
        """Return the end of the last exchange that contradicts this one, assuming the drift known before."""
        kept = list(self._kept)[:-1]
        drift, wander = (0.0, MOST_DRIFT) if self.estimate is None else (self.estimate.drift, self.estimate.growth)
        for one in reversed(kept):
            age_ns = exchange.received_ns - one.received_ns
            low_ns = one.low_ns + drift * age_ns - wander * abs(age_ns)
            high_ns = one.high_ns + drift * age_ns + wander * abs(age_ns)
            if exchange.low_ns > high_ns or exchange.high_ns < low_ns:
                return one.received_ns
        return kept[0].received_ns if kept else exchange.received_ns


def _outermost(limits: list[_Limit], *, upper: bool) -> list[_Limit]:
    """Return the upper or lower convex hull of points in order of time; of points at one moment, the outermost."""
    sign = 1 if upper else -1
    hull: list[_Limit] = []
    for at_ns, offset_ns in limits:
        if hull and hull[-1][0] == at_ns:
            if sign * (offset_ns - hull[-1][1]) <= 0:
                continue
            hull.pop()
        while len(hull) > 1:
            (first_ns, first), (second_ns, second) = hull[-2:]
            turn = (second_ns - first_ns) * (offset_ns - first) - (second - first) * (at_ns - first_ns)
            if sign * turn < 0:
                break
            hull.pop()
        hull.append((at_ns, offset_ns))
    return hull
