"""The reference backend's pure parts."""

from __future__ import annotations

from typing import Any

import pytest

from target.javascript import UNDEFINED, js_string
from target.throttle import Throttle, Window


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
