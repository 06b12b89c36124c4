"""The limit of a backend's throttle: triggers accepted from one source address, and the quiet asked for then."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median_low
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

BudgetRow = tuple[str, str, int, int, float]
"""(host, source address, accepted before the first quiet ended, answered with 429, seconds of quiet)."""


@dataclass(slots=True)
class AddressBudget:
    """One source address as the backend's throttle treats it.

    address: local address; empty as long as the system's choice is unknown.
    accepted: triggers accepted since the last quiet was over.
    refused: triggers answered with 429.
    quiet_until_s: when the quiet that a 429 asked for is over, on the monotonic clock; 0 if none did.
    quiet_s: longest quiet that a 429 asked for; 0 if none said how long.
    first: triggers accepted before the first quiet was over; None until it is.
    """

    host: str
    address: str = ""
    accepted: int = 0
    refused: int = 0
    quiet_until_s: float = 0.0
    quiet_s: float = 0.0
    first: int | None = None

    def is_quiet(self, now_s: float) -> bool:
        """Return whether the backend has asked for quiet on this address, and that time is not over.

        :param now_s: on the monotonic clock.
        """
        return self.quiet_until_s > now_s

    def begin_window(self) -> None:
        """Begin to send again after a quiet: the backend counts from 0 again."""
        if self.quiet_until_s:
            if self.first is None:
                self.first = self.accepted
            self.accepted = 0
            self.quiet_until_s = 0.0

    def refuse(self, until_s: float, quiet_s: float | None) -> None:
        """Count a 429.

        :param until_s: when to send again, on the monotonic clock.
        :param quiet_s: how much quiet the answer asked for; None if it did not say.
        """
        self.refused += 1
        self.quiet_until_s = max(self.quiet_until_s, until_s)
        self.quiet_s = max(self.quiet_s, quiet_s or 0.0)

    def to_row(self) -> BudgetRow:
        """Return it as plain data."""
        accepted = self.accepted if self.first is None else self.first
        return self.host, self.address, accepted, self.refused, self.quiet_s


@dataclass(frozen=True, slots=True)
class ThrottleLimit:
    """The backend's limit, as observed by the addresses that reached it.

    accepted: triggers accepted from one address before its first quiet was over; the median of all such addresses.
    quiet_s: longest quiet that an answer asked for; 0 if none said how long.
    addresses: number of source addresses that the run's triggers left from.
    """

    accepted: int
    quiet_s: float
    addresses: int


def limit_of(rows: Iterable[BudgetRow]) -> ThrottleLimit | None:
    """Return the limit that a run's addresses observed; None if no trigger was answered with 429.

    Workers that share an address share its budget.
    """
    accepted: defaultdict[tuple[str, str], int] = defaultdict(int)
    quiets_s: dict[tuple[str, str], float] = {}
    for host, address, count, refused, quiet_s in rows:
        key = (host, address)
        if count or refused:
            accepted[key] += count
        if refused:
            quiets_s[key] = max(quiets_s.get(key, 0.0), quiet_s)
    if not quiets_s:
        return None
    limit = median_low(accepted[key] for key in quiets_s)
    return ThrottleLimit(limit, max(quiets_s.values()), len({address for _, address in accepted}))


def to_json(throttled: int, withheld: int, limit: ThrottleLimit | None) -> dict[str, Any] | None:
    """Return the field `throttle` of a record; None if no trigger was answered with 429.

    :param throttled: triggers answered with 429.
    :param withheld: triggers that were not sent because every source address had to be quiet.
    """
    if not throttled:
        return None
    return {
        "refused": throttled,
        "withheld": withheld,
        "accepted_per_address": None if limit is None else limit.accepted,
        "quiet_s": None if limit is None or not limit.quiet_s else limit.quiet_s,
        "addresses": None if limit is None else limit.addresses,
    }
