"""The reference backend's pure parts."""

from __future__ import annotations

from typing import Any

import pytest

from lab.reference_backend.health import as_text, human_size, human_time
from lab.reference_backend.javascript import UNDEFINED, js_string
from lab.reference_backend.throttle import Throttle, Window


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (UNDEFINED, "undefined"),
        (None, "null"),
        (True, "true"),
        (1.0, "1"),
        (1.5, "1.5"),
        ("", ""),
        ([1, None, ["a", "b"]], "1,,a,b"),
        ({}, "[object Object]"),
    ],
)
def test_strings_as_in_javascript(value: Any, text: str) -> None:
    assert js_string(value) == text


def test_a_window_refuses_blocks_and_opens_again() -> None:
    window = Window(limit=2, window_s=10)
    key = ("handler", "source")
    assert [window.hit(key, 0.0) for _ in range(3)] == [None, None, 10]
    assert window.hit(key, 4.5) == 6
    assert window.hit(("other", "source"), 4.5) is None
    assert window.hit(key, 10.0) is None


def test_a_late_refusal_blocks_for_a_whole_window() -> None:
    window = Window(limit=1, window_s=10)
    key = ("h", "s")
    assert [window.hit(key, 0.0), window.hit(key, 9.0), window.hit(key, 18.9)] == [None, 10, 1]


def test_a_raised_limit_raises_the_plain_window_too() -> None:
    assert all(Throttle(1000).hit("h", "s", 0.0) is None for _ in range(1000))
    assert all(Throttle(0).hit("h", "s", 0.0) is None for _ in range(5))


def test_a_window_never_asks_for_more_than_itself() -> None:
    # (1/7 s steps: adding 900 to 872/7 and taking it away again leaves a hair more than 900.)
    waits = {Window(limit=0, window_s=900).hit(("handler", "source"), step / 7) for step in range(1, 2000)}
    assert waits == {900}


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 Bytes"),
        (1023, "1023 Bytes"),
        (1024, "1 KB"),
        (1536, "1.5 KB"),
        (164_720_000, "157.09 MB"),
        (3 * 1024**4, "3072 GB"),
    ],
)
def test_sizes_as_text(size_bytes: int, text: str) -> None:
    assert human_size(size_bytes) == text


@pytest.mark.parametrize(
    ("time_s", "text"), [(9.7, "< 1m"), (60, "1m"), (7500, "2h 5m"), (3600, "1h"), (93_900, "1d 2h 5m")]
)
def test_times_for_people(time_s: float, text: str) -> None:
    assert human_time(time_s) == text


def test_the_health_call_as_built() -> None:
    assert as_text(9.9, {"rss": 2 * 1024**2, "external": 0}) == {
        "status": "ok",
        "uptime": {"seconds": 9, "human": "< 1m"},
        "memory": {"rss": "2 MB", "external": "0 Bytes"},
    }
