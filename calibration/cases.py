"""What is done to the deliveries in each case, and what a run has to say of it. Pure."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from backend import contract
from backend.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CASES: Final[Mapping[str, str]] = {
    "nothing": "",
    "drop": "drop=0.03",
    "duplicate": "duplicate=0.03",
    "corrupt": "corrupt=0.1",
    "leak": "leak=0.03",
    "reorder": "reorder=0.05",
    "mute member": "mute_member=2",
    "mute room": "mute_room=1",
    "all": "drop=0.02,duplicate=0.02,corrupt=0.05,leak=0.02,mute_member=3",
}
"""Name -> the reference backend's `--faults`. There is one publisher, so that all that a member gets of a kind is
one stream."""


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


def truths(log: Iterable[str]) -> dict[str, int]:
    """What the backend did to traced deliveries, by the names that a run's summary has for it.

    :param log: the lines of its `--fault-log`.
    """
    done: Counter[str] = Counter()
    for line in log:
        fault = json.loads(line)
        if fault["event"] == contract.TASK_STATUS_UPDATE or "~" in fault["what"]:
            done[fault["fault"]] += 1
    return {
        # A delivery whose trace is damaged cannot be led back to what was owed.
        "lost": done["drop"] + done["mute"] + done["corrupt"] + done["hold"] - done["release"],
        "duplicate": done["duplicate"],
        "leaked": done["leak"],
        "corrupt": done["corrupt"],
        "reordered": done["release"],
        "reorder_extent": min(done["release"], 1),
        "missed_offline": 0,
        "foreign": 0,
    }


def compare(case: str, log: Iterable[str], summary: Mapping[str, Any], members: int) -> list[Row]:
    """Truth beside measured; counts have to be exact.

    :param members: how many users each trigger's broadcasts were owed to.
    """
    measured = summary["deliveries"]
    sent = summary["triggers"]["sent"]
    expected = sent * members * len(Reader().slots)
    rows = [Row(case, "expected", expected, measured["expected"], 0)]
    rows += [Row(case, name, truth, measured[name], 0) for name, truth in truths(log).items()]
    rows.append(Row(case, "delivered", expected - rows[1].truth, measured["delivered"], 0))
    return rows
