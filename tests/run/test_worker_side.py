"""The worker's half, with a real Locust environment and a list for a channel."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import gevent
import pytest
from locust.env import Environment

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.plan import Plan, Room
from loadtest.backends.prometheus import contract
from loadtest.measurement.evidence import LOOP_LAG, RAMP_LOOP_LAG
from loadtest.measurement.trace import Trace, encode
from loadtest.measurement.triggers import Outcome, Trigger
from loadtest.run import messages
from loadtest.run.roll_call import Answer, code_version
from loadtest.run.trigger_feed import Feed
from loadtest.run.worker import worker_side
from loadtest.run.worker.limits import local_ports
from loadtest.run.worker.worker_side import WorkerSide
from loadtest.tasks.context import current_context
from loadtest.transport.shared import shared

from .parsed import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.clients.client import Client

RUN: dict[str, Any] = {"run_id": "run-1"}
PLAN = Plan("run-1", "0123abcd", Endpoint("http://x"), (Room("p", "a", "t"),), 1.0, 1, version=code_version())


def side() -> tuple[WorkerSide, Environment, list[tuple[str, dict[str, Any]]]]:
    environment = Environment()
    sent: list[tuple[str, dict[str, Any]]] = []
    return WorkerSide(environment, lambda kind, data: sent.append((kind, data))), environment, sent


def test_a_plan_that_comes_again_keeps_what_was_measured() -> None:
    worker, environment, _ = side()
    worker.on_plan(PLAN.to_message())
    first = current_context(environment)
    worker.on_plan(PLAN.to_message())
    assert current_context(environment) is first


def test_rest_and_websockets_resolve_the_backend_s_name_alike() -> None:
    worker, environment, _ = side()
    worker.on_plan(replace(PLAN, dns_ttl_s=7.0).to_message())
    resolver = shared().dialler.resolver
    assert current_context(environment).resolver is resolver
    assert resolver.ttl_s == 7.0
    worker.on_plan(replace(PLAN, run_id="run-2").to_message())
    assert resolver.ttl_s == parse("--host", "http://x").dns_ttl == 60.0


def test_drained_follows_its_reports_and_totals_agree_with_them() -> None:
    worker, environment, sent = side()
    worker.on_plan(PLAN.to_message())
    context = current_context(environment)
    context.meter.trigger_due()
    context.meter.trigger_sent(0, 0, 0, 1)
    answered = Trigger(0, 0, 0, 1, 1, Outcome.FAILED, "")
    gevent.spawn_later(0.05, context.meter.trigger_answered, answered, None)
    worker.on_drain(RUN)
    assert context.closing.is_set()
    assert [kind for kind, _ in sent][-2:] == [messages.REPORT, messages.DRAINED]
    worker.on_settle(RUN | {"triggers": 0, "flight_s": 2.0})
    kind, data = sent[-1]
    assert kind == messages.TOTALS
    last_report = [data for kind, data in sent if kind == messages.REPORT][-1]["report"]
    assert data["totals"]["counters"] == last_report["counters"]
    assert data["totals"]["reports"] == last_report["number"]
    assert context.over.is_set()
    worker.on_settle(RUN | {"triggers": 0, "flight_s": 2.0})
    assert sent[-1] is not None
    assert sum(kind == messages.TOTALS for kind, _ in sent) == 1


def test_the_loop_s_lag_is_measured_from_the_first_client_on() -> None:
    worker, environment, sent = side()
    worker.on_plan(PLAN.to_message())
    context = current_context(environment)

    def lag_was_reported() -> bool:
        worker.on_reset(done=True)
        return RAMP_LOOP_LAG in sent[-1][1]["report"]["latencies"]

    gevent.sleep(3 * worker_side._LAG_PROBE_S)
    assert not lag_was_reported()
    context.clients.add(cast("Client", object()))
    with gevent.Timeout(10):
        while not lag_was_reported():
            gevent.sleep(worker_side._LAG_PROBE_S)
    assert LOOP_LAG not in sent[-1][1]["report"]["latencies"]
    context.publishing.set()
    with gevent.Timeout(10):
        while lag_was_reported() or LOOP_LAG not in sent[-1][1]["report"]["latencies"]:
            gevent.sleep(worker_side._LAG_PROBE_S)
    context.clients.clear()
    worker.on_settle(RUN | {"triggers": 0, "flight_s": 2.0})


def test_publishers_begin_after_the_warm_up() -> None:
    worker, environment, _ = side()
    worker.on_plan(replace(PLAN, warm_up_s=0.1).to_message())
    publishing = current_context(environment).publishing
    worker.on_spawned()
    gevent.sleep(0.01)
    assert not publishing.is_set()
    assert publishing.wait(5)


def test_a_roll_call_is_answered_with_what_this_process_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    worker, _, sent = side()
    question = {"source_addresses": ["127.0.0.1", "127.0.0.2"], "target": "http://127.0.0.1:1"}
    worker.on_roll(question | {"canaries": ["firefox"]})
    ((kind, data),) = sent
    assert kind == messages.HERE
    assert Answer(**data).version == code_version()
    assert Answer(**data).file_limit > 0
    assert Answer(**data).ports == 2 * local_ports()
    assert any("firefox-esr" in what for what, _ in Answer(**data).canaries_lack)


NO_CLOCKS = {"clocks": b"", "seen": 0}


def locust_rows(environment: Environment) -> dict[str, int]:
    return {name: entry.num_requests for (name, _), entry in environment.stats.entries.items()}


def deliver(worker: WorkerSide, seq: int) -> None:
    """One delivery, as the sockets give it to the meter."""
    context = worker.context
    assert context is not None
    account = context.meter.open_account()
    account.joined(0, time.time_ns())
    token = encode(Trace(PLAN.run, 0, 0, seq, time.time_ns()))
    frame = f'42["agentLog",{{"message":"{token}"}}]'.encode()
    context.meter.observe(account.number, contract.AGENT_LOG, frame, time.time_ns())


def test_what_came_before_a_reset_is_in_our_record_and_not_in_locust_s_statistics() -> None:
    worker, environment, sent = side()
    environment.reset_stats = True
    worker.on_plan(PLAN.to_message())
    deliver(worker, 0)
    environment.stats.reset_all()  # as Locust's own runner does first, when all users were started
    worker.on_spawned()
    assert locust_rows(environment) == {}
    deliver(worker, 1)
    deliver(worker, 2)
    worker.on_drain(RUN)
    assert locust_rows(environment) == {"agentLog": 2}
    reports = [data["report"] for kind, data in sent if kind == messages.REPORT]
    assert sum(count for _, _, count in reports[-1]["timed"]) == 3


def test_the_web_page_s_reset_leaves_nothing_behind() -> None:
    worker, environment, _ = side()
    worker.on_plan(PLAN.to_message())
    deliver(worker, 0)
    worker.on_reset(done=False)
    assert locust_rows(environment) == {"agentLog": 1}
    environment.stats.reset_all()  # as Locust's web page does after it has told everybody
    worker.on_drain(RUN)
    assert locust_rows(environment) == {"agentLog": 0}


def test_a_worker_that_was_away_when_the_others_drained_drains_before_it_counts() -> None:
    worker, environment, sent = side()
    worker.on_plan(PLAN.to_message())
    worker.on_settle(RUN | {"triggers": 0, "flight_s": 2.0})
    assert current_context(environment).closing.is_set()
    kinds = [kind for kind, _ in sent]
    assert kinds.index(messages.DRAINED) < kinds.index(messages.TOTALS)


def test_triggers_that_never_come_are_asked_for_and_then_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_side, "_MISSING_S", 0.1)
    monkeypatch.setattr(worker_side, "_ASK_AGAIN_S", 0.05)
    worker, _, sent = side()
    worker.on_plan(PLAN.to_message())
    worker.on_settle(RUN | {"triggers": 7, "flight_s": 2.0})
    assert [data["from"] for kind, data in sent if kind == messages.WANT][:1] == [0]
    totals = sent[-1][1]["totals"]
    assert totals["counters"]["unknown_triggers"] == 7


def test_a_worker_asks_for_what_the_master_says_there_is() -> None:
    worker, _, sent = side()
    worker.on_plan(PLAN.to_message())
    now_ns = time.time_ns()
    time_said = {"sent_ns": now_ns, "arrived_ns": now_ns, "answered_ns": now_ns, "machine": "", **NO_CLOCKS}
    worker.on_time(RUN | time_said | {"triggers": 2, "complete_ns": 0})
    assert sent[-1] == (messages.WANT, {"run_id": "run-1", "from": 0})
    rows = [[0, 4096, seq, now_ns, now_ns, 0, f"task {seq}"] for seq in range(2)]
    feed = Feed()
    feed.add(rows)
    (message,) = feed.since(0)
    worker.on_triggers(RUN | message)
    worker.on_time(RUN | time_said | {"triggers": 2, "complete_ns": 0})
    assert sum(kind == messages.WANT for kind, _ in sent) == 1


def test_rows_that_come_while_it_counts_are_not_said_to_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, environment, sent = side()
    worker.on_plan(PLAN.to_message())
    feed = Feed()
    feed.add([[0, 4096, 0, 1, 1, 0, "task"]])

    def count(*_: object) -> Iterator[int]:
        yield 3
        worker.on_triggers(RUN | next(feed.since(0)))
        yield 4
        worker.on_settle(RUN | {"triggers": 0, "flight_s": 2.0})

    monkeypatch.setattr(current_context(environment).meter, "outstanding", count)
    worker.on_await(RUN | {"patience_s": 1.0, "flight_s": 2.0})
    (said,) = [data for kind, data in sent if kind == messages.WAITING]
    assert (said["outstanding"], said["rows"]) == (7, 0)


def test_what_is_said_of_another_run_is_ignored() -> None:
    worker, _, sent = side()
    worker.on_plan(PLAN.to_message())
    before = len(sent)
    worker.on_triggers({"run_id": "run-0", "start": 0, "oldest": 0, "count": 0, "triggers": b""})
    worker.on_time({"run_id": "run-0"})
    worker.on_drain({"run_id": "run-0"})
    assert len(sent) == before


def test_a_worker_of_another_version_that_comes_late_takes_no_part(caplog: pytest.LogCaptureFixture) -> None:
    worker, _, sent = side()
    worker.on_plan(replace(PLAN, version="another").to_message())
    assert worker.context is None
    assert sent == []
    (record,) = caplog.records
    assert "another version" in record.message
    assert "\n" not in record.message


def test_the_master_hears_of_an_overload_before_it_begins() -> None:
    """Other workers report the same second later: by then the master has to know."""
    worker, environment, sent = side()
    worker.on_plan(PLAN.to_message())
    context = current_context(environment)

    def told() -> list[list[str]]:
        return [data["report"]["overloads"] for kind, data in sent if kind == messages.REPORT]

    worker.on_reset(done=True)
    assert told() == [[]]
    with context.overload("a flood"):
        assert told() == [[], ["a flood"]]
        worker.on_reset(done=True)
    worker.on_reset(done=True)
    worker.on_reset(done=True)
    assert told() == [[], ["a flood"], ["a flood"], ["a flood"], []]
    worker.on_settle(RUN | {"triggers": 0, "flight_s": 2.0})


def test_an_overload_ends_with_a_scenario_that_fails() -> None:
    worker, environment, sent = side()
    worker.on_plan(PLAN.to_message())

    def play() -> None:
        with current_context(environment).overload("a flood"):
            raise TimeoutError

    with pytest.raises(TimeoutError):
        play()
    for _ in range(2):
        worker.on_reset(done=True)
    assert sent[-1][1]["report"]["overloads"] == []
    worker.on_settle(RUN | {"triggers": 0, "flight_s": 2.0})


def test_users_that_have_gone_are_counted_while_the_run_goes_on() -> None:
    """In turns: many that go at once do not keep the event loop from what arrives."""
    worker, environment, _ = side()
    worker.on_plan(PLAN.to_message())
    meter = current_context(environment).meter
    for _ in range(3):
        account = meter.open_account()
        account.joined(0, 1)
        account.ended(2)
    staying = meter.open_account()
    meter.complete_until(time.time_ns())
    with gevent.Timeout(10):
        while len(meter.accounts) > 1:
            gevent.sleep(0.05)
    assert list(meter.accounts.values()) == [staying]
    worker.on_settle(RUN | {"triggers": 0, "flight_s": 2.0})
