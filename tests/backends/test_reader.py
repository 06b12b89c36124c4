import json

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.sighting import Corrupt, Keyed, Traced, Untraced
from loadtest.measurement.trace import Trace, encode

TRACE = Trace("0123abcd", 4, 5, 6, 7)
TASK = "11111111-2222-4333-8444-555555555555"


def frame(event: str, **payload: str) -> bytes:
    return ("2" + json.dumps([event, payload], ensure_ascii=False, separators=(",", ":"))).encode()


def test_the_title_s_trace_comes_back_in_the_first_log() -> None:
    message = contract.LOG_ACCEPTED.format(title=f"Load test {encode(TRACE)}")
    sighting = Reader().read(contract.AGENT_LOG, frame(contract.AGENT_LOG, message=message))
    assert sighting == Traced(0, TRACE)


@pytest.mark.parametrize(("status", "slot"), [("IN_PROGRESS", 1), ("FAILED", 2), ("COMPLETED", 2)])
def test_updates_carry_the_task_s_id(status: str, slot: int) -> None:
    update = frame(contract.TASK_STATUS_UPDATE, taskId=TASK, newStatus=status, agentId="a", agentName="n")
    assert Reader().read(contract.TASK_STATUS_UPDATE, update) == Keyed(slot, TASK, "a")


def test_another_status_is_untraced() -> None:
    update = frame(contract.TASK_STATUS_UPDATE, taskId=TASK, newStatus="PENDING", agentId="a")
    assert Reader().read(contract.TASK_STATUS_UPDATE, update) == Untraced("taskStatusUpdate, another status", "a")


@pytest.mark.parametrize(
    ("message", "step"),
    [
        (contract.LOG_STATUS.format(status="IN_PROGRESS"), "agentLog status IN_PROGRESS"),
        (contract.LOG_DOCKER.format(image="ubuntu:latest"), "agentLog docker"),
        (contract.LOG_CRITICAL.format(image="ubuntu:latest"), "agentLog orchestrator"),
        (contract.LOG_STATUS.format(status="FAILED"), "agentLog status FAILED"),
        ('[Мысль]: the title is "Load test ~0123abcd.4."', "agentLog thought"),
        (f"[Команда]: echo {encode(TRACE)}", "agentLog command"),
        ("[Результат]: ~/a ~/b~ \u0000 \U0001f600 \ufffd", "agentLog result"),
        ('[Инструмент]: {"a": "~1.2.3"}', "agentLog tool"),
        ("[Git]: клонирую", "agentLog git"),
        ("[Память]: ~~", "agentLog memory"),
        ("~1.2.3 and ~2.0.0 and ~", "agentLog, another text"),
        ("Who knows", "agentLog, another text"),
    ],
)
def test_other_logs_are_named_by_their_tags(message: str, step: str) -> None:
    assert Reader().read(contract.AGENT_LOG, frame(contract.AGENT_LOG, message=message)) == Untraced(step, "")


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


def test_a_server_may_escape_what_is_not_ascii() -> None:
    log = json.dumps([contract.AGENT_LOG, {"message": contract.LOG_DOCKER.format(image="x")}]).encode()

    assert Reader().read(contract.AGENT_LOG, b"42" + log.replace(b", ", b",").replace(b": ", b":")) == Untraced(
        "agentLog docker", ""
    )
    thought = b'42["agentLog",{"message":"[\\u041c\\u044b\\u0441\\u043b\\u044c]: ~"}]'
    assert Reader().read(contract.AGENT_LOG, thought) == Untraced("agentLog thought", "")


@pytest.mark.parametrize(
    ("payload", "source"),
    [
        ({"agentId": TASK}, TASK),
        ({"agentId": "somebody else"}, "somebody else"),
        ({"agentId": ""}, ""),
        ({}, ""),
        ({"agentId": contract.SYSTEM_AGENT_ID}, None),
        ({"message": '[Мысль]: {"agentId":"quoted by an agent"}', "agentId": TASK}, TASK),
    ],
)
def test_what_carries_no_trace_names_its_agent(payload: dict[str, str], source: str | None) -> None:
    log = frame(contract.AGENT_LOG, **{"message": "[Мысль]: ~"} | payload)
    assert Reader().read(contract.AGENT_LOG, log) == Untraced("agentLog thought", source)
    spaced = "2" + json.dumps([contract.TASK_STATUS_UPDATE, {"newStatus": "PENDING"} | payload])
    update = spaced.replace('"newStatus": ', f'"taskId":"{TASK}","newStatus":').encode()
    found = Reader().read(contract.TASK_STATUS_UPDATE, update)
    assert found == Untraced("taskStatusUpdate, another status", source)


@pytest.mark.parametrize("end", range(1, len(encode(TRACE))))
def test_a_title_that_was_cut_off_is_corrupt(end: int) -> None:
    message = contract.LOG_ACCEPTED.format(title=f"Load test {encode(TRACE)[:end]}")
    assert Reader().read(contract.AGENT_LOG, frame(contract.AGENT_LOG, message=message)) == Corrupt()


def test_the_burst_is_read_whole() -> None:
    for step in contract.BURST_WITH_AGENT:
        if step.event == contract.AGENT_LOG:
            message = step.template.format(title=f"Load test {encode(TRACE)}", status=step.status, image="x")
            found = Reader().read(step.event, frame(step.event, message=message))
        else:
            found = Reader().read(step.event, frame(step.event, taskId=TASK, newStatus=step.status))
        assert isinstance(found, Traced | Keyed) or "another" not in found.step  # type: ignore[union-attr]
