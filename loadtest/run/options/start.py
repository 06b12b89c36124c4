"""The users of a run as its options name them, settled and checked before anything is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtest.errors import Fault
from loadtest.run.master import receivers
from loadtest.run.master.shaping import CapacityShape, ProfileShape
from loadtest.run.options import casting, option_checks, scenario_choice
from loadtest.run.worker import debug_log

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from locust import User
    from locust.env import Environment

    from loadtest.run.options.casting import Size

_SPAWN_RATE: Final = 10.0
_AUDIENCE_SPAWN_RATE: Final = 100.0
"""Of listeners, each of which counts."""
_LOCUST_S: Final = 1
"""Users, and users a second, of a headless run that does not say."""


def settle(environment: Environment, opts: argparse.Namespace) -> None:
    """Choose the user classes, and fill in what the form begins with.

    :raises Fault: if the options do not go together.
    """
    option_checks.check_times(opts)
    scenario_choice.apply(environment.user_classes, opts)
    casting.choose(environment.user_classes, opts)
    debug_log.check(environment.user_classes, opts)
    if environment.web_ui is not None:
        fill_in(environment.user_classes, opts)


def refuse_senseless(environment: Environment, opts: argparse.Namespace) -> None:
    """End with one line where a run that begins by itself makes no sense."""
    shape = environment.shape_class
    if not (opts.headless or opts.autostart):
        return
    if isinstance(shape, ProfileShape | CapacityShape):
        rate = shape.spawn_rate
    elif shape is None:
        rate = float(opts.spawn_rate or _LOCUST_S)
    else:
        # Somebody else's may come to any number of users.
        return
    try:
        check(environment.user_classes, opts, opts.num_users or _LOCUST_S, rate)
    except Fault as fault:
        option_checks.refuse(fault)


def fill_in(classes: Sequence[type[User]], opts: argparse.Namespace) -> None:
    """Have the form begin with a small run that is valid, where the command line does not say how many users.

    Locust would begin with one, who publishes.
    """
    if opts.num_users is None:
        opts.num_users = receivers.small_run(classes, casting.fewest_of_mix(opts))
    if opts.spawn_rate is None and not opts.shape:
        many_at_once = casting.size_of(classes, opts, opts.num_users, 1.0).at_once > 1
        opts.spawn_rate = _AUDIENCE_SPAWN_RATE if many_at_once else _SPAWN_RATE


def size_now(environment: Environment, opts: argparse.Namespace) -> Size:
    """Return how large the run is that Locust starts now.

    :raises Fault: if nobody would receive anything.
    """
    shape, classes = environment.shape_class, environment.user_classes
    users, rate = environment.runner.target_user_count if environment.runner else 0, opts.spawn_rate
    if isinstance(shape, ProfileShape | CapacityShape):
        users, rate = opts.num_users or _LOCUST_S, shape.spawn_rate
    elif shape is not None:
        # Somebody else's may begin with fewer users than it comes to.
        return casting.size_of(classes, opts, users, float(rate))
    receivers.check(classes, opts, users)
    return casting.size_of(classes, opts, users, float(rate))


def check(classes: Sequence[type[User]], opts: argparse.Namespace, users: int, spawn_rate_per_s: float) -> Size:
    """Return how large a run is that makes sense.

    :raises Fault: if it makes none.
    """
    receivers.check(classes, opts, users)
    size = casting.size_of(classes, opts, users, spawn_rate_per_s)
    casting.check(opts, size)
    option_checks.check_times(opts, 0.0 if casting.searches_users(opts) else size.starts_in_s)
    return size
