from __future__ import annotations

from pathlib import Path

import pytest

from lab.cluster import balancer, script
from lab.cluster.script import Step
from loadtest.errors import Fault


def test_steps_come_in_order_of_time_whatever_the_order_of_lines() -> None:
    assert script.parse(
        "20 add; 8 kill 1\n 12.5 start 1 # again; and again\n\n30 restart all; 25 drain 2;26 stop 2"
    ) == [
        Step(8.0, "kill", "1"),
        Step(12.5, "start", "1"),
        Step(20.0, "add"),
        Step(25.0, "drain", "2"),
        Step(26.0, "stop", "2"),
        Step(30.0, "restart", "all"),
    ]
    assert script.parse("") == []


def test_the_example_in_the_docstring_is_a_script() -> None:
    assert script.__doc__ is not None
    example = "\n".join(line for line in script.__doc__.splitlines() if line.startswith("    "))
    assert [step.act for step in script.parse(example)] == ["kill", "start", "drain", "stop", "restart", "add"]


@pytest.mark.parametrize(
    "line", ["kill 1", "3", "3 kill", "3 kill all", "3 add 1", "x kill 1", "3 kill one", "-1 add"]
)
def test_what_is_no_step_is_refused_by_its_line(line: str) -> None:
    with pytest.raises(Fault, match="the step"):
        script.parse(line)


@pytest.mark.parametrize(
    "steps",
    [
        "1 kill 3; 2 start 3; 3 kill 3",
        "1 add; 2 kill 4",
        "1 kill 1; 2 restart all; 3 stop 1",
        "1 drain 2; 2 stop 2",
        "",
    ],
)
def test_steps_that_can_be_done(steps: str) -> None:
    script.check(script.parse(steps), 3)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ("1 kill 4", "'1 kill 4' cannot be done: it is not running by then"),
        ("1 kill 01", "it is not running by then"),
        ("1 kill 2; 2.5 drain 2", "'2.5 drain 2' cannot be done: it is not running by then"),
        ("1 stop 2; 2 restart 2", "it is not running by then"),
        ("1 start 2", "it is running by then"),
        ("1 kill 2; 2 start 2; 3 start 2", "'3 start 2' cannot be done: it is running by then"),
        ("1 start 4; 2 add", "there has never been such an instance"),
        ("1 kill 1; 2 start 01", "there has never been such an instance"),
        ("1 start 0", "there has never been such an instance"),
    ],
)
def test_a_step_that_cannot_be_done_is_refused_before_anything_starts(steps: str, why: str) -> None:
    with pytest.raises(Fault, match=why):
        script.check(script.parse(steps), 3)


def test_the_balancer_keeps_drained_instances_for_nobody_new() -> None:
    servers = {"1": "127.0.0.1:1001", "2": "127.0.0.1:1002"}
    text = balancer.config(Path("folder"), 80, servers, ["2"], balancer.COOKIE)
    assert "server 127.0.0.1:1001 max_fails" in text
    assert "server 127.0.0.1:1002 down" in text
    assert "sticky cookie" in text
    assert "sticky" not in balancer.config(Path("folder"), 80, servers, [], balancer.NONE)
