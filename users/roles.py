"""Who plays which scenarios: a Locust User class for each role of `scenarios.catalogue`."""

from __future__ import annotations

from loadtest.tasks.acting import acting
from loadtest.users.actor import Actor


class Dashboard(Actor):
    """A page that shows a project: comes, stays, pings, is loaded again, is open in several tabs."""

    tasks = [acting("Dashboard")]  # noqa: RUF012 - Locust's way to name them


class LongSession(Actor):
    """A page that stays open for minutes or hours: its connection breaks, its token ends, and it comes back."""

    tasks = [acting("LongSession")]  # noqa: RUF012 - Locust's way to name them


class Operator(Actor):
    """Somebody at work: makes tasks and projects, waits for what becomes of them, and compares with REST."""

    tasks = [acting("Operator")]  # noqa: RUF012 - Locust's way to name them


class AnonymousViewer(Actor):
    """A guest among owners: is let in, and hears nothing."""

    tasks = [acting("AnonymousViewer")]  # noqa: RUF012 - Locust's way to name them


class Churner(Actor):
    """Comes and goes, fast, politely or not, alone and in waves, while others stay."""

    tasks = [acting("Churner")]  # noqa: RUF012 - Locust's way to name them


class RoomHopper(Actor):
    """Is in one room, in several, in another one every moment; tries rooms that do not exist."""

    tasks = [acting("RoomHopper")]  # noqa: RUF012 - Locust's way to name them


class Crowd(Actor):
    """Many clients of one user at once: they connect, hear the same, and cost the backend memory."""

    tasks = [acting("Crowd")]  # noqa: RUF012 - Locust's way to name them


class MalformedSender(Actor):
    """Sends what nobody expects, and what is no packet at all."""

    tasks = [acting("MalformedSender")]  # noqa: RUF012 - Locust's way to name them


class LargeSender(Actor):
    """Sends nearly as much as the backend takes in one message, and then more."""

    tasks = [acting("LargeSender")]  # noqa: RUF012 - Locust's way to name them


class Reconnector(Actor):
    """Loses its connection, by the backend and by the network, and comes back."""

    tasks = [acting("Reconnector")]  # noqa: RUF012 - Locust's way to name them


class LatencyProber(Actor):
    """Measures round trips."""

    tasks = [acting("LatencyProber")]  # noqa: RUF012 - Locust's way to name them


class ThroughputSender(Actor):
    """Sends and gets as many events a second as the backend answers."""

    tasks = [acting("ThroughputSender")]  # noqa: RUF012 - Locust's way to name them


class Intruder(Actor):
    """Tries to get where it must not: bad tokens in all places, foreign rooms and projects."""

    tasks = [acting("Intruder")]  # noqa: RUF012 - Locust's way to name them
