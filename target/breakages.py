"""What a reference backend can be told to do wrong, so that every check of a scenario has a fault that fails it.

Beside `fault_options`, which is about amounts: these are switched on and off while it runs, by
`PUT /reference/breakages` with a JSON list of names, where it was started with `--breakable`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

PATH: Final = "/reference/breakages"


class Breakage(StrEnum):
    """One thing to do wrong."""

    REFUSES_TOKENS = "good tokens are refused"
    REFUSES_GUESTS = "guests are refused"
    REFUSES_SOME = "every third connect is refused"
    REFUSES_RETURNERS = "a user who has been here is refused"
    REFUSES_CROWDS = "no more than 40 clients are let in"
    REFUSES_SOON = "no more than 15 connects are taken"
    REFUSES_JOINS = "joins are refused"
    JOINS_NONE_IN_CROWDS = "while 40 clients are there, no join is answered"
    JOINS_FEW = "no more than 40 joins are answered"
    JOINS_ONCE = "a join of a room that one is in is not answered"
    SKIPS_JOINS = "every seventh join is not answered"
    SLOW_ANSWERS = "answers take 50 ms"
    TAKES_BAD_TOKENS = "any token is believed"
    REFUSES_SILENTLY = "bad tokens are cut off without a word"
    BELIEVES_ELSEWHERE = "tokens in header, query and cookie are believed unseen"
    OPENS_FOREIGN_ROOMS = "any user is let into any room"
    OPENS_ROOMS_TO_GUESTS = "guests are let into any room"
    ENTERS_REFUSED = "whoever is refused gets the room's events all the same"
    OPENS_ROOMS_TO_NOBODY = "a token without an id opens any room"
    OPENS_UNKNOWN_ROOMS = "rooms that do not exist are opened"
    FORGETS_NEIGHBOURS = "when one leaves, its room is emptied"
    FORGETS_RETURNERS = "who joins a room again is answered and not entered"
    FORGETS_LATECOMERS = "who joins after a room's first event is not entered"
    ONE_ROOM_ONLY = "joining a room leaves all others"
    KEEPS_LEAVERS = "leaving is answered and nothing else"
    LEAVES_SILENTLY = "leaving is not answered"
    NO_ACKS = "nothing is acknowledged"
    SILENT_PINGS = "every third ping is not answered"
    CLOSES_ON_ODD = "an odd argument closes the connection"
    STUMBLES = "after an odd argument no join is answered"
    CLOSES_ON_UNKNOWN = "an unknown event closes the connection"
    IGNORES_NAMESPACES = "an unknown namespace is not answered"
    KEEPS_BROKEN = "broken packets are ignored"
    TAKES_LITTLE = "messages over 100 KB close the connection"
    TAKES_MUCH = "messages of 10 MB are taken"
    LEAKS_MEMORY = "each connection costs 2 MB for ever"
    DEAF = "nobody hears anything"
    MUTES_FIRST = "the first member of a room hears nothing"
    CROSSTALK = "everybody hears everything"
    TWICE = "everything is sent twice"
    SILENT_UPDATES = "no updates are sent"
    SILENT_ENDS = "no task's end is sent"
    SWAPPED_UPDATES = "the end is told before the start"
    NAMELESS = "the agent is not named"
    SILENT_PATCH = "a PATCH is not told"
    NO_TITLES = "titles are not quoted"
    NO_TIMES = "times are no timestamps"
    SWAPPED_LOGS = "the first log comes last"
    LATE_FIRST_TASK = "a task's updates come only with the next one's"
    RUNS_NOTHING = "the orchestrator says yes and does nothing"
    REST_LIES = "REST says PENDING of every task"
    REST_BELIEVES = "REST believes any token"
    REST_SHOWS_ALL = "REST gives everybody everything"
    REST_REFUSES_NOBODY = "REST refuses a token without an id, as it should"


class Breakages:
    """Those that are on now."""

    def __init__(self) -> None:
        self._on: frozenset[Breakage] = frozenset()
        self.counts: dict[Breakage, int] = {}
        """How often each could have happened since it was switched on."""

    def switch(self, names: list[str]) -> None:
        """Have these, and no others.

        :raises ValueError: if there is none of a name.
        """
        self._on = frozenset(Breakage(name) for name in names)
        self.counts = {}

    def __contains__(self, breakage: object) -> bool:
        return breakage in self._on

    def every(self, number: int, breakage: Breakage) -> bool:
        """Whether it happens this time, if it is to happen every so many times."""
        return self._count(breakage) % number == 0 and breakage in self._on

    def after(self, number: int, breakage: Breakage) -> bool:
        """Whether it happens this time, if it is to happen after so many times."""
        return self._count(breakage) > number and breakage in self._on

    def _count(self, breakage: Breakage) -> int:
        self.counts[breakage] = self.counts.get(breakage, 0) + 1
        return self.counts[breakage]
