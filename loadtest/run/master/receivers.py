"""Makes sure that somebody receives what a run has the backend broadcast."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from locust import FastHttpUser, HttpUser
from locust.dispatch import UsersDispatcher
from locust.runners import WorkerNode

from loadtest.errors import Fault, Owner
from loadtest.users.actor import Actor
from loadtest.users.audience import Audience
from loadtest.users.publisher import Publisher
from loadtest.users.socketio_user import SocketIOUser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from locust import User

_ENOUGH: Final = 10_000
"""Users among whom a receiver is looked for."""
_SMALL: Final = 20


def check(classes: Sequence[type[User]], options: argparse.Namespace, users: int) -> None:
    """Make sure that somebody receives.

    :param classes: those that take part.
    :param users: how many users the run has.
    :raises Fault: if none of the classes receives, or the users are too few for those that do.
    """
    if not any(map(_may_receive, classes)):
        names = ", ".join(sorted(one.__name__ for one in classes)) or "none"
        raise Fault(
            Owner.USER,
            f"expected a user class that receives broadcasts, got only {names}",
            "Add one, such as Viewer: to the locustfile, to --mix or to the classes on the command line.",
        )
    counts = _counts(classes, min(users, _ENOUGH))
    if users > _ENOUGH or any(counts[one] for one in classes if _may_receive(one)):
        return
    publish = sum(counts[one] for one in classes if issubclass(one, Publisher))
    others = [
        f"{counts[one]} are {one.__name__}" for one in classes if not issubclass(one, Publisher) and counts[one]
    ]
    raise Fault(
        Owner.USER,
        f"expected at least {fewest(classes)} users, got --users {users}, of which "
        f"{', '.join([f'{publish} publish', *others])}: nobody is left to receive",
        f"Raise --users, or lower --publishers, which is {options.publishers}.",
    )


def fewest(classes: Sequence[type[User]]) -> int:
    """Return how few users there may be for one of them to receive; 0 if none ever does."""
    receiving = [one for one in classes if _may_receive(one)]
    low, high = 0, _ENOUGH
    if not any(_counts(classes, high)[one] for one in receiving):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        enough = any(_counts(classes, middle)[one] for one in receiving)
        low, high = (low, middle) if enough else (middle, high)
    return high


def small_run(classes: Sequence[type[User]], least: int) -> int:
    """Return the users of a small run that is valid.

    :param least: the fewest that there may be for another reason.
    """
    few = max(fewest(classes), least)
    if any(issubclass(one, Audience) for one in classes):
        # Each is hundreds of listeners.
        return few
    publish = sum(one.fixed_count for one in classes if issubclass(one, Publisher))
    return max(few, publish + _SMALL)


def _may_receive(user_class: type[User]) -> bool:
    """Return whether a class receives; one of which nothing is known may."""
    if issubclass(user_class, SocketIOUser | Actor | Audience):
        return True
    return not issubclass(user_class, Publisher | HttpUser | FastHttpUser)


def _counts(classes: Iterable[type[User]], users: int) -> Counter[type[User]]:
    """Return how many of each class Locust starts."""
    by_name = {one.__name__: one for one in classes if one.weight > 0 or one.fixed_count}
    if not by_name or users < 1:
        return Counter()
    dispatcher = UsersDispatcher([WorkerNode("all")], list(by_name.values()))
    dispatcher.new_dispatch(users, users)
    started: dict[str, dict[str, int]] = next(dispatcher)
    return Counter({by_name[name]: count for name, count in started["all"].items()})
