"""Tests of working agents, on a backend with a Docker daemon: the profile `deployed`."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.rows import Rows

from ..support import start_backend
from .agents import has_ended, is_grammatical, letter_of, rest_of, run_of, sentence_of
from .broadcasts import create_task, member
from .node_client import witness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend

ROOMS = 6
MEMBERS = 3
TASKS = 8


@contextmanager
def deployed(*more: str, log: Path | None = None) -> Iterator[Backend]:
    """Run a separate backend, which has to exit without an error.

    :param log: file for its standard error, which has to stay empty.
    """
    prefix = ("sh", "-c", 'exec "$@" 2> "$0"', str(log)) if log else ()
    backend = start_backend("deployed", "--throttle-limit", "0", *more, prefix=prefix)
    try:
        yield backend
    finally:
        code = backend.stop()
    assert code == 0
    assert log is None or log.read_text() == ""


@contextmanager
def rooms(backend: Backend, number: int) -> Iterator[list[OwnedRoom]]:
    with Rows(backend.database_url, f"test-{uuid.uuid4().hex[:12]}") as rows:
        yield rows.create_rooms(number)
        rows.remove()


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """Run a backend whose agents take almost no time, and fail often."""
    with deployed("--agent-delay", "2", "--agent-failures", "0.4") as backend:
        yield backend


def status_of(backend: Backend, task_id: str) -> tuple[str, bool]:
    """Return a task's status, and whether its row has changed since it was created."""
    query = 'SELECT status, "updatedAt" > "createdAt" FROM tasks WHERE id = %s'
    ((status, changed),) = backend.sql(query, [task_id])
    return status, changed


def test_every_member_gets_every_broadcast_in_order(backend: Backend) -> None:
    """This holds while the agents of other rooms work."""
    endings = []
    with rooms(backend, ROOMS) as owned, ExitStack() as stack:
        members = [[stack.enter_context(member(backend, room)) for _ in range(MEMBERS)] for room in owned]
        for number in range(TASKS):
            tasks = [create_task(backend, room, f"title {number}") for room in owned]
            for room, wires, task_id in zip(owned, members, tasks, strict=True):
                runs = [run_of(wire) for wire in wires]
                assert runs.count(runs[0]) == MEMBERS
                endings.append(checked(runs[0], room, f"title {number}", task_id))
                assert status_of(backend, task_id) == (endings[-1], True)
        assert all(rest_of(wire, 0.05) == [] for wires in members for wire in wires)
    assert set(endings) == {contract.COMPLETED, contract.FAILED}


def checked(run: list[list[Any]], room: OwnedRoom, title: str, task_id: str) -> str:
    """Check a task's broadcasts; return its final status."""
    assert is_grammatical(sentence_of(run)), sentence_of(run)
    assert [title in payload.get("message", "") for _, payload in run] == [True] + [False] * (len(run) - 1)
    name = f"Agent-{room.agent_id[:8]}"
    for event, payload in run:
        own = {"taskId", "newStatus"} if event == contract.TASK_STATUS_UPDATE else {"message", "timestamp"}
        assert set(payload) == {"agentId", "agentName"} | own
        assert (payload["agentId"], payload["agentName"]) == (room.agent_id, name)
    updates = [payload for event, payload in run if event == contract.TASK_STATUS_UPDATE]
    assert {payload["taskId"] for payload in updates} == {task_id}
    return str(updates[-1]["newStatus"])


@pytest.mark.slow
def test_a_status_is_in_the_row_before_it_is_broadcast() -> None:
    with deployed("--agent-delay", "40") as backend, rooms(backend, 1) as (room,), member(backend, room) as wire:
        for _ in range(TASKS):
            task_id = create_task(backend, room, "looked up")
            seen: list[tuple[str, str]] = []
            run_of(wire, lambda told: seen.append((told["newStatus"], status_of(backend, task_id)[0])))  # noqa: B023
            (started, when_started), (ended, when_ended) = seen
            # The agent may have ended by the time that we look.
            assert when_started in (started, ended)
            assert when_ended == ended


def test_the_three_events_without_an_agent(backend: Backend) -> None:
    with rooms(backend, 1) as (room,), member(backend, room) as wire:
        task_id = create_task(backend, room, "alone", agent=False)
        burst = rest_of(wire)
        assert sentence_of(burst) == "AFs"
        assert {payload["agentId"] for _, payload in burst} == {contract.SYSTEM_AGENT_ID}
        assert status_of(backend, task_id)[0] == contract.FAILED


