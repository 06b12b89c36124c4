"""The lines of a histogram log."""

from __future__ import annotations

import pytest

from loadtest.measurement import interval_log
from loadtest.measurement.latency import fold
from loadtest.measurement.second import Second


@pytest.mark.parametrize("line", ["Tag=x,1.000,1.000,2.000,abc", "Tag=x,1.000\n"])
def test_a_line_of_the_log_that_is_cut_off(line: str) -> None:
    with pytest.raises(ValueError, match=r"^a line is cut off$"):
        interval_log.parse(line)


def test_the_head_of_the_log() -> None:
    head = interval_log.header(1_767_225_600.25)
    assert head.splitlines() == [
        "#[Histogram log format version 1.3]",
        "#[Values are microseconds; Interval_Max is in milliseconds]",
        "#[StartTime: 1767225600.250 (seconds since epoch), 2026-01-01T00:00:00.250+00:00]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    assert head.endswith("\n")
    assert all(interval_log.parse(line) is None for line in head.splitlines(keepends=True))
    assert interval_log.parse("Tag=a b,12.000,1.000,3.500,SGk=\n") == ("a b", 12, b"SGk=")


def test_a_line_of_the_log_has_its_second_and_its_largest_value() -> None:
    second = Second(7)
    fold(second.latencies["x"], [1500])
    fold(second.latencies["y"], [1])
    line, _ = interval_log.lines_of(second).splitlines()
    assert line.startswith("Tag=x,7.000,1.000,1.500,HIST")
    assert interval_log.lines_of(second, frozenset("xy")) == ""
