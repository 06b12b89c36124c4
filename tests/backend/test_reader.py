import json

import pytest

from backend import contract
from backend.reader import Reader
from measure.sighting import Corrupt, Keyed, Traced, Untraced
from measure.trace import Trace, encode

TRACE = Trace("0123abcd", 4, 5, 6, 7)
TASK = "11111111-2222-4333-8444-555555555555"


def frame(event: str, **payload: str) -> bytes:
    return ("2" + json.dumps([event, payload], ensure_ascii=False, separators=(",", ":"))).encode()


def test_the_title_s_trace_comes_back_in_the_first_log() -> None:
    message = contract.LOG_ACCEPTED.format(title=f"Load test {encode(TRACE)}")
    sighting = Reader().read(contract.AGENT_LOG, frame(contract.AGENT_LOG, message=message))
    assert sighting == Traced(0, TRACE)


@pytest.mark.parametrize(("status", "slot"), [("IN_PROGRESS", 1), ("FAILED", 2)])
def test_updates_carry_the_task_s_id(status: str, slot: int) -> None:
    update = frame(contract.TASK_STATUS_UPDATE, taskId=TASK, newStatus=status, agentId="a", agentName="n")
    assert Reader().read(contract.TASK_STATUS_UPDATE, update) == Keyed(slot, TASK)


def test_a_status_outside_the_burst_is_untraced() -> None:
    update = frame(contract.TASK_STATUS_UPDATE, taskId=TASK, newStatus="COMPLETED")
    assert Reader().read(contract.TASK_STATUS_UPDATE, update) == Untraced("taskStatusUpdate, another status")


@pytest.mark.parametrize(
    ("message", "step"),
    [
        (contract.LOG_STATUS.format(status="IN_PROGRESS"), "agentLog 3 IN_PROGRESS"),
        (contract.LOG_DOCKER.format(image="ubuntu:latest"), "agentLog 4 docker"),
        (contract.LOG_CRITICAL.format(image="ubuntu:latest"), "agentLog 5 critical"),
        (contract.LOG_STATUS.format(status="FAILED"), "agentLog 7 FAILED"),
        ("Who knows", "agentLog, another text"),
    ],
)
def test_other_logs_are_named_by_their_place_in_the_burst(message: str, step: str) -> None:
    assert Reader().read(contract.AGENT_LOG, frame(contract.AGENT_LOG, message=message)) == Untraced(step)


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        (contract.AGENT_LOG, {"message": encode(TRACE).replace("0123abcd", "0123abce")}),
        (contract.TASK_STATUS_UPDATE, {"taskId": TASK[:-1], "newStatus": "FAILED"}),
        (contract.TASK_STATUS_UPDATE, {"taskId": TASK}),
    ],
)
def test_damage_is_corrupt(event: str, payload: dict[str, str]) -> None:
    assert Reader().read(event, frame(event, **payload)) == Corrupt()


def test_slots_and_untraced_are_the_whole_burst() -> None:
    reader = Reader()
    traced = [slot.event for slot in reader.slots]
    untraced = [step.split()[0] for step in reader.untraced]
    assert sorted(traced + untraced) == sorted(step.event for step in contract.BURST_WITH_AGENT)
