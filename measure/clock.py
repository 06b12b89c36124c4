"""How a worker's clock stands to the master's: estimated from four timestamps, with a bound that holds.

An exchange tells the offset up to half of its delay, whatever the network did (RFC 5905, section 8). Of each few
seconds the exchange with the least delay is kept (section 10). Two kept ones limit the drift between them; all of
them together limit offset and drift at any later moment. Two things are assumed: that the drift stays as it was to
within `WANDER`, and that no clock drifts by more than `MOST_DRIFT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

MOST_DRIFT: Final = 500e-6
"""Seconds a second; the most that an operating system slews a clock (RFC 5905, section 11.3)."""
WANDER: Final = 1e-6
"""By how much the drift may change while the exchanges that are kept were made, in seconds a second."""
STAGE_NS: Final = 8_000_000_000
STAGES: Final = 16


class Exchange(NamedTuple):
    """Four timestamps in nanoseconds since the epoch: sent and received by our clock, the other two by theirs."""

    sent_ns: int
    arrived_ns: int
    answered_ns: int
    received_ns: int

    @property
    def offset_ns(self) -> int:
        """Theirs minus ours, right to half the delay."""
        return (self.arrived_ns - self.sent_ns + self.answered_ns - self.received_ns) // 2

    @property
    def delay_ns(self) -> int:
        """How long it was on its way, both ways."""
        return self.received_ns - self.sent_ns - (self.answered_ns - self.arrived_ns)

    @property
    def error_ns(self) -> float:
        """By how much the offset at the time of receiving may be wrong.

        Half of the delay; what the clocks drifted meanwhile; and the remainder of a division.
        """
        return self.delay_ns / 2 + MOST_DRIFT * (self.received_ns - self.sent_ns) + 1


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
    """Takes exchanges, keeps the best ones, and estimates."""

    def __init__(self) -> None:
        self._kept: list[Exchange] = []
        self.estimate: Estimate | None = None
        """As of the last exchange; None before the first."""
        self.steps = 0
        """How often an exchange could not be true together with what was known: a clock was set."""

    def take(self, exchange: Exchange) -> None:
        """One more exchange, in order of receiving."""
        if exchange.delay_ns < 0:
            # A clock was set while it was on its way: it says nothing, the next one says by how much.
            return
        known = self.estimate
        if known is not None:
            may_differ_ns = exchange.error_ns + known.bound_at_ns(exchange.received_ns)
            expected_ns = known.theirs_ns(exchange.received_ns) - exchange.received_ns
            if abs(exchange.offset_ns - expected_ns) > may_differ_ns:
                self.steps += 1
                self._kept.clear()
        self._keep(exchange)
        low, high = self._drifts()
        while low > high:
            del self._kept[0]
            low, high = self._drifts()
        self.estimate = self._at(exchange.received_ns, (low + high) / 2, (high - low) / 2 + WANDER)

    def _keep(self, exchange: Exchange) -> None:
        kept = self._kept
        if kept and kept[-1].received_ns // STAGE_NS == exchange.received_ns // STAGE_NS:
            if exchange.delay_ns <= kept[-1].delay_ns:
                kept[-1] = exchange
            return
        kept.append(exchange)
        del kept[:-STAGES]

    def _drifts(self) -> tuple[float, float]:
        """The drifts that all kept exchanges allow."""
        low, high = -MOST_DRIFT, MOST_DRIFT
        for at, later in enumerate(self._kept):
            for earlier in self._kept[:at]:
                apart_ns = later.received_ns - earlier.received_ns
                if apart_ns <= 0:
                    continue
                moved_ns = later.offset_ns - earlier.offset_ns
                error_ns = later.error_ns + earlier.error_ns
                low = max(low, (moved_ns - error_ns) / apart_ns - WANDER)
                high = min(high, (moved_ns + error_ns) / apart_ns + WANDER)
        return low, high

    def _at(self, now_ns: int, drift: float, growth: float) -> Estimate:
        lows, highs = [], []
        # By their distance from the newest, small numbers, of which a float loses nothing.
        base_ns = self._kept[-1].offset_ns
        for kept in self._kept:
            age_ns = now_ns - kept.received_ns
            middle_ns = kept.offset_ns - base_ns + drift * age_ns
            error_ns = kept.error_ns + growth * age_ns
            lows.append(middle_ns - error_ns)
            highs.append(middle_ns + error_ns)
        low_ns, high_ns = max(lows), min(highs)
        return Estimate(
            at_ns=now_ns,
            offset_ns=base_ns + round((low_ns + high_ns) / 2),
            drift=drift,
            bound_ns=abs(high_ns - low_ns) / 2 + 1,
            growth=growth,
        )
