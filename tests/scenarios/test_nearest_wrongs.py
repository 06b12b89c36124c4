"""For checks of broadcasts the nearest wrongs: each fails just the checks that it is about, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from backend.endpoint import Endpoint
from backend.rows import Rows
from scenarios import sessions
from scenarios.catalogue import ALL
from target.breakages import Breakage

from ..support import start_backend
from .abilities import LACKING, able
from .company import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support import Backend

ORDER: Final = "they come in order, each once"
TITLE: Final = "the first has the title"
TIMES: Final = "their times are ISO 8601, and of now"
AGENT: Final = "they name the agent"
LOGS: Final = {
    Breakage.WRONG_AGENT: {AGENT},
    Breakage.WRONG_AGENT_IN_LOGS: {AGENT},
    Breakage.NO_AGENT: {AGENT},
    Breakage.WRONG_NAME: {AGENT},
    Breakage.NAMELESS: {AGENT},
    Breakage.MORE_FIELDS: {AGENT},
    Breakage.OLD_TIMES: {TIMES},
    Breakage.SHIFTED_TIMES: {TIMES},
    Breakage.NO_TITLES: {TITLE},
    Breakage.SHORT_TITLES: {TITLE},
    Breakage.TWICE: {ORDER},
    Breakage.UPDATES_TWICE: {ORDER},
    Breakage.LOGS_TWICE: {ORDER},
    Breakage.DOCKER_TWICE: {ORDER},
    Breakage.LAST_LOG_TWICE: {ORDER},
    Breakage.LATE_ACCEPTANCE: {ORDER},
    Breakage.LOGS_BEFORE_UPDATES: {ORDER},
    Breakage.SILENT_STARTS: {ORDER},
    Breakage.TWO_ENDS: {ORDER},
}
"""Breakage -> the checks of `agent logs` that fail, with Docker and without."""
UPDATES: Final = "the start and the end are told, in order"
PATCH: Final = "a PATCH is told"
PATCH_ALONE: Final = "a PATCH is told once, and to its room alone"
ONCE: Final = "each of them once"
EACH: Final = "each task's events are in order"
ELSEWHERE: Final = "no other room is heard"
NOWHERE: Final = "who is in no room hears nothing"
UPGRADE: Final = "no event of its time is lost, doubled or out of order"
SYSTEM: Final = "three events come, by the system"
WRONGS: Final[dict[str, dict[Breakage, set[str]]]] = {
    "agent logs": {**LOGS, Breakage.NO_DOCKER_LOG: {ORDER}, Breakage.ONE_MORE_LOG: {ORDER}},
    "task status updates": {
        Breakage.WRONG_AGENT: {AGENT, PATCH},
        Breakage.WRONG_AGENT_IN_LOGS: {AGENT},
        Breakage.NO_AGENT: {AGENT, PATCH},
        Breakage.UPDATES_TWICE: {UPDATES, PATCH_ALONE},
        Breakage.TWO_ENDS: {UPDATES},
        Breakage.PATCH_TWICE: {PATCH_ALONE},
        Breakage.PATCH_EVERYWHERE: {PATCH_ALONE},
        Breakage.PATCH_TO_EVERYBODY: {PATCH_ALONE},
        Breakage.PATCH_NAMELESS: {PATCH},
        Breakage.PATCH_AS_COMPLETED: {PATCH, PATCH_ALONE},
    },
    "a task without an agent": {
        Breakage.WRONG_AGENT: {SYSTEM},
        Breakage.OLD_TIMES: {SYSTEM},
        Breakage.LAST_LOG_TWICE: {SYSTEM},
        Breakage.NO_TITLES: {SYSTEM},
    },
    "one broadcast to many": {
        Breakage.UPDATES_TWICE: {ONCE},
        Breakage.LOGS_TWICE: {ONCE},
        Breakage.LATE_ACCEPTANCE: {ONCE},
    },
    "sequential updates": {Breakage.LOGS_TWICE: {EACH}, Breakage.LATE_ACCEPTANCE: {EACH}},
    "high volume": {Breakage.UPDATES_TWICE: {EACH}, Breakage.LOGS_TWICE: {EACH}},
    "the orchestrator": {Breakage.LOGS_TWICE: {"a task is run when it is told to"}},
    "a repeated join": {Breakage.LOGS_TWICE: {"each event comes once"}},
    "several rooms at once": {Breakage.UPDATES_TWICE: {"each of 3 rooms is heard"}},
    "isolation of rooms": {
        Breakage.DOCKER_CROSSTALK: {ELSEWHERE, NOWHERE},
        Breakage.LOG_CROSSTALK: {ELSEWHERE, NOWHERE},
        Breakage.UPDATE_CROSSTALK: {ELSEWHERE, NOWHERE},
        Breakage.SYSTEM_CROSSTALK: {ELSEWHERE, NOWHERE},
        Breakage.STRAY_DOCKER: {ELSEWHERE},
    },
    "joining and leaving": {Breakage.DOCKER_CROSSTALK: {"nothing is heard after leaving"}},
    "clients that come and go": {Breakage.DOCKER_CROSSTALK: {"who left hears no more"}},
    "rapid room switching": {Breakage.DOCKER_CROSSTALK: {"only the last room is heard"}},
    "owners and guests together": {Breakage.DOCKER_CROSSTALK: {"no guest does"}},
    "a protocol upgrade": {
        Breakage.UPGRADE_LOSES: {UPGRADE},
        Breakage.UPGRADE_DOUBLES: {UPGRADE},
        Breakage.UPGRADE_SWAPS: {UPGRADE},
    },
    "a long session": {
        Breakage.FORGETS_RETURNERS: {sessions.HEARS},
        Breakage.LOGS_TWICE: {sessions.HEARS},
        Breakage.UPDATES_TWICE: {sessions.HEARS},
        Breakage.REFUSES_RETURNERS: {sessions.COMES_BACK},
        Breakage.REFUSES_RENEWED: {sessions.RENEWS},
        Breakage.CUTS_AFTER_2_S: {sessions.STAYS},
        Breakage.SLOWER_WITH_AGE: {sessions.FAST},
        Breakage.SILENT_PINGS: {sessions.FAST},
        Breakage.LEAKS_MEMORY_BY_ANSWER: {sessions.MEMORY},
    },
    "a foreign room": {Breakage.DOCKER_CROSSTALK: {"it is not heard"}},
}
"""Scenario -> breakage -> the checks that fail, without Docker."""
CASES: Final = [(name, breakage) for name, breakages in WRONGS.items() for breakage in breakages]
BY_NAME: Final = {scenario.name: scenario for scenario in ALL}


def failed(backend: Backend, name: str, *breakages: Breakage, patience_s: float = 2.0) -> dict[str, str]:
    """Play a scenario once; return the checks that did not pass, with their evidence."""
    backend.breaks(*breakages)
    with Rows(backend.database_url, "wrongs") as rows:
        company = Found(Endpoint(backend.url), rows, able(*LACKING[backend.profile]), patience_s=patience_s)
        BY_NAME[name].play(company)
        company.close()
        rows.remove()
    backend.breaks()
    return {check: evidence for (_, check), (passed, evidence) in company.found.items() if passed is not True}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "breakage"), CASES, ids=[f"{name}: {breakage}" for name, breakage in CASES])
def test_a_wrong_fails_just_what_it_is_about(breakable: Backend, name: str, breakage: Breakage) -> None:
    wrong = failed(breakable, name, breakage)
    assert set(wrong) == WRONGS[name][breakage], wrong
    assert all(wrong.values())


@pytest.fixture(scope="module")
def slow_agents() -> Iterator[Backend]:
    """Agents that work for longer than anything else is waited for."""
    more = ("--throttle-limit", "0", "--breakable", "--agent-delay", "1200", "--agent-rounds", "1")
    backend = start_backend("deployed", *more)
    yield backend
    backend.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["agent logs", "sequential updates", "an operator at work", "high volume"])
def test_an_end_long_after_the_post_is_no_fault(slow_agents: Backend, name: str) -> None:
    """An agent works for at least 3.6 s, and answers are waited for 1 s."""
    assert not failed(slow_agents, name, patience_s=1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("breakage", "checks"),
    [(Breakage.SILENT_ENDS, {ORDER}), *LOGS.items()],
    ids=str,
)
def test_agents_at_work_hide_no_wrong(agents: Backend, breakage: Breakage, checks: set[str]) -> None:
    assert set(failed(agents, "agent logs", breakage)) == checks


@pytest.fixture(scope="module")
def agents() -> Iterator[Backend]:
    backend = start_backend("deployed", "--throttle-limit", "0", "--breakable", "--agent-delay", "20")
    yield backend
    backend.stop()
