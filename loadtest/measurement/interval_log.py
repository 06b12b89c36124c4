"""A run's latencies second by second, as an HdrHistogram interval log (format 1.3) that the usual plotters open.

One line for each second and metric, `Tag=<tag>,<start>,<length>,<max>,<histogram>`: seconds since the epoch,
seconds, milliseconds, and a compressed histogram in µs. (Plotters that take nanoseconds for granted need a ratio
of 1000.) What a tag is, is in `names`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loadtest.measurement.names import key_of_tag, tag_of

if TYPE_CHECKING:
    from loadtest.measurement.second import Second

_TAG: Final = "Tag="
_MICROS_IN_MS: Final = 1000


class Interval(NamedTuple):
    """One line. name: the metric key. encoded: the histogram."""

    name: str
    at_s: int
    encoded: bytes


def header(start_s: float) -> str:
    """The lines before the first interval.

    :param start_s: when the run began, in seconds since the epoch.
    """
    started = datetime.fromtimestamp(start_s, UTC).isoformat(timespec="milliseconds")
    return (
        "#[Histogram log format version 1.3]\n"
        "#[Values are microseconds; Interval_Max is in milliseconds]\n"
        f"#[StartTime: {start_s:.3f} (seconds since epoch), {started}]\n"
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    )


def lines_of(second: Second, left_out: frozenset[str] = frozenset()) -> str:
    """The lines of one second of a run.

    :param left_out: names that get none.
    """
    return "".join(
        _line(name, second.at_s, histogram)
        for name, histogram in sorted(second.latencies.items())
        if name not in left_out
    )


def _line(name: str, at_s: int, histogram: Any) -> str:
    most_ms = histogram.get_max_value() / _MICROS_IN_MS
    return f"{_TAG}{tag_of(name)},{at_s:.3f},1.000,{most_ms:.3f},{histogram.encode().decode()}\n"


def parse(line: str) -> Interval | None:
    """One line of the log; None if it is no interval.

    :raises ValueError: if it is a damaged one.
    """
    if not line.startswith(_TAG):
        return None
    parts = line.rstrip("\n").split(",")
    if len(parts) != 5 or not line.endswith("\n"):
        raise ValueError("a line is cut off")
    return Interval(key_of_tag(parts[0].removeprefix(_TAG)), round(float(parts[1])), parts[4].encode())
