"""Tests of the probe on a backend whose agents work for seconds, and broadcast at any moment."""

from __future__ import annotations

import pytest

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.plan import Cast
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.broadcasts import updates
from loadtest.scenarios.probe import Probe

from .agent_server import WORKS_S, Habit
from .agents import ROOM, agent_server, company_of


@pytest.mark.slow
@pytest.mark.parametrize(
    ("habit", "answers"),
    [
        (Habit.TELLS, {True}),
        (Habit.TELLS_RESTARTING, {True}),
        (Habit.SILENT, {False}),
        (Habit.WORKS_WITHOUT_AGENT, {None}),
        (Habit.COMPLETES_LATE, {False}),
        (Habit.RUNS, {False}),
        # The PATCH at which it is detected depends on the moment within a beat.
        (Habit.BEATS, {False, None}),
        (Habit.BEATS_FAST, {False, None}),
        (Habit.TELLS_ONE, {False}),
        (Habit.TELLS_ANOTHER, {False}),
    ],
)
def test_only_an_update_that_a_patch_caused_is_taken_for_one(habit: Habit, answers: set[bool | None]) -> None:
    with agent_server(habit) as url:
        found = Probe(Endpoint(url), ROOM, Cast()).ask().answers[can.PATCH]
    assert found.yes in answers, found.evidence
    assert found.evidence


@pytest.mark.slow
@pytest.mark.parametrize(("habit", "passed"), [(Habit.TELLS, True), (Habit.SILENT, False)])
def test_an_agent_s_own_end_does_not_pass_the_check_of_a_patch(habit: Habit, passed: bool) -> None:
    with company_of(habit, WORKS_S + 2) as company:
        updates.play(company)
    assert company.found[updates.name, "a PATCH is told"][0] is passed, company.found


@pytest.mark.parametrize(
    ("rss", "told", "evidence"),
    [
        ("157.09 MB", True, "/v1/health/info: 164.7 MB resident"),
        ("1.5 undefined", False, "/v1/health/info: memory.rss: expected bytes"),
    ],
)
def test_a_memory_is_told_if_it_can_be_read(rss: str, told: bool, evidence: str) -> None:
    with agent_server(Habit.TELLS, rss) as url:
        found = Probe(Endpoint(url), ROOM, Cast()).ask().answers[can.MEMORY]
    assert found.yes is told
    assert found.evidence.startswith(evidence)
