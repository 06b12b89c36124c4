"""A run's latencies in as many intervals as a picture has room for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from loadtest.measurement.latency import summarise_counts
from loadtest.reports.intervals import Counts, add

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.reports.load import Record

_MOST: Final = 240
QUANTILES: Final = ("p50", "p90", "p99", "max")


class Binned:
    """A record, binned by time. A record without an interval log has its own seconds, and no counts."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._counts: dict[str, Counts] = {}

    @cached_property
    def edges_s(self) -> list[float]:
        """The edges of the intervals, in seconds since the epoch."""
        return self.record.edges_s(_MOST)

    @property
    def width_s(self) -> float:
        """How long an interval is."""
        return self.edges_s[1] - self.edges_s[0]

    @property
    def has_log(self) -> bool:
        """Whether intervals can be merged."""
        return bool(self.record.intervals.encoded)

    def counts(self, keys: Sequence[str]) -> Counts:
        """Shape (intervals, steps): the histograms of several metric keys together."""
        together = np.zeros((len(self.edges_s) - 1, 0), dtype=np.int64)
        for key in keys:
            if key not in self._counts:
                self._counts[key] = self.record.counts([key], self.edges_s)
            both = (together.T.copy(), self._counts[key].T.copy())
            together = add(*both).T
        return together

    def quantiles(self, keys: Sequence[str]) -> pd.DataFrame:
        """at_s (when an interval begins), count, mean and quantiles in ms; without empty intervals."""
        if self.has_log and any(key in self.record.intervals.encoded for key in keys):
            counts = self.counts(keys)
            rows: list[dict[str, Any]] = [
                {"at_s": at_s, **summarise_counts(row)}
                for at_s, row in zip(self.edges_s[:-1], counts, strict=True)
                if row.any()
            ]
            return pd.DataFrame(rows)
        timeline = self.record.timeline
        if len(keys) != 1 or f"{keys[0]}_p50" not in timeline:
            return pd.DataFrame()
        columns = {f"{keys[0]}_{figure}": figure for figure in ("count", "mean", *QUANTILES)}
        return timeline[["at_s", *columns]].rename(columns=columns).dropna()

    def sums(self, columns: Sequence[str]) -> pd.DataFrame:
        """Columns of the time line, added up by interval and divided by its length: a second's mean."""
        return self._group(columns).sum() / self.width_s

    def means(self, columns: Sequence[str]) -> pd.DataFrame:
        """The same, of what is a level."""
        return self._group(columns).mean()

    def totals(self, columns: Sequence[str]) -> pd.DataFrame:
        """The same, added up."""
        return self._group(columns).sum()

    def _group(self, columns: Sequence[str]) -> Any:
        timeline = self.record.timeline
        known = timeline.reindex(columns=["at_s", *columns])
        number = ((known["at_s"] - self.edges_s[0]) // self.width_s).astype(int)
        return known[list(columns)].set_index(number * self.width_s + self.edges_s[0]).groupby(level=0)
