"""Tests of broadcasts that come long after their triggers, by working agents and slow backends, or not at all."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.processes import free_port

from ..support import ROOT, code_of, run_locust, summary_of, until_said
from .fleets import fleet
from .runs import is_whole, running_backend

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.calm]

COUNTED = ("lost", "missed_offline", "replayed", "unowed", "duplicate", "leaked", "corrupt", "foreign")


def run(backend: Backend, results: Path, *more: str, come_and_go: bool = False) -> dict[str, Any]:
    port = str(free_port())
    load = ["-u", "44", "-r", "50", "-t", "12s", "--rooms", "3", "--rate", "5", "--no-report"]
    load += ["--processes", "2", "--master-bind-port", port, "--master-port", port]
    ended = run_locust(
        *(backend.url, *load, "--results-dir", str(results), *more),
        environment=backend.by_sql,
        locustfile=ROOT / ("tests/integration/late_locustfile.py" if come_and_go else "locustfile.py"),
    )
    summary = summary_of(results)
    assert summary["deliveries"]["expected"] > 300, ended.stdout[-3000:]
    return summary


def made(log: Path) -> int:
    """Return the deliveries to members of all traceable broadcasts, by the backend's own log."""
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    told = [line for line in lines if "made_ns" in line and _is_told(line)]
    return sum(line["members"] for line in told)


def _is_told(line: dict[str, Any]) -> bool:
    return line["event"] == "taskStatusUpdate" or "Load test ~" in str(line["what"])


def test_agents_at_work_are_counted_exactly_however_long_they_take(tmp_path: Path) -> None:
    log = tmp_path / "made.jsonl"
    with running_backend("deployed", "--agent-delay", "exponential:400", "--fault-log", str(log)) as at_work:
        summary = run(at_work, tmp_path / "r", come_and_go=True)
    deliveries = summary["deliveries"]
    assert {name: deliveries[name] for name in COUNTED} == dict.fromkeys(COUNTED, 0)
    is_whole(summary)
    assert deliveries["edge"] > 0
    # A member that left while a broadcast was on its way got fewer than the backend sent.
    assert made(log) - deliveries["edge"] <= deliveries["arrived"] <= made(log)
    assert summary["completion_ms"]["count"] == summary["triggers"]["sent"]
    assert summary["completion_ms"]["p50"] > 500
    assert summary["latency_ms"]["taskStatusUpdate"]["p50"] < summary["completion_ms"]["p50"] / 2
    assert summary["unfinished_triggers"] == 0
    assert {"agentLog thought", "agentLog result", "agentLog docker"} <= set(summary["untraced"])


@pytest.mark.parametrize("delay", ["constant:4000", "exponential:1500"])
def test_members_that_come_and_go_lose_nothing_of_slow_broadcasts(tmp_path: Path, delay: str) -> None:
    with running_backend("documented", "--faults", f"delay={delay}") as slow:
        summary = run(slow, tmp_path, come_and_go=True)
    deliveries = summary["deliveries"]
    assert {name: deliveries[name] for name in COUNTED} == dict.fromkeys(COUNTED, 0)
    assert summary["in_flight_window_s"] >= 3.9


def test_losses_among_them_are_still_found(tmp_path: Path) -> None:
    with running_backend("deployed", "--agent-delay", "exponential:400", "--faults", "drop=0.1") as lossy:
        summary = run(lossy, tmp_path, come_and_go=True)
    deliveries = summary["deliveries"]
    assert 5 < summary["figures"]["lost_percent"] < 16
    assert deliveries["leaked"] == deliveries["corrupt"] == deliveries["unowed"] == 0


def test_the_end_waits_for_the_last_broadcasts(tmp_path: Path) -> None:
    """They come more than half a second apart."""
    with running_backend("documented", "--faults", "delay=constant:1500") as slow:
        summary = run(slow, tmp_path, "--rate", "1")
    is_whole(summary)
    assert summary["deliveries"]["lost"] == 0


def test_what_nobody_gets_is_lost_and_not_waited_for_when_its_work_is_done(tmp_path: Path) -> None:
    began_s = time.monotonic()
    with running_backend("deployed", "--agent-delay", "100", "--faults", "drop=1") as mute:
        summary = run(mute, tmp_path, "--drain-timeout", "300")
    deliveries = summary["deliveries"]
    # Three for each trigger and member, with 13 or 14 members in a room.
    assert deliveries["lost"] == deliveries["expected"] > 3 * summary["triggers"]["sent"] * 13
    assert summary["unfinished_triggers"] == 0
    assert time.monotonic() - began_s < 200, "it does not wait as long as it may"


def test_work_that_goes_on_when_the_run_ends_is_neither_expected_nor_lost(tmp_path: Path) -> None:
    with running_backend("deployed", "--agent-delay", "60000") as busy:
        summary = run(busy, tmp_path, "--drain-timeout", "1")
    is_whole(summary)
    assert summary["unfinished_triggers"] == summary["triggers"]["sent"] > 0
    assert summary["completion_ms"]["count"] == 0


@pytest.mark.needs("canaries")
def test_a_canary_that_is_alone_in_its_room_expects_what_it_gets(tmp_path: Path) -> None:
    load = ["-u", "5", "-r", "5", "-t", "8s", "--rooms", "2", "--rate", "4", "--no-report"]
    with running_backend("deployed", "--agent-delay", "300") as at_work:
        ended = run_locust(
            *(at_work.url, *load, "--canaries", "node-3,node-4", "--results-dir", str(tmp_path)),
            environment=at_work.by_sql,
        )
    summary = summary_of(tmp_path)
    assert {row["name"]: row["outcome"] for row in summary["canaries"]} == {
        "node-3": "sees the same",
        "node-4": "sees the same",
    }, ended.stdout[-3000:]
    assert summary["deliveries"]["unowed"] == summary["deliveries"]["lost"] == summary["unfinished_triggers"] == 0
    assert "still expected, for up to" not in ended.stdout, "nothing but work that is not done is waited for"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait(tmp_path: Path, number: int) -> None:
    with (
        running_backend("deployed", "--agent-delay", "60000") as busy,
        fleet(busy, tmp_path, "-u", "24", "-r", "50", "-t", "6s", "--no-report", "--drain-timeout", "600") as (
            master,
            *workers,
        ),
    ):
        until_said(master, "deliveries that are still expected")
        master.send_signal(number)
        said = master.communicate(timeout=60)[0]
        assert [worker.wait(20) for worker in workers] == [0, 0]
    summary = summary_of(tmp_path)
    assert master.returncode == code_of(summary), said[-3000:]
    assert master.returncode != ExitCode.RUN_INVALID
    is_whole(summary)
    assert "Traceback" not in said


def test_the_line_before_a_run_says_what_it_will_do(documented: Backend, tmp_path: Path) -> None:
    load = ["-u", "8", "-r", "50", "-t", "3s", "--no-report", "--results-dir", str(tmp_path)]
    ended = run_locust(documented.url, *load, environment=documented.by_sql)
    assert (
        "This run sends about 28 triggers to /v1/projects/:id/tasks; each creates a task, and where agents run, "
        "starts a container and calls an LLM."
    ) in ended.stdout
