"""Tests of the line that is printed before a run."""

from __future__ import annotations

import argparse

import pytest

from loadtest.run.master.announcement import announce
from loadtest.run.options.casting import Size

SIZE = Size(users=104, connections=104, at_once=1, spawn_rate_per_s=52.0)
TASKS = "/v1/projects/:id/tasks"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({}, "about 280 triggers"),
        ({"warm_up": 8.0}, "about 200 triggers"),
        ({"ramp": 10.0}, "about 230 triggers"),
        ({"run_time": 3600, "rate": 1000.0}, "about 3,598,000 triggers"),
        ({"run_time": 1}, "about 0 triggers"),
        ({"run_time": None}, "10 triggers a second until it is stopped"),
        ({"shape": "capacity:by=rate"}, "more and more triggers a second, from 10 on,"),
        ({"shape": "ramp"}, "about 280 triggers"),
    ],
)
def test_how_many_triggers_are_sent_and_where(options: dict[str, object], line: str) -> None:
    given = {"publishers": 4, "rate": 10.0, "run_time": 30, "warm_up": 0.0, "ramp": 0.0, "shape": ""} | options
    assert announce(argparse.Namespace(**given), SIZE, TASKS, "") == f"This run sends {line} to {TASKS}."


def test_the_effect_of_each_is_said() -> None:
    options = argparse.Namespace(publishers=1, rate=1.0, run_time=None, warm_up=0.0, ramp=0.0, shape="")
    said = announce(options, SIZE, TASKS, "each starts a container")
    assert said.endswith(f" to {TASKS}; each starts a container.")


def test_a_run_that_publishes_nothing_says_nothing() -> None:
    assert announce(argparse.Namespace(publishers=0), SIZE, TASKS, "") == ""
