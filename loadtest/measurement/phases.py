"""The phases of a run: from starting to draining, with what its shape names in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.doings import CONNECT, JOIN
from loadtest.measurement.evidence import GENERATOR_DELAY, LOOP_LAG
from loadtest.measurement.figures import WARM_UP
from loadtest.measurement.fleet import FAN_OUT
from loadtest.measurement.latency import new_histogram, summarise
from loadtest.measurement.meter import TRIGGER
from loadtest.measurement.names import key_of
from loadtest.measurement.overload import OVERLOAD

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from loadtest.measurement.fleet import Fleet

STARTING: Final = "starting"
RAMP: Final = "ramp"
STEADY: Final = "steady"
DRAIN: Final = "drain"
NAMES: Final = (STARTING, WARM_UP, RAMP, STEADY, OVERLOAD, DRAIN)
"""The phases of a run without a shape."""
_TIMES: Final = {
    "fan_out_ms": FAN_OUT,
    "connect_ms": CONNECT,
    "join_ms": JOIN,
    "trigger_ms": TRIGGER,
    "loop_lag_ms": LOOP_LAG,
    "generator_delay_ms": GENERATOR_DELAY,
}


@dataclass(slots=True)
class Phases:
    """When which phase is.

    ramp_s: how long the rate rises. unmeasured_s: how long what is published counts in no figure. marks: (seconds
    since the shape began, name), ascending: what the shape names. shape_began_s, ended_s: seconds since the epoch;
    None while it is not so far. overloaded: the seconds in which the backend was overloaded on purpose.
    """

    ramp_s: float = 0.0
    unmeasured_s: float = 0.0
    marks: Sequence[tuple[float, str]] = ()
    shape_began_s: float | None = None
    ended_s: float | None = None
    overloaded: Container[int] = ()

    def of(self, at_s: int, publishing_since_s: float | None) -> str:
        """The phase of a second.

        :param at_s: when it begins, since the epoch.
        :param publishing_since_s: when publishers began; None if they have not.
        """
        if self.ended_s is not None and at_s >= int(self.ended_s):
            return DRAIN
        if publishing_since_s is None or at_s < publishing_since_s:
            return STARTING
        if at_s < publishing_since_s + self.unmeasured_s:
            return WARM_UP
        if at_s in self.overloaded:
            return OVERLOAD
        if self.marks and self.shape_began_s is not None:
            since_s = at_s - self.shape_began_s
            return next((name for from_s, name in reversed(self.marks) if from_s <= since_s), self.marks[0][1])
        return RAMP if at_s < publishing_since_s + self.ramp_s else STEADY

    def counts(self, at_s: int, publishing_since_s: float | None) -> bool:
        """Whether what was delivered in a second counts in figures: not while a run warms up, nor in an overload.

        A delivery of which nobody knows yet when publishing began is one of the first.
        """
        if at_s in self.overloaded:
            return False
        if not self.unmeasured_s:
            return True
        return publishing_since_s is not None and at_s >= publishing_since_s + self.unmeasured_s


def summaries(fleet: Fleet, events: Iterable[str], timeline: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What each phase measured, in the fields of the summary itself.

    :param events: the traced ones.
    :param timeline: the rows of the record's time line.
    """
    names = dict.fromkeys(row["phase"] for row in timeline if row.get("phase"))
    return {name: _summary(name, fleet, events, timeline) for name in names}


def _summary(
    name: str, fleet: Fleet, events: Iterable[str], timeline: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    rows = [row for row in timeline if row.get("phase") == name]
    times = fleet.phases[name]
    owed = sum(row.get("owed", 0) for row in rows)
    lost = sum(row.get("lost", 0) for row in rows)
    every = new_histogram()
    for event in events:
        every.add(times[key_of(event)])
    latency = summarise(every)
    return {
        "from_s": rows[0]["at_s"],
        "to_s": rows[-1]["at_s"] + 1,
        "seconds": len(rows),
        "deliveries": {"expected": owed, "delivered": owed - lost, "lost": lost},
        "latency_ms": {event: summarise(times[key_of(event)]) for event in events},
        **{field: summarise(times[source]) for field, source in _TIMES.items()},
        "figures": {
            **{f"latency_{figure}_ms": value for figure, value in latency.items() if figure != "count"},
            "lost_percent": round(100 * lost / owed, 6) if owed else None,
            "received_per_s": round(sum(row.get("received", 0) for row in rows) / len(rows), 3),
        },
    }
