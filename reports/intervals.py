"""A run's latencies second by second, from its interval log; merged into wider intervals, never averaged."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from loadtest.measurement import latency, names
from loadtest.measurement.interval_log import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Counts = npt.NDArray[np.int64]
_WIDTHS_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(slots=True)
class Intervals:
    """encoded: metric key -> second since the epoch -> histogram. damaged: lines that could not be read."""

    encoded: dict[str, dict[int, list[bytes]]] = field(default_factory=lambda: defaultdict(dict))
    damaged: int = 0

    @property
    def span_s(self) -> tuple[int, int] | None:
        """The first second and the one after the last; None of an empty log."""
        seconds = [at_s for line in self.encoded.values() for at_s in line]
        return (min(seconds), max(seconds) + 1) if seconds else None

    def second(self, key: str, at_s: int) -> Counts | None:
        """The counts of one second, without empty steps at the end; None if nothing of it can be read."""
        together: Counts | None = None
        for encoded in self.encoded.get(key, {}).get(at_s, ()):
            decoded = decode(encoded)
            if decoded is None:
                self.damaged += 1
            else:
                together = decoded if together is None else add(together, decoded)
        return together

    def counts(self, keys: Iterable[str], edges_s: Sequence[float]) -> Counts:
        """The counts of several metric keys together, by interval.

        :param edges_s: ascending, in seconds since the epoch.
        :returns: shape (intervals, steps); steps as in `measurement.latency`, without empty ones at the end.
        """
        rows: list[Counts] = [np.zeros(0, dtype=np.int64)] * (len(edges_s) - 1)
        for key in keys:
            for at_s in self.encoded.get(key, ()):
                row = int(np.searchsorted(edges_s, at_s, side="right")) - 1
                counts = self.second(key, at_s) if 0 <= row < len(rows) else None
                if counts is not None:
                    rows[row] = add(rows[row], counts)
        together = np.zeros((len(rows), max(map(len, rows), default=0)), dtype=np.int64)
        for number, row_counts in enumerate(rows):
            together[number, : len(row_counts)] = row_counts
        return together


def add(one: Counts, other: Counts) -> Counts:
    """Two histograms' counts together; the arrays that were given may be changed."""
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    longer[: len(shorter)] += shorter
    return longer


def read(path: Path) -> Intervals:
    """Read an interval log as far as it goes.

    :raises OSError: if there is none.
    """
    found = Intervals()
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            try:
                interval = parse(line)
            except ValueError:
                found.damaged += 1
                continue
            if interval is not None:
                found.encoded[interval.name].setdefault(interval.at_s, []).append(interval.encoded)
    return found


def decode(encoded: bytes) -> Counts | None:
    """A histogram's counts, without empty steps at the end; None if it is damaged."""
    try:
        histogram = latency.decode(encoded)
    except Exception:  # noqa: BLE001 - the package raises what base64, zlib and ctypes raise
        return None
    counts = latency.counts_of(histogram)
    filled = np.flatnonzero(counts)
    return counts[: filled[-1] + 1].copy() if len(filled) else counts[:0].copy()


def of_run(where: Path, key: str, log: Intervals) -> Counts | None:
    """The counts of one metric key over the whole run: its own file's, or the log's; None if there are none.

    :param where: the record.
    """
    try:
        counts = decode((where / "histograms" / f"{names.stem_of(key)}.hdr").read_bytes().strip())
    except OSError:
        counts = None
    if counts is None and key in log.encoded:
        counts = log.counts([key], [-np.inf, np.inf])[0]
    return counts if counts is not None and len(counts) else None


def width_s(span_s: float, most: int) -> int:
    """The width of intervals, so that there are no more than so many in a time."""
    return next((width for width in _WIDTHS_S if span_s / width <= most), max(int(span_s / most), 1))


def edges(from_s: int, to_s: int, most: int) -> list[float]:
    """The edges of equal intervals that cover a time."""
    width = width_s(to_s - from_s, most)
    return [float(from_s + width * number) for number in range(-(-(to_s - from_s) // width) + 1)]
