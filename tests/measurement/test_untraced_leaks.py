"""Leaks of broadcasts without a trace: the agent that each names leads to the rooms whose members may hear it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.meter import Meter
from loadtest.measurement.summary import build

from .metering import FLIGHT_NS, RUN, S, member, settle
from .played import FACTS, played

if TYPE_CHECKING:
    from loadtest.measurement.report import Totals

AGENTS = {"agent-0": frozenset({0}), "agent-1": frozenset({1}), "agent-of-both": frozenset({0, 1})}
DOCKER = "agentLog docker"
UPDATE = "taskStatusUpdate, another status"


@pytest.fixture
def meter() -> Meter:
    return Meter(RUN, Reader(), flight_ns=FLIGHT_NS, sources=AGENTS)


def log(agent: str | None, number: int = 0) -> bytes:
    message = contract.LOG_DOCKER.format(image=f"x{number}")
    payload = {"message": message} | ({} if agent is None else {"agentId": agent})
    return f'42["agentLog",{json.dumps(payload, ensure_ascii=False)}]'.encode()


def update(agent: str, status: str = contract.PENDING) -> bytes:
    task = "11111111-2222-4333-8444-555555555555"
    payload = {"taskId": task, "newStatus": status, "agentId": agent}
    return f'42["taskStatusUpdate",{json.dumps(payload, separators=(",", ":"))}]'.encode()


def hears(meter: Meter, number: int, frame: bytes, at_ns: int = 10 * S) -> None:
    event = contract.AGENT_LOG if b"agentLog" in frame else contract.TASK_STATUS_UPDATE
    meter.observe(number, event, frame, at_ns)


def leaked(totals: Totals) -> dict[str, int]:
    assert totals.counters.get("leaked_untraced", 0) == sum(totals.leaked_untraced.values())
    return totals.leaked_untraced


@pytest.mark.parametrize(
    ("agent", "leaks"),
    [
        ("agent-0", {}),
        ("agent-of-both", {}),
        (contract.SYSTEM_AGENT_ID, {}),
        ("agent-1", {DOCKER: 1}),
        ("of another project", {DOCKER: 1}),
        ("", {DOCKER: 1}),
        (None, {DOCKER: 1}),
    ],
)
def test_a_member_hears_the_agents_of_its_own_room_only(
    meter: Meter, agent: str | None, leaks: dict[str, int]
) -> None:
    hears(meter, member(meter, 0).number, log(agent))
    totals = settle(meter)
    assert leaked(totals) == leaks
    assert totals.untraced == {DOCKER: 1}


def test_a_log_that_goes_to_every_socket_leaks_to_all_but_the_members(meter: Meter) -> None:
    inside, elsewhere, nowhere = member(meter, 0), member(meter, 1), meter.open_account()
    for number in range(5):
        for account in (inside, elsewhere, nowhere):
            hears(meter, account.number, log("agent-0", number))
    totals = settle(meter)
    assert leaked(totals) == {DOCKER: 10}
    assert totals.untraced == {DOCKER: 15}
    assert not totals.streams


@pytest.mark.parametrize("agent", ["agent-0", contract.SYSTEM_AGENT_ID])
def test_whoever_is_in_no_room_hears_nothing(meter: Meter, agent: str) -> None:
    hears(meter, meter.open_account().number, log(agent))
    assert leaked(settle(meter)) == {DOCKER: 1}


def test_updates_of_another_status_leak_like_logs(meter: Meter) -> None:
    hears(meter, member(meter, 0).number, update("agent-1"))
    hears(meter, member(meter, 1).number, update("agent-1"))
    assert leaked(settle(meter)) == {UPDATE: 1}


def test_updates_of_a_task_that_nobody_knows_leak_unless_they_are_of_ones_own_room(meter: Meter) -> None:
    inside, outside = member(meter, 1), member(meter, 0)
    for account in (inside, outside):
        hears(meter, account.number, update("agent-1", contract.FAILED))
    totals = settle(meter)
    assert leaked(totals) == {contract.TASK_STATUS_UPDATE: 1}
    assert (totals.counters["foreign"], totals.counters["unmatched"]) == (1, 1)


@pytest.mark.parametrize(("left_ns", "leaks"), [(10 * S - FLIGHT_NS + 1, {}), (10 * S - FLIGHT_NS, {DOCKER: 1})])
def test_what_was_in_flight_when_one_left_is_no_leak(meter: Meter, left_ns: int, leaks: dict[str, int]) -> None:
    account = member(meter, 0)
    account.left(0, left_ns)
    hears(meter, account.number, log("agent-0"))
    assert leaked(settle(meter)) == leaks


def test_what_others_received_before_one_left_was_long_in_flight_and_is_no_leak(meter: Meter) -> None:
    early, late = member(meter, 0), member(meter, 0)
    hears(meter, early.number, log("agent-0"), 10 * S)
    late.left(0, 11 * S)
    hears(meter, late.number, log("agent-0"), 10 * S + 10 * FLIGHT_NS)
    assert leaked(settle(meter)) == {}


@pytest.mark.parametrize(
    ("refused", "leaks"), [(True, {DOCKER: 2}), (False, {DOCKER: 0})], ids=["refused", "not answered"]
)
def test_what_comes_before_the_answer_to_a_join_waits_for_it(
    meter: Meter, refused: bool, leaks: dict[str, int]
) -> None:
    account = meter.open_account()
    account.joining(0)
    hears(meter, account.number, log("agent-0"), 10 * S)
    account.join_failed(0, 11 * S, refused=refused)
    hears(meter, account.number, log("agent-0", 1), 12 * S)
    assert leaked(settle(meter)) == {step: count for step, count in leaks.items() if count}


def test_what_comes_before_the_joined_answer_is_no_leak(meter: Meter) -> None:
    account = meter.open_account()
    account.joining(0)
    hears(meter, account.number, log("agent-0"))
    account.joined(0, 11 * S)
    assert leaked(settle(meter)) == {}


def test_a_lost_connection_ends_no_right_to_hear(meter: Meter) -> None:
    account = member(meter, 0)
    account.disconnected(5 * S, wanted=False)
    hears(meter, account.number, log("agent-0"), 20 * S)
    assert leaked(settle(meter)) == {}


def test_where_nobody_knows_sources_members_of_any_room_may_hear() -> None:
    meter = Meter(RUN, Reader())
    hears(meter, member(meter, 0).number, log("agent-1"))
    hears(meter, meter.open_account().number, log("agent-1"))
    assert leaked(settle(meter)) == {DOCKER: 1}


def test_such_a_leak_counts_among_the_run_s_and_is_shown_by_its_step() -> None:
    fleet, _ = played()
    totals = next(iter(fleet.totals()))
    before = build(FACTS, fleet, Reader(), [], {})
    totals.leaked_untraced[DOCKER] = totals.counters["leaked_untraced"] = 7
    after = build(FACTS, fleet, Reader(), [], {})
    assert after["deliveries"]["leaked"] == before["deliveries"]["leaked"] + 7
    assert after["figures"]["leaked_deliveries"] == after["deliveries"]["leaked"]
    assert after["untraced"][DOCKER] == {"expected": 0, "edge": 0, "received": 0, "leaked": 7}
