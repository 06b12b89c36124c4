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

    NO_WEBSOCKET = "WebSocket is not offered"
    NO_POLLING = "long-polling is not offered"
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
    PONGS_TAKE_61_MS = "pongs and joined events take 61 ms in the mean"
    ONE_SLOW_PONG = "one pong or joined event in 25 takes 250 ms"
    ACKS_TAKE_61_MS = "acknowledgements of joins take 61 ms in the mean"
    SLOWER_WITH_EACH = "each client that is there delays answers by 0.5 ms"
    ANSWERS_90 = "no more than 90 pings a second are answered"
    TAKES_BAD_TOKENS = "any token is believed"
    TAKES_EXPIRED = "expired tokens are believed"
    REFUSES_SILENTLY = "bad tokens are cut off without a word"
    BELIEVES_ELSEWHERE = "tokens in header, query and cookie are believed unseen"
    BELIEVES_HEADERS = "tokens in the header are believed unseen"
    BELIEVES_QUERIES = "tokens in the query are believed unseen"
    BELIEVES_COOKIES = "tokens in cookies are believed unseen"
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
    ACKS_ONCE = "only the first event of a client is acknowledged"
    NO_ACKS = "nothing is acknowledged"
    SILENT_PINGS = "every third ping is not answered"
    CLOSES_ON_ODD = "an odd argument closes the connection"
    STUMBLES = "after an odd argument no join is answered"
    CLOSES_ON_UNKNOWN = "an unknown event closes the connection"
    IGNORES_NAMESPACES = "an unknown namespace is not answered"
    KEEPS_BROKEN = "broken packets are ignored"
    TAKES_LITTLE = "messages over 100 KB close the connection"
    TAKES_MUCH = "messages of 2 MB are taken, as it announces"
    TAKES_LESS = "messages as large as the limit close the connection"
    TAKES_MORE = "messages of 1 KB over the limit are taken"
    IGNORES_LARGE = "a message over the limit is ignored"
    DISMISSES_LARGE = "a message over the limit is answered by a disconnect"
    CLOSES_NEIGHBOURS = "a message over the limit closes everybody's connection"
    CUTS_LARGE = "answers over 64 KB are cut"
    ALTERS_LARGE = "one character in the middle of answers over 64 KB is changed"
    LOSES_LARGE = "answers over 64 KB are not sent"
    LOSES_OVER_LIMIT = "answers over the limit are not sent"
    CUTS_LONG_LOGS = "logs over 200 characters are cut"
    ALTERS_LONG_LOGS = "one character in the middle of logs over 200 characters is changed"
    LOSES_LONG_LOGS = "logs over 200 characters are not sent"
    ALTERS_FOR_ONE = "one character of the last member's logs is changed"
    LOSES_FOR_ONE = "the last member gets no logs over 200 characters"
    TAKES_LONG_TITLES = "titles that are too long are cut and taken"
    KEEPS_60_KB = "each connection costs 60 KB for ever"
    LEAKS_MEMORY = "each connection costs 2 MB for ever"
    LEAKS_MEMORY_BY_ANSWER = "each pong and joined event costs 1 MB for ever"
    LEAKS_MEMORY_BY_TIME = "5 MB a second are kept for ever"
    REFUSES_RENEWED = "a user who comes with another token than at first is refused"
    SLOWER_WITH_AGE = "answers to a user take 5 ms longer for each second since it was first here"
    CUTS_AFTER_2_S = "a connection is cut off when it is 2 s old"
    UPGRADE_IGNORED = "the probe of an upgrade is not answered"
    UPGRADE_LOSES = "what is sent during an upgrade is lost"
    UPGRADE_DOUBLES = "what is sent during an upgrade comes twice"
    UPGRADE_SWAPS = "what is sent during an upgrade comes after what follows it"
    DEAF = "nobody hears anything"
    MUTES_FIRST = "the first member of a room hears nothing"
    CROSSTALK = "everybody hears everything"
    DOCKER_CROSSTALK = "everybody hears each Docker log"
    LOG_CROSSTALK = "everybody hears each log but the first of a task"
    STRAY_DOCKER = "each Docker log also goes to one other room"
    UPDATE_CROSSTALK = "everybody hears each update"
    SYSTEM_CROSSTALK = "everybody hears of tasks without an agent"
    TWICE = "everything is sent twice"
    UPDATES_TWICE = "each update is sent twice"
    LOGS_TWICE = "each log is sent twice"
    DOCKER_TWICE = "each Docker log is sent twice"
    LAST_LOG_TWICE = "the log of a task's end is sent twice"
    SILENT_UPDATES = "no updates are sent"
    SILENT_ENDS = "no task's end is sent"
    SWAPPED_UPDATES = "the end is told before the start"
    SILENT_STARTS = "no task's start is sent"
    TWO_ENDS = "a task ends COMPLETED and FAILED"
    NAMELESS = "the agent is not named"
    NO_AGENT = "events have no agent at all"
    WRONG_AGENT = "events name another agent"
    WRONG_AGENT_IN_LOGS = "logs name another agent"
    WRONG_NAME = "the agent's name is another agent's"
    WRONG_TASK = "updates name another task"
    MORE_FIELDS = "updates have the task's title as well"
    SILENT_PATCH = "a PATCH is not told"
    PATCH_TWICE = "a PATCH is told twice"
    PATCH_EVERYWHERE = "a PATCH is told to all rooms"
    PATCH_TO_EVERYBODY = "a PATCH is told to every socket"
    PATCH_NAMELESS = "a PATCH is told without the agent"
    PATCH_AS_COMPLETED = "a PATCH is told as COMPLETED, whatever it was"
    NO_TITLES = "titles are not quoted"
    SHORT_TITLES = "titles are cut to 20 characters"
    NO_TIMES = "times are no timestamps"
    OLD_TIMES = "times are of 1999"
    SHIFTED_TIMES = "times are two hours ahead, as of another time zone"
    SWAPPED_LOGS = "the first log comes last"
    LATE_ACCEPTANCE = "a task is accepted after it was begun"
    LOGS_BEFORE_UPDATES = "a status is logged before it is told"
    NO_DOCKER_LOG = "no Docker log is sent"
    ONE_MORE_LOG = "one log more is sent for each task"
    LATE_FIRST_TASK = "a task's updates come only with the next one's"
    RUNS_NOTHING = "the orchestrator says yes and does nothing"
    REST_LIES = "REST says PENDING of every task"
    REST_BELIEVES = "REST believes any token"
    REST_TAKES_EXPIRED = "REST believes expired tokens"
    REST_SHOWS_ALL = "REST gives everybody everything"
    REST_SHOWS_TASKS = "REST shows everybody the tasks of all projects"
    REST_TAKES_TASKS = "REST lets everybody make tasks in all projects"
    REST_TAKES_PATCHES = "REST lets everybody change the tasks of all projects"
    REST_REFUSES_NOBODY = "REST refuses a token without an id, as it should"


class Breakages:
    """Those that are on now."""

    def __init__(self) -> None:
        self.on: frozenset[Breakage] = frozenset()
        self.counts: dict[Breakage, int] = {}
        """How often each could have happened since it was switched on."""

    def switch(self, names: list[str]) -> None:
        """Have these, and no others.

        :raises ValueError: if there is none of a name.
        """
        self.on = frozenset(Breakage(name) for name in names)
        self.counts = {}

    def __contains__(self, breakage: object) -> bool:
        return breakage in self.on

    def every(self, number: int, breakage: Breakage) -> bool:
        """Whether it happens this time, if it is to happen every so many times."""
        return self._count(breakage) % number == 0 and breakage in self.on

    def after(self, number: int, breakage: Breakage) -> bool:
        """Whether it happens this time, if it is to happen after so many times."""
        return self._count(breakage) > number and breakage in self.on

    def _count(self, breakage: Breakage) -> int:
        self.counts[breakage] = self.counts.get(breakage, 0) + 1
        return self.counts[breakage]
