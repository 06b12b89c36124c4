"""For every check a fault of the backend that fails it: a check that cannot fail is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from backend.endpoint import Endpoint
from backend.rows import Rows
from scenarios import capabilities as can
from scenarios.catalogue import ALL
from target.breakages import Breakage

from .abilities import able
from .company import Found

if TYPE_CHECKING:
    from ..support import Backend

FAULTS: dict[tuple[str, str], Breakage] = {
    ("authenticated connection", "a client with a token is let in"): Breakage.REFUSES_TOKENS,
    ("authenticated connection", "it joins its own room"): Breakage.REFUSES_JOINS,
    ("guest connection", "a guest is let in"): Breakage.REFUSES_GUESTS,
    ("guest connection", "it joins no room"): Breakage.OPENS_ROOMS_TO_GUESTS,
    ("graceful disconnection", "those that stay hear on"): Breakage.FORGETS_NEIGHBOURS,
    ("rapid cycles", "20 of 20 cycles connect and join"): Breakage.REFUSES_SOME,
    ("recovery of a lost connection", "the backend drops it"): Breakage.KEEPS_BROKEN,
    ("recovery of a lost connection", "it comes back"): Breakage.REFUSES_RETURNERS,
    ("recovery of a lost connection", "it hears its room again"): Breakage.FORGETS_RETURNERS,
    ("many at once", "50 of 50 clients connect"): Breakage.REFUSES_CROWDS,
    ("many at once", "50 of 50 are let into the room"): Breakage.JOINS_FEW,
    ("acknowledgements", "a join is acknowledged"): Breakage.NO_ACKS,
    ("clients that come and go", "who stays hears everything"): Breakage.MUTES_FIRST,
    ("clients that come and go", "who comes late hears what comes then"): Breakage.FORGETS_LATECOMERS,
    ("clients that come and go", "who left hears no more"): Breakage.KEEPS_LEAVERS,
    ("joining and leaving", "a join is answered"): Breakage.REFUSES_JOINS,
    ("joining and leaving", "a leave is answered"): Breakage.LEAVES_SILENTLY,
    ("joining and leaving", "nothing is heard after leaving"): Breakage.KEEPS_LEAVERS,
    ("several rooms at once", "each of 3 rooms is heard"): Breakage.ONE_ROOM_ONLY,
    ("invalid room ids", "made-up ids are refused"): Breakage.OPENS_UNKNOWN_ROOMS,
    ("invalid room ids", "the connection survives them"): Breakage.CLOSES_ON_ODD,
    ("rapid room switching", "100 of 100 joins are answered"): Breakage.SKIPS_JOINS,
    ("rapid room switching", "only the last room is heard"): Breakage.KEEPS_LEAVERS,
    ("isolation of rooms", "its own room is heard"): Breakage.DEAF,
    ("isolation of rooms", "no other room is heard"): Breakage.STRAY_DOCKER,
    ("isolation of rooms", "who is in no room hears nothing"): Breakage.CROSSTALK,
    ("a repeated join", "it is answered again"): Breakage.JOINS_ONCE,
    ("a repeated join", "each event comes once"): Breakage.TWICE,
    ("task status updates", "the start and the end are told, in order"): Breakage.SWAPPED_UPDATES,
    ("task status updates", "they name the agent"): Breakage.NAMELESS,
    ("task status updates", "a PATCH is told"): Breakage.SILENT_PATCH,
    ("task status updates", "a PATCH is told once, and to its room alone"): Breakage.PATCH_EVERYWHERE,
    ("agent logs", "they come in order, each once"): Breakage.SWAPPED_LOGS,
    ("agent logs", "the first has the title"): Breakage.NO_TITLES,
    ("agent logs", "their times are ISO 8601, and of now"): Breakage.NO_TIMES,
    ("agent logs", "they name the agent"): Breakage.WRONG_AGENT,
    ("a task without an agent", "three events come, by the system"): Breakage.TWICE,
    ("one broadcast to many", "20 of 20 clients get it"): Breakage.MUTES_FIRST,
    ("one broadcast to many", "each of them once"): Breakage.TWICE,
    ("sequential updates", "each task's events are in order"): Breakage.SWAPPED_UPDATES,
    ("sequential updates", "the tasks are in order"): Breakage.LATE_FIRST_TASK,
    ("high volume", "20 clients hear of 20 tasks at once"): Breakage.MUTES_FIRST,
    ("high volume", "each task's events are in order"): Breakage.SWAPPED_UPDATES,
    ("the orchestrator", "a task is run when it is told to"): Breakage.RUNS_NOTHING,
    ("malformed payloads", "the connection survives them"): Breakage.CLOSES_ON_ODD,
    ("malformed payloads", "others are served meanwhile"): Breakage.STUMBLES,
    ("broken packets", "whoever sends them is cut off"): Breakage.KEEPS_BROKEN,
    ("broken packets", "nobody else is"): Breakage.FORGETS_NEIGHBOURS,
    ("unknown events and namespaces", "an unknown event does no harm"): Breakage.CLOSES_ON_UNKNOWN,
    ("unknown events and namespaces", "an unknown namespace is refused"): Breakage.IGNORES_NAMESPACES,
    ("large payloads", "the announced limit is the contract's"): Breakage.TAKES_MUCH,
    ("large payloads", "one as large as the limit is taken"): Breakage.TAKES_LESS,
    ("large payloads", "one byte more closes its connection"): Breakage.TAKES_MORE,
    ("large payloads", "nobody else's"): Breakage.CLOSES_NEIGHBOURS,
    ("large payloads", "what comes back is what was sent"): Breakage.ALTERS_LARGE,
    ("large payloads", "an answer beyond the limit comes whole"): Breakage.LOSES_OVER_LIMIT,
    ("large broadcasts", "the longest title comes back whole"): Breakage.ALTERS_LONG_LOGS,
    ("large broadcasts", "all members get the same, to the last character"): Breakage.ALTERS_FOR_ONE,
    ("large broadcasts", "a longer title is refused"): Breakage.TAKES_LONG_TITLES,
    ("clients that vanish during broadcasts", "those that stay hear everything"): Breakage.FORGETS_NEIGHBOURS,
    ("a slow and lossy network", "everything arrives all the same"): Breakage.MUTES_FIRST,
    ("a protocol upgrade", "the upgrade is made"): Breakage.UPGRADE_IGNORED,
    ("a protocol upgrade", "no event of its time is lost, doubled or out of order"): Breakage.UPGRADE_LOSES,
    ("a network that breaks", "everybody comes back"): Breakage.REFUSES_SOON,
    ("a network that breaks", "everybody hears the room again"): Breakage.FORGETS_RETURNERS,
    ("round trips", "50 of 50 are answered"): Breakage.SILENT_PINGS,
    ("throughput", "more than 100 events a second"): Breakage.ANSWERS_90,
    ("round trips", "50 of 50 are acknowledged"): Breakage.NO_ACKS,
    ("round trips among many", "50 more connections do not slow them"): Breakage.SLOWER_WITH_EACH,
    ("memory", "connections of the past cost nothing"): Breakage.KEEPS_60_KB,
    ("an operator at work", "the start of its task is told"): Breakage.SILENT_UPDATES,
    ("an operator at work", "its end is told"): Breakage.SILENT_ENDS,
    ("an operator at work", "REST says the same"): Breakage.REST_LIES,
    ("a new project", "its room can be joined"): Breakage.REFUSES_JOINS,
    ("a new project", "its tasks are told"): Breakage.DEAF,
    ("owners and guests together", "all owners hear"): Breakage.MUTES_FIRST,
    ("owners and guests together", "no guest does"): Breakage.OPENS_ROOMS_TO_GUESTS,
    ("a dashboard's session", "it hears of every task"): Breakage.DEAF,
    ("a dashboard's session", "its pings are answered"): Breakage.SILENT_PINGS,
    ("a long session", "it hears of every task, each event once"): Breakage.FORGETS_RETURNERS,
    ("a long session", "it comes back after each break"): Breakage.REFUSES_RETURNERS,
    ("a long session", "it comes back with a renewed token"): Breakage.REFUSES_RENEWED,
    ("a long session", "nothing else ends its connection"): Breakage.CUTS_AFTER_2_S,
    ("a long session", "round trips are as short at its end"): Breakage.SLOWER_WITH_AGE,
    ("a long session", "the backend's memory does not grow"): Breakage.LEAKS_MEMORY_BY_ANSWER,
    ("a page that is loaded again", "it hears its room as before"): Breakage.FORGETS_RETURNERS,
    ("several tabs of one user", "every tab hears"): Breakage.MUTES_FIRST,
    ("several tabs of one user", "closing one leaves the others"): Breakage.FORGETS_NEIGHBOURS,
    ("waves of viewers", "each wave hears what happens in its time"): Breakage.FORGETS_LATECOMERS,
    ("bad tokens", "none of them connects"): Breakage.TAKES_BAD_TOKENS,
    ("bad tokens", "the refusal says why"): Breakage.REFUSES_SILENTLY,
    (
        "bad tokens in other places",
        "none of them opens a room, in header, query or cookie",
    ): Breakage.BELIEVES_ELSEWHERE,
    ("a foreign room", "it is refused"): Breakage.OPENS_FOREIGN_ROOMS,
    ("a foreign room", "it is not heard"): Breakage.ENTERS_REFUSED,
    ("guests at the door", "a guest is let into no room"): Breakage.OPENS_ROOMS_TO_GUESTS,
    (
        "a token of nobody",
        "REST refuses it",
    ): Breakage.TAKES_BAD_TOKENS,  # which changes nothing: the build has the hole
    ("a token of nobody", "it opens no room"): Breakage.OPENS_ROOMS_TO_NOBODY,
    ("bad tokens over REST", "REST refuses all of them"): Breakage.REST_BELIEVES,
    ("a token whose time is over", "it is let in before"): Breakage.REFUSES_TOKENS,
    ("a token whose time is over", "it is refused after"): Breakage.TAKES_BAD_TOKENS,
    ("slow input", "others are served meanwhile"): Breakage.JOINS_NONE_IN_CROWDS,
    ("a flood of connections", "others are served meanwhile"): Breakage.REFUSES_CROWDS,
    ("a foreign project", "it is not shown"): Breakage.REST_SHOWS_ALL,
    ("a foreign project", "nothing can be made or changed in it"): Breakage.REST_SHOWS_ALL,
}
BY_NAME = {scenario.name: scenario for scenario in ALL}


@pytest.fixture
def company(breakable: Backend) -> Iterator[Found]:
    with Rows(breakable.database_url, "faults") as rows:
        made = Found(Endpoint(breakable.url), rows, able(), patience_s=1.0)
        yield made
        made.close()
        rows.remove()
        breakable.breaks()


def test_every_check_has_its_fault() -> None:
    assert set(FAULTS) == {(scenario.name, check) for scenario in ALL for check in scenario.checks}


@pytest.mark.slow
@pytest.mark.parametrize(("place", "breakage"), FAULTS.items(), ids=[": ".join(place) for place in FAULTS])
def test_it_fails_where_the_backend_is_wrong(
    company: Found, breakable: Backend, place: tuple[str, str], breakage: Breakage
) -> None:
    breakable.breaks(breakage)
    BY_NAME[place[0]].play(company)
    passed, evidence = company.found[place]
    assert passed is False, evidence
    assert evidence


def test_a_mended_hole_passes(company: Found, breakable: Backend) -> None:
    """The one thing that both profiles do wrong."""
    breakable.breaks(Breakage.REST_REFUSES_NOBODY)
    BY_NAME["a token of nobody"].play(company)
    assert company.found["a token of nobody", "REST refuses it"][0] is True


def test_what_a_scenario_cannot_get_is_said(company: Found) -> None:
    company.rooms = company.rooms[:1]
    BY_NAME["several rooms at once"].play(company)
    ((passed, evidence),) = company.found.values()
    assert passed is None
    assert "--rooms-per-owner" in evidence


def test_a_backend_that_lacks_everything_is_not_asked(company: Found) -> None:
    company.capabilities = able(*can.QUESTIONS)
    BY_NAME["bad tokens"].play(company)
    assert not company.found
