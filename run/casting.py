"""Who takes part in a run: the user classes that stay, and their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faults import Fault, Owner
from tasks import always
from users.actor import Actor
from users.publisher import Publisher

from .option_types import weights_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from locust import User


def choose(classes: list[type[User]], options: argparse.Namespace) -> None:
    """Take those out that have no part, and give the others their weights.

    Without a word on it, users that play scenarios have none.

    :param classes: changed in place.
    :raises Fault: if the mix names a class that there is not.
    """
    mix = weights_of(options.mix)
    names = [one.__name__ for one in classes]
    if unknown := [name for name in mix if name not in names]:
        raise Fault(
            Owner.USER,
            f"--mix names {', '.join(unknown)}, and there is no such user class",
            f"There are {', '.join(sorted(names))}.",
        )
    if mix:
        classes[:] = [one for one in classes if one.__name__ in mix or issubclass(one, Publisher)]
        for one in classes:
            one.weight = mix.get(one.__name__, 1)
    elif not (options.tags or options.user_classes or options.class_picker):
        classes[:] = [one for one in classes if not issubclass(one, Actor)]
    if options.publishers == 0:
        classes[:] = [one for one in classes if not issubclass(one, Publisher)]
    always.follow(options.tags or ())
    classes[:] = [one for one in classes if _has_tasks(one, options)]
    for one in classes:
        if issubclass(one, Publisher):
            one.fixed_count = options.publishers


def check(options: argparse.Namespace, users: int) -> None:
    """Make sure that everybody in the mix gets to play.

    :param users: how many there are, publishers included.
    :raises Fault: if they are too few.
    """
    mix = weights_of(options.mix)
    if not mix:
        return
    least = min(mix, key=mix.__getitem__)
    needed = -(-sum(mix.values()) // mix[least]) + options.publishers
    if users < needed:
        raise Fault(
            Owner.USER,
            f"--users {users} are too few for this --mix: there may be no {least} among them",
            f"Give {needed} or more; {options.publishers} of them publish.",
        )


def _has_tasks(user_class: type[User], options: argparse.Namespace) -> bool:
    """Whether a class has a task left when tags have chosen; Locust would start it, and it would fail."""
    tags, excluded = set(options.tags or ()), set(options.exclude_tags or ())
    return any(
        (not tags or _tags_of(task) & tags) and not _tags_of(task) & excluded for task in _tasks_of(user_class)
    )


def _tasks_of(holder: Any) -> Iterator[Any]:
    for task in holder.tasks:
        if hasattr(task, "tasks"):
            yield from _tasks_of(task)
        else:
            yield task


def _tags_of(task: Any) -> set[str]:
    found: set[str] = getattr(task, "locust_tag_set", set())
    return found
