"""The last half hour of a run, second by second, for the page's charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.evidence import GENERATOR_DELAY, LOOP_LAG
from loadtest.measurement.names import key_of, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from loadtest.measurement.fleet import Fleet

_MOST_S: Final = 1800


class Curves:
    """Rows of the time line, those included that may still change by a late report.

    :param events: those that are timed.
    """

    def __init__(self, events: Sequence[str]) -> None:
        own = [f"{name}_p99" for name in (GENERATOR_DELAY, LOOP_LAG)]
        of_events = {
            f"{key_of(event)}_{quantile}": f"{shown(event)} {quantile}"
            for event in events
            for quantile in ("p50", "p99")
        }
        self.columns: list[str] = ["at_s", "received", "connected", *of_events, *own]
        self._labels = {name: name.replace("_", " ") for name in self.columns} | of_events
        self._rows: list[list[Any]] = []

    def update(self, fleet: Fleet, alive: Collection[str]) -> None:
        """Take in the seconds that are whole since the last time."""
        for at_s, row in fleet.rows_after(self.last_s, alive, _MOST_S):
            self._rows.append([at_s, *(row.get(name) for name in self.columns[1:])])
        del self._rows[:-_MOST_S]

    @property
    def last_s(self) -> int:
        """The newest second; 0 if there is none."""
        return self._rows[-1][0] if self._rows else 0

    def after(self, at_s: int) -> dict[str, Any]:
        """Columns, how they are shown, and rows later than a second; `None` where nothing was measured."""
        labels = [self._labels[name] for name in self.columns]
        return {"columns": self.columns, "labels": labels, "rows": [row for row in self._rows if row[0] > at_s]}
