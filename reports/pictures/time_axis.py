"""The time of a run as an axis: since its first second, in the unit that suits its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from loadtest.measurement.overload import OVERLOAD
from loadtest.reports.pictures.style import labelled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from loadtest.reports.load import Record


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """from_s, to_s: seconds since the epoch. phases: (from_s, name)."""

    from_s: float
    to_s: float
    unit: str
    unit_s: float
    phases: tuple[tuple[float, str], ...] = ()

    @classmethod
    def of(cls, record: Record) -> TimeAxis:
        """A record's; it has to have a time."""
        assert record.span_s is not None
        from_s, to_s = record.span_s
        unit, unit_s = next(
            (
                (unit, unit_s)
                for unit, unit_s, most in (("s", 1, 300), ("min", 60, 10_800))
                if to_s - from_s <= most
            ),
            ("h", 3600),
        )
        # The time of an overload is in many pieces, within other phases.
        phases = tuple(
            (float(phase["from_s"]), name) for name, phase in record.summary["phases"].items() if name != OVERLOAD
        )
        return cls(from_s, to_s, unit, unit_s, phases)

    def at(self, at_s: Any) -> Any:
        """Where moments are on the axis; in seconds since the epoch, one or an array."""
        return (np.asarray(at_s, dtype=np.float64) - self.from_s) / self.unit_s

    def table(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table with `at_s` as it is on the axis."""
        shown = table.assign(at_s=self.at(table["at_s"]).round(4))
        return shown.rename(columns={"at_s": f"from {self.unit}"})

    def finish(self, axes: Axes, *, names: bool = True) -> None:
        """Label the axis and mark the run's phases.

        :param names: whether the phases are named, at the bottom.
        """
        axes.set_xlim(0, max((self.to_s - self.from_s) / self.unit_s, 1e-9))
        axes.set_xlabel(f"time since the start in {self.unit}")
        ends = [*(from_s for from_s, _ in self.phases[1:]), self.to_s]
        for (from_s, name), end_s in zip(self.phases, ends, strict=False):
            if from_s > self.from_s:
                axes.axvline(self.at(from_s), linewidth=0.8, linestyle=(0, (1, 2)), color="#888888")
            # A name that does not fit is left out: the table of phases has them all.
            room = (end_s - from_s) / (self.to_s - self.from_s) * axes.get_window_extent().width / 6.5
            if names and len(name) < room:
                axes.annotate(
                    f" {labelled(name)}",
                    (self.at(from_s), 0.01),
                    xycoords=axes.get_xaxis_transform(),
                    va="bottom",
                    fontsize=8,
                    color="#888888",
                )
