"""`--debug-clients`: whose packets are logged, and where the lines go."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from locust.log import LogReader

from loadtest.clients.debug_clients import ANYBODY, LOGGER
from loadtest.errors import Fault, Owner
from loadtest.users.publisher import Publisher

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from locust import User


def clients_of(options: argparse.Namespace) -> dict[str, int]:
    """Return how many clients of each worker log their packets, by user class.

    Without --debug-clients, --loglevel DEBUG logs one.
    """
    if options.debug_clients is not None:
        return dict(options.debug_clients)
    return {ANYBODY: 1} if options.loglevel.upper() == "DEBUG" else {}


def check(classes: Iterable[type[User]], options: argparse.Namespace) -> None:
    """Make sure that --debug-clients names users that take part and hold connections.

    :param classes: of the users that take part.
    :raises Fault: if not.
    """
    names = sorted(one.__name__ for one in classes if not issubclass(one, Publisher))
    if unknown := [name for name in clients_of(options) if name not in (ANYBODY, *names)]:
        raise Fault(
            Owner.USER,
            f"expected user classes that take part and hold connections in --debug-clients, got {unknown[0]!r}",
            f"There are {', '.join(names)}; a number alone stands for the first clients of any.",
        )


def show_packets() -> None:
    """Write packets where this process writes its log, and nowhere else.

    Locust sends a worker's log to its master too, and stops that for good at 70 lines within ten seconds.
    """
    LOGGER.handlers = [one for one in logging.getLogger().handlers if not isinstance(one, LogReader)]
    LOGGER.propagate = not LOGGER.handlers