@pytest.mark.slow
def test_a_seed_repeats_every_text() -> None:
    told = []
    for seed in ("7", "7", "8"):
        with deployed("--agent-delay", "0", "--seed", seed) as other, rooms(other, 1) as (room,):
            heard: list[list[Any]] = []
            with member(other, room) as wire:
                for _ in range(3):
                    create_task(other, room, "the same")
                    heard += run_of(wire)
            told.append([payload.get("message") for _, payload in heard])
    assert told[0] == told[1] != told[2]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["REST", "SQL"])
def test_a_deleted_project_s_agents_end(tmp_path: Path, by: str) -> None:
    with (
        deployed("--agent-delay", "100", "--agent-failures", "0", log=tmp_path / "log") as backend,
        rooms(backend, 2) as (doomed, other),
        member(backend, doomed) as wire,
        member(backend, other) as other_wire,
    ):
        for _ in range(5):
            create_task(backend, doomed, "doomed")
        if by == "REST":
            path = f"{contract.PROJECTS}/{doomed.project_id}"
            assert backend.request("DELETE", path, backend.token(doomed))[0] == 200
        else:
            backend.sql("DELETE FROM projects WHERE id = %s", [doomed.project_id])
        # An agent that began later has ended, so those would have ended, too.
        for _ in range(3):
            create_task(backend, other, "goes on")
            assert is_grammatical(sentence_of(run_of(other_wire)))
        heard = sentence_of(rest_of(wire))
        assert not {"C", "F"} & set(heard)
        assert by == "SQL" or "t" not in heard


def test_agents_at_work_end_with_the_server(tmp_path: Path) -> None:
    with (
        deployed("--agent-delay", "60000", "--agent-failures", "0", log=tmp_path / "log") as backend,
        rooms(backend, 1) as (room,),
        member(backend, room) as wire,
    ):
        for _ in range(5):
            create_task(backend, room, "endless")
        assert sorted(sentence_of(wire.event() for _ in range(5 * 4))) == sorted("APsd" * 5)


@pytest.mark.parametrize("faults", ["", "delay=1"])
def test_every_broadcast_is_in_the_fault_log(tmp_path: Path, faults: str) -> None:
    """The log has the time when it was made, and, if the faults concern time, every frame that left."""
    log = tmp_path / "faults"
    began_ns = time.time_ns()
    heard: list[list[Any]] = []
    with (
        deployed("--faults", faults, "--fault-log", str(log), "--agent-delay", "5") as backend,
        rooms(backend, 1) as (room,),
        member(backend, room),
        member(backend, room) as wire,
    ):
        for number in range(3):
            create_task(backend, room, f"logged {number}")
            heard += run_of(wire)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    made = [line for line in lines if "made_ns" in line]
    told = [(event, payload.get("newStatus", payload.get("message"))) for event, payload in heard]
    assert [(line["event"], line["what"]) for line in made] == told
    assert {(line["room"], line["members"]) for line in made} == {(room.project_id, 2)}
    times_ns = [began_ns, *(line["made_ns"] for line in made), time.time_ns()]
    assert times_ns == sorted(times_ns)
    sent = [json.loads(line["frame"][2:]) for line in lines if line.get("frame", "").startswith("42")]
    if faults:
        assert all(sent.count(event) == 2 for event in heard)


@pytest.mark.needs("node")
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_the_official_client_decodes_every_text(tmp_path: Path, transport: str) -> None:
    log = tmp_path / "faults"
    with (
        deployed("--agent-delay", "0", "--faults", "", "--fault-log", str(log)) as backend,
        rooms(backend, 1) as (room,),
        witness(backend, transport, backend.token(room), room.project_id) as client,
    ):
        while client.says()[:2] != ["event", contract.JOINED]:
            pass
        heard: list[list[Any]] = []
        for number in range(40):
            create_task(backend, room, f"seen from node {number}")
            sentence = ""
            while not has_ended(sentence):
                kind, *event = client.says()
                if kind == "event":
                    heard.append(event)
                    sentence += letter_of(*event)
            assert is_grammatical(sentence)
    made = [line for line in map(json.loads, log.read_text().splitlines()) if "made_ns" in line]
    told = [payload.get("newStatus", payload.get("message")) for _, payload in heard]
    assert told == [line["what"] for line in made]
    whole = "".join(map(str, told))
    assert all(odd in whole for odd in ('"', "\\", "\n", "😀", "\ufffd", "~", '{"taskId":'))
    assert max(len(text) for text in told) >= 100_000
