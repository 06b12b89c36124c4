"""Who takes part in a run: the user classes that stay, their weights, and what that comes to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loadtest.errors import Fault, Owner
from loadtest.run.options.option_types import weights_of
from loadtest.scenarios import catalogue
from loadtest.scenarios.sessions import session
from loadtest.shapes.choice import Choice
from loadtest.tasks import always
from loadtest.users.actor import Actor
from loadtest.users.audience import Audience
from loadtest.users.publisher import Publisher

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from locust import User


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is, over all workers.

    users: Locust users. connections: of the backend; of publishers, one each. at_once: how many of them go to one
    worker together. spawn_rate_per_s: connects a second while users are started.
    """

    users: int
    connections: int
    at_once: int
    spawn_rate_per_s: float

    @property
    def starts_in_s(self) -> float:
        """How long all take to connect."""
        return self.connections / self.spawn_rate_per_s


def size_of(
    classes: Iterable[type[User]], options: argparse.Namespace, users: int, spawn_rate_per_s: float
) -> Size:
    """What these user classes come to."""
    others = [one for one in classes if not issubclass(one, Publisher)]
    weights = sum(one.weight for one in others)
    audience = sum(one.weight for one in others if issubclass(one, Audience))
    if not audience:
        return Size(users, users, 1, spawn_rate_per_s)
    audiences = math.ceil((users - options.publishers) * audience / weights)
    listeners = audiences * options.audience_size
    return Size(users, users - audiences + listeners, options.audience_size, spawn_rate_per_s)


def choose(classes: list[type[User]], options: argparse.Namespace) -> None:
    """Take those out that have no part, and give the others their weights.

    Without a word on it, users that play scenarios have none, and audiences have none.

    :param classes: changed in place.
    :raises Fault: if the mix names a class that there is not, or a tag is nobody's.
    """
    _check_tags(classes, options)
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
    elif not (options.user_classes or options.class_picker):
        left_out = (Audience,) if options.tags else (Actor, Audience)
        classes[:] = [one for one in classes if not issubclass(one, left_out)]
    if options.publishers == 0:
        classes[:] = [one for one in classes if not issubclass(one, Publisher)]
    always.follow(options.tags or ())
    classes[:] = [one for one in classes if _has_tasks(one, options)]
    for one in classes:
        if issubclass(one, Publisher):
            one.fixed_count = options.publishers
    _check_sessions(classes, options)


def check(options: argparse.Namespace, size: Size) -> None:
    """Make sure that everybody in the mix gets to play, and in time.

    :raises Fault: if they are too few, or the run too short for all listeners to come.
    """
    users = size.users
    if size.at_once > 1 and options.shape and Choice.parse(options.shape).by_users:
        raise Fault(
            Owner.USER,
            f"--shape {options.shape} searches for a number of users; one Audience is {size.at_once} listeners",
            "Search with viewers, or for a rate: capacity:by=rate.",
        )
    if options.run_time and not searches_users(options) and size.starts_in_s >= float(options.run_time):
        coming = f"{size.connections} {'users' if size.at_once == 1 else 'connections'}"
        lasts_s = float(options.run_time)
        more = "" if size.at_once == 1 else ", which counts an audience's listeners one by one"
        raise Fault(
            Owner.USER,
            f"{coming} at --spawn-rate {size.spawn_rate_per_s:g} take {size.starts_in_s:.0f} s, "
            f"and the run's time is {lasts_s:g} s",
            f"Raise --spawn-rate{more}, or --run-time.",
        )
    if users < (fewest := fewest_of_mix(options)):
        mix = weights_of(options.mix)
        rarest = min(mix, key=mix.__getitem__)
        raise Fault(
            Owner.USER,
            f"--users {users} are too few for this --mix: there may be no {rarest} among them",
            f"Give {fewest} or more; {options.publishers} of them publish.",
        )


def searches_users(options: argparse.Namespace) -> bool:
    """Return whether the run looks for the users that the backend can serve: it may end before all are there."""
    return bool(options.shape) and Choice.parse(options.shape).by_users


def fewest_of_mix(options: argparse.Namespace) -> int:
    """Return how few users there may be for each class of the mix to be among them; 0 without a mix."""
    mix = weights_of(options.mix)
    if not mix:
        return 0
    return math.ceil(sum(mix.values()) / min(mix.values())) + int(options.publishers)


def _check_sessions(classes: Iterable[type[User]], options: argparse.Namespace) -> None:
    """A session that the run's end cuts off is not judged."""
    if not options.run_time or float(options.run_time) > options.session_length:
        return
    for one in classes:
        if any(session.name in _tags_of(task) for task in _tasks_of(one)):
            raise Fault(
                Owner.USER,
                f"expected a --run-time of more than the {options.session_length:g} s that each session of "
                f"{one.__name__} lasts, got {float(options.run_time):g} s",
                "Raise --run-time, or lower --session-length.",
            )


def _check_tags(classes: Iterable[type[User]], options: argparse.Namespace) -> None:
    """Those that always take part would take part, and nothing of what was asked for would be played."""
    known = {
        tag for one in classes for task in _tasks_of(one) if not always.is_one(task) for tag in _tags_of(task)
    }
    of_scenarios = {scenario.name for played in catalogue.ROLES.values() for scenario in played}
    asked = {"--tags": options.tags or (), "--exclude-tags": options.exclude_tags or ()}
    for option, tags in asked.items():
        if unknown := sorted(set(tags) - known):
            raise Fault(
                Owner.USER,
                f"{option} names {', '.join(unknown)}, and no task has such a tag",
                f"There are {', '.join(sorted(known - of_scenarios)) or 'none'}. For one scenario: --scenario.",
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
