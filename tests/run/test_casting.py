from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest
from locust import User, tag, task

from loadtest.errors import Fault
from loadtest.run.options import casting
from loadtest.run.options.casting import Size
from loadtest.tasks import always
from loadtest.users import roles
from loadtest.users.actor import Actor


def classes() -> dict[str, type[User]]:
    """Fresh ones: choosing changes them."""
    from loadtest.users.publisher import Publisher

    class Plain(User):
        @tag("core")
        @task
        def act(self) -> None: ...

    class Player(Actor):
        @tag("core", "stress")
        @task
        def act(self) -> None: ...

    class Other(Actor):
        @tag("security")
        @task
        def act(self) -> None: ...

    return {one.__name__: one for one in (Plain, Player, Other, Publisher)}


def chosen(**given: Any) -> dict[str, int]:
    options = {"mix": "", "tags": None, "exclude_tags": None, "user_classes": [], "class_picker": False}
    options |= {"run_time": None, "session_length": 120.0}
    found = list(classes().values())
    casting.choose(found, Namespace(**(options | {"publishers": 4} | given)))
    return {one.__name__: one.fixed_count or one.weight for one in found}


def test_without_a_word_nobody_plays() -> None:
    assert chosen() == {"Plain": 1, "Publisher": 4}


def test_tags_choose() -> None:
    assert chosen(tags=["core"]) == {"Plain": 1, "Player": 1, "Publisher": 4}
    assert chosen(tags=["core"], exclude_tags=["stress"]) == {"Plain": 1, "Publisher": 4}
    assert chosen(tags=["core"], publishers=0) == {"Plain": 1, "Player": 1}


def test_a_mix_chooses_and_weighs() -> None:
    assert chosen(mix="Player=3,Other") == {"Player": 3, "Other": 1, "Publisher": 4}
    assert chosen(mix="Player=3,Other", tags=["core"]) == {"Player": 3, "Publisher": 4}


def test_a_run_is_longer_than_its_sessions() -> None:
    def sessions(run_time: float | None, tags: list[str] | None = None) -> list[str]:
        options = {"mix": "LongSession,Dashboard", "user_classes": [], "class_picker": False, "publishers": 0}
        options |= {"tags": tags, "exclude_tags": None, "run_time": run_time, "session_length": 120.0}
        found: list[Any] = [roles.LongSession, roles.Dashboard]
        casting.choose(found, Namespace(**options))
        return [one.__name__ for one in found]

    assert sessions(121) == sessions(None) == ["LongSession", "Dashboard"]
    with pytest.raises(Fault, match="more than the 120 s that each session of LongSession lasts, got 120 s"):
        sessions(120)
    assert sessions(60, tags=["core"]) == ["Dashboard"], "nobody has a session in this suite"


def test_an_unknown_class_is_named() -> None:
    with pytest.raises(Fault, match="names Nobody.*There are Other, Plain, Player, Publisher"):
        chosen(mix="Nobody")


@pytest.mark.parametrize("option", ["tags", "exclude_tags"])
def test_a_tag_that_nobody_has_is_named(option: str) -> None:
    said = (
        f"--{option.replace('_', '-')} names cores, and no task has such a tag.*There are core, security, stress"
    )
    with pytest.raises(Fault, match=said):
        chosen(**{option: ["core", "cores"]})


def test_those_that_always_take_part_have_the_tags_that_were_asked_for_and_none_of_their_own() -> None:
    from loadtest.users.viewer import Viewer

    always.follow(["core"])
    try:
        with pytest.raises(Fault, match="--tags names core, and no task has such a tag.*There are none"):
            casting.choose([Viewer], Namespace(tags=["core"], exclude_tags=None))
    finally:
        always.follow([])


def sized(users: int, **weights: int) -> Size:
    from loadtest.users.audience import Audience
    from loadtest.users.publisher import Publisher

    kinds = {"Viewer": classes()["Plain"], "Audience": type("Listeners", (Audience,), {})}
    for name, weight in weights.items():
        kinds[name].weight = weight
    options = Namespace(publishers=4, audience_size=500)
    return casting.size_of([*(kinds[name] for name in weights), Publisher], options, users, 100.0)


def test_an_audience_is_many() -> None:
    assert sized(24, Viewer=1) == Size(24, 24, 1, 100.0)
    assert sized(24, Audience=1) == Size(24, 4 + 20 * 500, 500, 100.0)
    assert sized(24, Viewer=3, Audience=1) == Size(24, 4 + 15 + 5 * 500, 500, 100.0)
    assert sized(4, Audience=1) == Size(4, 4, 500, 100.0)


def test_users_that_cannot_come_in_time_are_refused() -> None:
    options = Namespace(mix="", run_time=100, shape="")
    casting.check(options, Size(24, 9_999, 500, 100.0))
    with pytest.raises(
        Fault, match="10000 connections at --spawn-rate 100 take 100 s, and the run's time is 100 s"
    ):
        casting.check(options, Size(24, 10_000, 500, 100.0))
    casting.check(Namespace(mix="", run_time=None, shape=""), Size(24, 10_000, 500, 1.0))
    casting.check(options, Size(9_999, 9_999, 1, 100.0))
    with pytest.raises(Fault, match="10000 users at --spawn-rate 100 take 100 s, and the run's time is 100 s"):
        casting.check(options, Size(10_000, 10_000, 1, 100.0))
    casting.check(Namespace(mix="", run_time=100, shape="capacity"), Size(10_000, 10_000, 1, 100.0))


@pytest.mark.parametrize(
    ("shape", "at_once", "refused"),
    [("capacity", 500, True), ("capacity", 1, False), ("capacity:by=rate", 500, False), ("spike", 500, False)],
)
def test_no_search_for_a_number_of_users_that_are_many_each(shape: str, at_once: int, refused: bool) -> None:
    options = Namespace(mix="", run_time=None, shape=shape)
    size = Size(24, 20 * at_once + 4, at_once, 100.0)
    if refused:
        with pytest.raises(Fault, match="one Audience is 500 listeners.*capacity:by=rate"):
            casting.check(options, size)
    else:
        casting.check(options, size)


@pytest.mark.parametrize(("mix", "least"), [("A=9,B=1", 14), ("A,B", 6), ("A=90,B=20", 10)])
def test_too_few_users_for_a_mix(mix: str, least: int) -> None:
    options = Namespace(mix=mix, publishers=4, run_time=None, shape="")
    casting.check(options, Size(least, least, 1, 1.0))
    with pytest.raises(Fault, match=f"Give {least} or more"):
        casting.check(options, Size(least - 1, least - 1, 1, 1.0))
