from __future__ import annotations

from argparse import Namespace
from typing import Any, cast

import pytest
from locust import LoadTestShape, User, task
from locust.env import Environment

from loadtest.run.master.master_side import MasterSide
from loadtest.run.options import options
from loadtest.run.options.form import Form
from loadtest.users.publisher import Publisher

from .parsed import NO_SECRETS, parse


class Looker(User):
    weight = 3

    @task
    def look(self) -> None:
        pass


class Player(Looker):
    weight = 1


class Crew(Publisher):
    pass


def form_of(*arguments: str) -> tuple[Form, Environment, Namespace]:
    opts = parse("--host", "http://x", *arguments)
    classes: list[type[User]] = [Looker, Player, Crew]
    environment = Environment(user_classes=list(classes), parsed_options=opts)
    environment.available_user_classes = {one.__name__: one for one in classes}  # type: ignore[misc]
    environment.create_local_runner()
    return Form(environment, opts, NO_SECRETS), environment, opts


def weights(environment: Environment) -> dict[str, tuple[int, int]]:
    return {one.__name__: (one.weight, one.fixed_count) for one in environment.user_classes}


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"rooms": "0"}, "rooms: '0' is no number from 1 to 100000"),
        ({"rooms": "2.5"}, "rooms: '2.5' is no number"),
        ({"rate": ""}, "rate: '' is no number"),
        ({"arrivals": "never"}, "arrivals: 'never' is none of"),
        ({"mix": "Nobody"}, "--mix names Nobody"),
        ({"mix": "Looker=x"}, "mix: 'x' is no number"),
        ({"mix": "Looker=9,Player", "user_count": "5"}, "--users 5 are too few"),
        ({"host": "example.org"}, "--host 'example.org' is no URL"),
        ({"rooms_per_viewer": "2"}, "--rooms-per-viewer is 2"),
        ({"user_count": "4"}, "expected at least 5 users, got --users 4, of which 4 publish"),
        ({"user_count": "0"}, "expected at least 5 users, got --users 0"),
        ({"user_count": "24", "publishers": "24"}, "expected at least 25 users"),
        ({"user_count": "24", "spawn_rate": "2", "run_time": "12s"}, "24 users at --spawn-rate 2 take 12 s"),
        (
            {"user_count": "24", "spawn_rate": "8", "run_time": "9s", "warm_up": "7"},
            "leave out 7 s of a run of 9 s",
        ),
        ({"user_count": "24", "spawn_rate": "8", "run_time": "9s", "ramp": "9"}, "--ramp 9 s"),
    ],
)
def test_what_is_wrong_is_said_in_the_form(entered: dict[str, str], said: str) -> None:
    form, environment, _ = form_of()
    before = list(environment.user_classes)
    why_not = form.take(entered)
    assert why_not is not None
    assert said in why_not
    assert "\n" not in why_not
    assert environment.user_classes == before


def test_a_mix_and_publishers_are_cast_anew_for_each_run() -> None:
    form, environment, _ = form_of()
    assert form.take({"user_count": "50", "mix": "Looker=2,Player=7", "publishers": "3"}) is None
    assert weights(environment) == {"Looker": (2, 0), "Player": (7, 0), "Crew": (1, 3)}
    assert form.take({"user_count": "50", "mix": "Player", "publishers": "0"}) is None
    assert weights(environment) == {"Player": (1, 0)}
    assert form.take({"user_count": "50"}) is None
    assert weights(environment) == {"Looker": (3, 0), "Player": (1, 0), "Crew": (1, 4)}


def test_a_form_that_is_refused_changes_no_class() -> None:
    form, environment, _ = form_of()
    assert form.take({"user_count": "50", "publishers": "3"}) is None
    before = weights(environment)
    assert form.take({"user_count": "2", "mix": "Looker=5", "publishers": "2"}) is not None
    assert weights(environment) == before


def test_only_the_classes_that_are_picked_count() -> None:
    form, _, _ = form_of()
    assert form.take({"user_count": "5"}, ["Looker", "Crew"]) is None
    why_not = form.take({"user_count": "5"}, ["Crew"])
    assert why_not is not None
    assert "expected a user class that receives broadcasts, got only Crew" in why_not


def test_a_run_lasts_as_long_as_the_form_says() -> None:
    form, _, opts = form_of()
    assert form.take({"user_count": "24", "spawn_rate": "10", "run_time": "1m"}) is None
    assert opts.run_time == 60
    assert form.take({"user_count": "24", "spawn_rate": "0.1", "run_time": ""}) is None
    assert opts.run_time is None


def test_a_shape_takes_the_users_of_the_command_line() -> None:
    form, environment, opts = form_of("--shape", "ramp", "--run-time", "30")
    side: Any = MasterSide(*cast("list[Any]", [None] * 3), NO_SECRETS, *cast("list[Any]", [None] * 2))
    environment.shape_class = side.shape(opts)
    opts.num_users = 24
    assert form.take({}) is None
    assert opts.run_time == 30
    opts.num_users = 4
    assert "got --users 4" in (form.take({}) or "")
    opts.num_users = 3004
    assert "3004 users at --spawn-rate 100 take 30 s" in (form.take({}) or "")


def test_somebody_else_s_shape_may_begin_with_one_user() -> None:
    class Steps(LoadTestShape):
        def tick(self) -> tuple[int, float]:
            return 1, 1

    form, environment, _ = form_of()
    environment.shape_class = Steps()
    assert form.take({"user_count": "1"}) is None


def test_while_a_run_goes_on_the_number_of_users_can_be_changed_and_nothing_of_ours() -> None:
    form, environment, opts = form_of()
    assert environment.runner is not None
    environment.runner.state = "running"
    as_it_is = {name: str(getattr(opts, name)) for name in options.form_fields()}
    assert form.take({"user_count": "99", **as_it_is}) is None
    why_not = form.take({**as_it_is, "rooms": "11"})
    assert why_not == "rooms is settled when a run begins. Stop this one to change it."


def test_secrets_are_no_fields_and_what_matters_is() -> None:
    fields = options.form_fields()
    assert not set(fields) & set(options.SECRETS)
    assert {"rooms", "rate", "mix", "publishers"} <= set(fields)
