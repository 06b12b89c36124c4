from __future__ import annotations

import pytest
from locust import User
from locust.env import Environment

from loadtest.run.options import start
from loadtest.users.audience import Audience
from loadtest.users.publisher import Publisher
from loadtest.users.viewer import Viewer

from .parsed import parse


@pytest.mark.parametrize(
    ("arguments", "users", "spawn_rate"),
    [
        ((), 24, 10.0),
        (("--publishers", "40"), 60, 10.0),
        (("--publishers", "0"), 20, 10.0),
        (("--users", "7"), 7, 10.0),
        (("--spawn-rate", "3"), 24, 3.0),
        (("--mix", "Viewer"), 24, 10.0),
        (("--mix", "Audience"), 5, 100.0),
        (("--shape", "ramp", "--run-time", "1m"), 24, None),
        (("--class-picker",), 24, 10.0),
    ],
)
def test_the_form_begins_with_a_small_run_unless_the_command_line_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], users: int, spawn_rate: float | None
) -> None:
    for one in (Publisher, Viewer, Audience):
        monkeypatch.setattr(one, "weight", 1)
        monkeypatch.setattr(one, "fixed_count", 0)
    opts = parse("--host", "http://x", *arguments)
    classes: list[type[User]] = [Publisher, Viewer] if opts.class_picker else [Publisher, Viewer, Audience]
    environment = Environment(user_classes=classes, parsed_options=opts)
    environment.web_ui = object()  # type: ignore[assignment]
    start.settle(environment, opts)
    assert (opts.num_users, opts.spawn_rate) == (users, spawn_rate)
    if not opts.shape:
        start.check(environment.user_classes, opts, opts.num_users, opts.spawn_rate)


def test_without_a_form_nothing_is_filled_in() -> None:
    opts = parse("--host", "http://x", "--headless")
    start.settle(Environment(user_classes=[Publisher, Viewer], parsed_options=opts), opts)
    assert (opts.num_users, opts.spawn_rate) == (None, None)


@pytest.mark.parametrize("starts", ["--headless", "--autostart"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--users", "4"), "at least 5 users, got --users 4, of which 4 publish"),
        (
            ("--users", "24", "--run-time", "20s"),
            "24 users at --spawn-rate 1 take 24 s, and the run's time is 20 s",
        ),
        (
            ("--users", "24", "--spawn-rate", "4", "--warm-up", "4", "--run-time", "10s"),
            "leave out 4 s of a run of 10 s",
        ),
    ],
)
def test_a_run_that_begins_by_itself_and_makes_no_sense_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], starts: str, arguments: tuple[str, ...], said: str
) -> None:
    opts = parse("--host", "http://x", starts, *arguments)
    environment = Environment(user_classes=[Publisher, Viewer], parsed_options=opts)
    start.settle(environment, opts)
    with pytest.raises(SystemExit) as ended:
        start.refuse_senseless(environment, opts)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
