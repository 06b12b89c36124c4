from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest
from locust import User, tag, task

from faults import Fault
from run import casting
from users.actor import Actor


def classes() -> dict[str, type[User]]:
    """Fresh ones: choosing changes them."""
    from users.publisher import Publisher

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


def test_an_unknown_class_is_named() -> None:
    with pytest.raises(Fault, match="names Nobody.*There are Other, Plain, Player, Publisher"):
        chosen(mix="Nobody")


@pytest.mark.parametrize(("mix", "least"), [("A=9,B=1", 14), ("A,B", 6), ("A=90,B=20", 10)])
def test_too_few_users_for_a_mix(mix: str, least: int) -> None:
    options = Namespace(mix=mix, publishers=4)
    casting.check(options, least)
    with pytest.raises(Fault, match=f"Give {least} or more"):
        casting.check(options, least - 1)
