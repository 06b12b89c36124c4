"""The master's record of when broadcasts were made: the earliest receipt over all workers, sent once for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from loadtest.measurement.moments import Made
from loadtest.measurement.triggers import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loadtest.measurement.first_receipts import BroadcastKey
    from loadtest.measurement.taken import FanOut
    from loadtest.measurement.triggers import Trigger

_TOLD_S: Final = 60
"""How long the master remembers that it has sent a broadcast's moment, in seconds of the run."""
MOST_AT_WORK: Final = 100_000
"""Maximum number of triggers whose completion is awaited; the newest are kept."""


class Finished(NamedTuple):
    """A trigger whose work is done, by the backend's own data.

    age_s: how long ago it was done, in seconds; None if unknown.
    """

    key: str
    age_s: float | None


class Gathering:
    """Collects the earliest receipt of each broadcast from the workers' reports.

    :param completions: slot's number -> whether it is a completion.
    :param flight_ns: how long a broadcast may be in flight, in nanoseconds.
    """

    def __init__(self, completions: Sequence[bool], flight_ns: int) -> None:
        self._completions = completions
        self._flight_ns = flight_ns
        self._pending: dict[BroadcastKey, tuple[int, int, int]] = {}
        """Broadcast -> (second of its first report, earliest receipt, bound)."""
        self._told: dict[BroadcastKey, int] = {}
        """Broadcast -> the second in which its moment was sent; in the order of sending."""
        self.at_work: dict[str, tuple[int, int, int]] = {}
        """Key -> (publisher, room, seq) of the triggers whose completion nobody has received."""
        self._keys: dict[tuple[int, int, int], str] = {}

    def take(self, at_s: int, fan_outs: Iterable[FanOut], bound_ns: int) -> None:
        """Take in the receipts of one report.

        :param at_s: the second of the report.
        :param bound_ns: maximum error of its times by the master's clock, in nanoseconds.
        """
        for one in fan_outs:
            broadcast = (one.publisher, one.room, one.seq, one.slot)
            if self._is_completion(one.slot):
                self._complete(broadcast[:3])
            if broadcast in self._told:
                continue
            known = self._pending.get(broadcast)
            if known is None:
                self._pending[broadcast] = (at_s, one.first_ns, bound_ns)
            elif one.first_ns < known[1]:
                self._pending[broadcast] = (known[0], one.first_ns, bound_ns)

    def sent(self, triggers: Iterable[Trigger]) -> None:
        """Take in triggers that were answered."""
        if not any(self._completions):
            return
        for trigger in triggers:
            stream = (trigger.publisher, trigger.room, trigger.seq)
            if not trigger.key or trigger.outcome not in (Outcome.ACCEPTED, Outcome.FAILED):
                continue
            if self._keys.get(stream) is None and not self._is_completed(stream):
                self.at_work[trigger.key] = stream
                self._keys[stream] = trigger.key
        while len(self.at_work) > MOST_AT_WORK:
            self._keys.pop(self.at_work.pop(next(iter(self.at_work))), None)

    def until(self, at_s: int | None) -> list[Made]:
        """Return the moments first reported up to a second, each broadcast once; None for all reports."""
        ready = {
            broadcast: found for broadcast, found in self._pending.items() if at_s is None or found[0] <= at_s
        }
        for broadcast, found in ready.items():
            del self._pending[broadcast]
            self._told[broadcast] = found[0]
        if at_s is not None:
            while self._told and (oldest := next(iter(self._told))) and self._told[oldest] < at_s - _TOLD_S:
                del self._told[oldest]
        return [
            Made(*broadcast, first_ns, self._flight_ns if self._is_completion(broadcast[3]) else 0, bound_ns)
            for broadcast, (_, first_ns, bound_ns) in ready.items()
        ]

    def finished(self, found: Iterable[Finished], now_ns: int) -> list[Made]:
        """Return the moments of broadcasts whose trigger has a completion that nobody received.

        The backend's own data say when the work was done. All broadcasts of the trigger were made by then.

        :param now_ns: by the master's clock.
        """
        made = []
        for key, age_s in found:
            stream = self.at_work.get(key)
            if stream is None:
                continue
            done_ns = now_ns if age_s is None else min(now_ns, now_ns - round(age_s * 1e9) + self._flight_ns)
            self._complete(stream)
            for slot in range(len(self._completions)):
                width_ns = 0 if age_s is None or not self._is_completion(slot) else 2 * self._flight_ns
                if (*stream, slot) not in self._told and (*stream, slot) not in self._pending:
                    made.append(Made(*stream, slot, done_ns, width_ns))
        return made

    def _is_completion(self, slot: int) -> bool:
        return slot < len(self._completions) and self._completions[slot]

    def _is_completed(self, stream: tuple[int, int, int]) -> bool:
        return any(
            (*stream, slot) in self._told or (*stream, slot) in self._pending
            for slot, is_completion in enumerate(self._completions)
            if is_completion
        )

    def _complete(self, stream: tuple[int, ...]) -> None:
        publisher, room, seq = stream
        if (key := self._keys.pop((publisher, room, seq), None)) is not None:
            self.at_work.pop(key, None)


def rows_of(made: Iterable[Made]) -> list[list[int | str]]:
    """Return the moments as rows that are sent together with the rows of triggers."""
    return [[MADE_ROW, *one] for one in made]


def made_of(rows: Iterable[Sequence[object]]) -> list[Made]:
    """Return the moments that are among rows of triggers."""
    return [Made(*row[1:]) for row in rows if row[0] == MADE_ROW]  # type: ignore[arg-type]


MADE_ROW: Final = "made"
"""First field of the row of a moment; the row of a trigger begins with its room's number."""
