"""What is wrong with a task's events: every right run of an agent passes, and each wrong is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from lab.reference_backend.agent import agent_steps
from lab.reference_backend.agent_options import AgentOptions
from lab.reference_backend.orchestrator import agent_log, status_update
from lab.reference_backend.steps import Step, steps_without_docker
from loadtest.backends.plan import Room
from loadtest.backends.prometheus import contract
from loadtest.clients.inbox import Heard
from loadtest.scenarios.hearing import Task
from loadtest.scenarios.task_events import wrong_order, wrong_payloads, wrong_times, wrong_title

AGENT = "48cd58fc-7864-4f7a-97fb-61e0bbfa3b34"
TASK = Task("task", "a title", Room("project", AGENT, "token"))
SYSTEM = Task("task", "a title", Room("project", AGENT, "token"), by_agent=False)
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def heard(steps: list[Step], task: Task = TASK) -> list[Heard]:
    """The events of steps; those without a pause between them have the same millisecond."""
    found = []
    now = NOW
    row = {"id": task.task_id}
    named = (task.agent_id, task.agent_name)
    for step in steps:
        now += timedelta(seconds=step.delay_s)
        if step.status:
            event, payload = (
                contract.TASK_STATUS_UPDATE,
                status_update(row, step.status, *named),
            )
        else:
            event, payload = contract.AGENT_LOG, agent_log(step.text, *named, now)
        found.append(Heard(event, (payload,), round(now.timestamp() * 1e9)))
    return found


def wrongs(task: Task, events: list[Heard]) -> list[str]:
    found = (
        wrong_order(task, events),
        wrong_title(task, events),
        wrong_payloads(task, events),
        wrong_times(events),
    )
    return [one for one in found if one]


@pytest.mark.parametrize("failure_share", [0.0, 0.2, 1.0])
def test_every_run_of_an_agent_is_right(failure_share: float) -> None:
    options = AgentOptions(max_rounds=20, failure_share=failure_share)
    for seed in range(300):
        steps = list(agent_steps(TASK.title, "ubuntu:latest", options, Random(seed)))
        assert not wrongs(TASK, heard(steps)), seed


def test_a_task_is_right_where_there_is_no_docker() -> None:
    for task in (TASK, SYSTEM):
        steps = list(steps_without_docker(task.title, "ubuntu:latest", with_agent=task.by_agent))
        assert not wrongs(task, heard(steps, task))


@pytest.mark.parametrize("task", [TASK, SYSTEM], ids=["by an agent", "by nobody"])
def test_each_event_that_is_missing_or_comes_twice_is_noticed(task: Task) -> None:
    steps = list(steps_without_docker(task.title, "ubuntu:latest", with_agent=task.by_agent))
    for place in range(len(steps)):
        assert wrong_order(task, heard([*steps[:place], *steps[place + 1 :]], task)), f"without {steps[place]}"
        assert wrong_order(task, heard([*steps[: place + 1], *steps[place:]], task)), f"twice {steps[place]}"
    for place in range(len(steps) - 1):
        swapped = [*steps[:place], steps[place + 1], steps[place], *steps[place + 2 :]]
        assert wrong_order(task, heard(swapped, task)), f"swapped {steps[place]}"


def test_what_an_agent_sends_once_is_noticed_if_it_comes_twice_or_not_at_all() -> None:
    steps = list(agent_steps(TASK.title, "ubuntu:latest", AgentOptions(failure_share=0.0), Random(1)))
    known = [place for place, step in enumerate(steps) if step.status or step.text.startswith("[Статус]")]
    for place in (0, *known):
        assert wrong_order(TASK, heard([*steps[:place], *steps[place + 1 :]])), f"without {steps[place]}"
    docker = (place for place, step in enumerate(steps) if step.text.startswith("[Docker]"))
    for place in (0, *known, *docker):
        assert wrong_order(TASK, heard([*steps[: place + 1], *steps[place:]])), f"twice {steps[place]}"
    assert wrong_order(
        TASK, heard([step for step in steps for _ in range(2 if step.text.startswith("[К") else 1)])
    )


@pytest.mark.parametrize(
    ("end", "body", "words"),
    [
        (contract.COMPLETED, [], "COMPLETED without a log of any work"),
        (contract.COMPLETED, [contract.LOG_DOCKER.format(image="x")], "COMPLETED without a log of any work"),
        (contract.FAILED, [], "FAILED without a log that says why"),
        (contract.FAILED, [contract.LOG_CRITICAL.format(image="x")], "expected the log that the container is"),
        (
            contract.FAILED,
            [contract.LOG_DOCKER.format(image="x"), contract.LOG_CRITICAL.format(image="y")],
            "expected the log that the container is",
        ),
        (contract.PENDING, ["[Мысль]: x"], "expected the end"),
    ],
)
def test_an_end_has_to_have_its_reason(end: str, body: list[str], words: str) -> None:
    begin = [Step(contract.LOG_ACCEPTED.format(title=TASK.title)), Step(status=contract.IN_PROGRESS)]
    begin.append(Step(contract.LOG_STATUS.format(status=contract.IN_PROGRESS)))
    ended = [Step(status=end), Step(contract.LOG_STATUS.format(status=end))]
    assert words in wrong_order(TASK, heard([*begin, *(Step(text) for text in body), *ended]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"agentId": "other"}, "agentLog.agentId: expected 48cd"),
        ({"agentName": "Agent-48cd58f"}, "agentLog.agentName: expected Agent-48cd58fc"),
        ({"agentName": None}, "agentLog.agentName: expected Agent-48cd58fc"),
        ({"more": 1}, "agentLog has more"),
        ({"message": None}, "expected texts in message, timestamp"),
    ],
)
def test_a_wrong_payload_is_named(change: dict[str, Any], words: str) -> None:
    (log,) = heard([Step("[Мысль]: x")])
    assert words in wrong_payloads(TASK, [Heard(log.event, (log.data | change,), log.at_ns)])
    fewer = {name: value for name, value in log.data.items() if name != "agentId"}
    assert wrong_payloads(TASK, [Heard(log.event, (fewer,), log.at_ns)]) == "agentLog misses agentId"
    assert "expected one object" in wrong_payloads(TASK, [Heard(log.event, (log.data, 2), log.at_ns)])
    assert "expected one object" in wrong_payloads(TASK, [Heard(log.event, ("text",), log.at_ns)])


@pytest.mark.parametrize(
    ("late", "wrong"),
    [
        (timedelta(), ""),
        (timedelta(seconds=59), ""),
        (timedelta(seconds=61), "61 s"),
        (-timedelta(hours=2), "-7200 s"),
    ],
)
def test_a_time_far_from_now_is_named(late: timedelta, wrong: str) -> None:
    (log,) = heard([Step("x")])
    found = wrong_times([Heard(log.event, log.arguments, round((NOW + late).timestamp() * 1e9))])
    assert wrong in found
    assert bool(found) is bool(wrong)


@pytest.mark.parametrize(
    "text", ["just now", "", "2026-11-29", "2026-11-29T12:00:00", "2026-13-29T12:00:00Z", "12"]
)
def test_a_time_that_is_none_is_named(text: str) -> None:
    (log,) = heard([Step("x")])
    assert "ISO 8601" in wrong_times([Heard(log.event, (log.data | {"timestamp": text},), log.at_ns)])


def test_a_time_that_goes_back_is_named() -> None:
    (log,) = heard([Step("x")])
    earlier = Heard(log.event, (log.data | {"timestamp": "2026-11-29T11:59:59.999Z"},), log.at_ns)
    assert "earlier than" in wrong_times([log, earlier])
    assert not wrong_times([earlier, log])
