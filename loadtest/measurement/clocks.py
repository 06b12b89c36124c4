"""What a worker knows of all clocks of a run, and what a moment of another worker's clock is by its own."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loadtest.measurement.clock import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterable

_PUBLISHERS_EACH: Final = 4096


def publisher_number(worker: int, publisher: int) -> int:
    """A number for a worker's n-th publisher that no other publisher of the run has."""
    return worker * _PUBLISHERS_EACH + publisher


def worker_of(publisher: int) -> int:
    """The worker that a publisher runs in."""
    return publisher // _PUBLISHERS_EACH


@dataclass(frozen=True, slots=True)
class Clock:
    """One worker's clock.

    machine: names the machine's clock; empty if it cannot be told. estimate: to the master's clock; None before
    the first exchange. steps: how often this clock or the master's was set. doubtful_from_ns: the moment of this
    clock from which estimates may have been wrong, until the last step was noticed.
    """

    worker: int
    machine: str
    estimate: Estimate | None = None
    steps: int = 0
    doubtful_from_ns: int = 0

    def to_message(self) -> list[Any]:
        """As a message."""
        estimate = None if self.estimate is None else list(astuple(self.estimate))
        return [self.worker, self.machine, estimate, self.steps, self.doubtful_from_ns]

    @classmethod
    def from_message(cls, message: list[Any]) -> Clock:
        """From a message."""
        worker, machine, estimate, steps, doubtful_from_ns = message
        return cls(worker, machine, None if estimate is None else Estimate(*estimate), steps, doubtful_from_ns)

    def is_that_of(self, other: Clock) -> bool:
        """Whether two processes read the same clock: those of one machine, unless their offsets say otherwise.

        (A process can be made to see another time than its machine has.)
        """
        if self.worker == other.worker:
            return True
        if not self.machine or self.machine != other.machine:
            return False
        mine, theirs = self.estimate, other.estimate
        if mine is None or theirs is None:
            return False
        at_ns = max(mine.at_ns, theirs.at_ns)
        apart_ns = mine.theirs_ns(at_ns) - theirs.theirs_ns(at_ns)
        return abs(apart_ns) <= mine.bound_at_ns(at_ns) + theirs.bound_at_ns(at_ns)


class Moment(NamedTuple):
    """A moment of another worker's clock, by ours.

    bound_ns: by how much that may be wrong; None if nothing is known of one of the clocks. one_clock: whether it
    is the same clock, so that nothing is wrong.
    """

    ns: int
    bound_ns: int | None
    one_clock: bool


class ClockTable:
    """All clocks, as one worker knows them.

    :param own: this worker's.
    """

    def __init__(self, own: Clock) -> None:
        self.own = own
        self._clocks: dict[int, Clock] = {}

    def update(self, clocks: Iterable[Clock]) -> int | None:
        """Take in the clocks of other workers.

        :returns: the moment by our clock from which their times are doubtful, because one of their clocks was set;
            None if none was set.
        """
        doubtful_from_ns = None
        for clock in clocks:
            if clock.worker == self.own.worker:
                continue
            before = self._clocks.get(clock.worker)
            self._clocks[clock.worker] = clock
            if before is not None and clock.steps > before.steps:
                from_ns = self.here(clock.worker, clock.doubtful_from_ns).ns
                doubtful_from_ns = from_ns if doubtful_from_ns is None else min(doubtful_from_ns, from_ns)
        return doubtful_from_ns

    def here(self, worker: int, ns: int) -> Moment:
        """A moment of a worker's clock, by ours."""
        if worker == self.own.worker:
            return Moment(ns, 0, one_clock=True)
        clock = self._clocks.get(worker)
        if clock is None:
            return Moment(ns, None, one_clock=False)
        if clock.is_that_of(self.own):
            return Moment(ns, 0, one_clock=True)
        there, here = clock.estimate, self.own.estimate
        if there is None or here is None:
            return Moment(ns, None, one_clock=False)
        here_ns = here.ours_ns(there.theirs_ns(ns))
        return Moment(here_ns, round(there.bound_at_ns(ns) + here.bound_at_ns(here_ns)), one_clock=False)

    def knows(self, workers: int) -> bool:
        """Whether the clocks of so many workers were compared with the master's, this one's among them."""
        known = [self.own, *self._clocks.values()]
        return sum(clock.estimate is not None for clock in known) >= workers

    def master_ns(self, ns: int) -> int:
        """A moment of ours by the master's clock; ours, as long as nothing is known."""
        return ns if self.own.estimate is None else self.own.estimate.theirs_ns(ns)
