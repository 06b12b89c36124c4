"""What is done to the deliveries in each case, and what a run has to say of it. Pure."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


TOLERANCE_SHARE: Final = 0.01

_QUOTES_TITLE: Final = contract.LOG_ACCEPTED.partition("{")[0]
"""Start of the only log that carries a trace."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    faults: the reference backend's `--faults`. rate: triggers a second. more_s: how much longer than the others it
    takes. slow: a delivery that takes longer than so many milliseconds is slow, and how many triggers at least
    have to be, by the schedule. members: how many viewers each room has. transport: of `--transport`; if it is
    given, the truth is a packet capture. Four rooms of them are to be shared alike by one and by three workers.
    """

    faults: str = ""
    rate: int = 20
    more_s: int = 0
    slow: tuple[float, int] | None = None
    members: int = 6
    transport: str = ""

    @property
    def logs_sends(self) -> bool:
        """Whether the backend's log has every frame that left."""
        return self.is_late or "cut=" in self.faults

    @property
    def is_late(self) -> bool:
        """Whether it is about time."""
        return any(word in self.faults for word in ("delay=", "slow_instance=", "stop="))


CASES: Final[Mapping[str, Case]] = {
    "nothing": Case(),
    "drop": Case("drop=0.03"),
    "duplicate": Case("duplicate=0.03"),
    "corrupt": Case("corrupt=0.1"),
    "leak": Case("leak=0.03"),
    "reorder": Case("reorder=0.05"),
    "exact list": Case("drop=@3/50/51,duplicate=@7/90,leak=@20/21/300,corrupt=@2/9,reorder=@11/77"),
    "mute member": Case("mute_member=2"),
    "mute room": Case("mute_room=1"),
    "cut off": Case("cut=3:2", more_s=4),
    "replay": Case("cut=3:4,replay=1", more_s=4),
    "all": Case("drop=0.02,duplicate=0.02,corrupt=0.05,leak=0.02,reorder=0.02,mute_member=3"),
    "delay": Case("delay=40"),
    "delay by a law": Case("delay=exponential:30"),
    "slow instance": Case("delay=5,slow_instance=80"),
    # Half of the 2 s at 50 a second have to wait for more than 1 s, and 95 of the 100 for more than 0.1 s.
    "stop for 2 s": Case("stop=3:2", rate=50, more_s=4, slow=(100.0, 95)),
    # All connect and join at once, so that the load generator's own loop is late, and the times must not show it.
    "wire, WebSocket": Case(rate=10, members=75, transport="websocket"),
    "wire, upgrade": Case(rate=10, members=48, transport="upgrade"),
    "wire, long-polling": Case(rate=5, members=15, transport="polling"),
}
"""There is one publisher, so that all that a member gets of a kind is one stream."""


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity of one case: the truth beside what was measured."""

    case: str
    quantity: str
    truth: float
    measured: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether they agree."""
        return abs(self.measured - self.truth) <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """As it stands in calibration.json."""
        return {**asdict(self), "passed": self.passed}


def quantile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def tolerance_ms(truth_ms: float) -> float:
    """Return by how many milliseconds a measured time may differ from its truth: 1 ms and 1%."""
    return 1.0 + TOLERANCE_SHARE * truth_ms


def truths(log: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """What the backend did to traced deliveries, by the names that a run's summary has for it.

    Leaks are those of all deliveries: whatever carries no trace leaks, too.

    :param log: the lines of its `--fault-log`.
    """
    done: Counter[str] = Counter()
    ordered: Counter[str] = Counter()
    log = list(log)
    for fault in log:
        if "fault" in fault and (
            fault["event"] == contract.TASK_STATUS_UPDATE or fault["what"].startswith(_QUOTES_TITLE)
        ):
            done[fault["fault"]] += 1
            # Work that began first may end later: a late completion is not reordered.
            ordered[fault["fault"]] += fault["what"] not in (contract.COMPLETED, contract.FAILED)
    missed = done["absent"] - done["replay"]
    return {
        # A delivery whose trace is damaged cannot be led back to what was owed.
        "lost": done["drop"] + done["mute"] + done["corrupt"] + done["hold"] - done["release"] + missed,
        "duplicate": done["duplicate"],
        "leaked": sum(line.get("fault") == "leak" for line in log),
        "corrupt": done["corrupt"],
        "reordered": ordered["release"],
        "missed_offline": missed,
        "replayed": 0,
        "unowed": 0,
        "foreign": 0,
    }


def compare(case: str, true_counts: Mapping[str, int], summary: Mapping[str, Any], members: int) -> list[Row]:
    """Truth beside measured; counts have to be exact.

    :param true_counts: see `truths`.
    :param members: how many users each trigger's broadcasts were owed to.
    """
    measured = summary["deliveries"]
    sent = summary["triggers"]["sent"]
    expected = sent * members * len(Reader().slots)
    rows = [Row(case, "expected", expected, measured["expected"], 0)]
    rows += [Row(case, name, truth, measured[name], 0) for name, truth in true_counts.items()]
    rows.append(Row(case, "delivered", expected - rows[1].truth, measured["delivered"], 0))
    return rows
