"""Users that the backend throws out or refuses, or that cannot reach it, are counted, and their attempts, too."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from loadtest.backends.prometheus import contract

from ..support import node_server, run_locust, summary_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.calm, pytest.mark.needs("node")]

VIEWERS = 12
LOAD = (
    "-u",
    "16",
    "-r",
    "100",
    "--rooms",
    "3",
    "--rate",
    "20",
    "--reconnect-delay",
    "0.5",
    "--reconnect-jitter",
    "0",
)


def play(url: str, results: Path, *more: str, environment: dict[str, str] | None = None) -> dict[str, Any]:
    ended = run_locust(
        url,
        *(*LOAD, "-t", "10s", "--no-probe", "--no-report", "--results-dir", str(results), *more),
        environment=environment,
    )
    assert (results / "latest").exists(), ended.stderr
    return summary_of(results)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_users_that_the_backend_disconnects_are_gone_and_counted(tmp_path: Path, transport: str) -> None:
    with node_server("backend.mjs", {"fault": {"afterTasks": 60, "disconnects": True}}) as url:
        summary = play(url, tmp_path, "--transport", transport)
    connections, deliveries = summary["connections"], summary["deliveries"]
    assert (connections["lost"], connections["dropped"], connections["away"]) == (VIEWERS, 0, VIEWERS)
    assert (connections["reconnects"], connections["reconnect_failures"]) == (0, 0), "as the official client"
    assert summary["failures"] == {"connection lost: server disconnect": VIEWERS}
    assert deliveries["lost"] == deliveries["missed_offline"] > 0.2 * deliveries["expected"]
    assert deliveries["missed_dropped"] == 0


def test_every_refused_attempt_to_come_back_is_counted_with_its_reason(tmp_path: Path) -> None:
    with node_server("backend.mjs", {"fault": {"afterTasks": 60, "refuses": "token expired"}}) as url:
        summary = play(url, tmp_path, "--csv", str(tmp_path / "locust"))
    connections = summary["connections"]
    assert (connections["lost"], connections["dropped"], connections["away"]) == (VIEWERS, 0, VIEWERS)
    assert connections["reconnects"] == 0
    assert connections["reconnect_failures"] >= 2 * VIEWERS
    assert summary["failures"]["reconnect: token expired"] == connections["reconnect_failures"]
    assert summary["connect_ms"]["failed"] == 0
    locust_s = (tmp_path / "locust_failures.csv").read_text()
    assert "WS,reconnect,ConnectionError('token expired')" in locust_s, "in Locust's own statistics, too"


def test_attempts_while_the_server_is_down_are_counted_and_those_that_succeed_after(tmp_path: Path) -> None:
    with node_server("backend.mjs", {"fault": {"afterTasks": 60, "downForMs": 2200}}) as url:
        summary = play(url, tmp_path, "-t", "14s")
    connections, deliveries = summary["connections"], summary["deliveries"]
    assert connections["lost"] == connections["reconnects"] == VIEWERS
    assert (connections["dropped"], connections["away"]) == (0, 0)
    failed = {reason: count for reason, count in summary["failures"].items() if reason.startswith("reconnect: ")}
    assert sum(failed.values()) == connections["reconnect_failures"] >= VIEWERS
    assert all("refused" in reason for reason in failed), failed
    assert deliveries["missed_dropped"] == 0


def test_first_attempts_while_the_server_is_down_are_counted_too(tmp_path: Path) -> None:
    with node_server("backend.mjs", {"fault": {"afterTasks": 20, "downForMs": 60_000}}) as url:
        summary = play(url, tmp_path, "--shape", "steps:number=2", "-t", "12s")
    assert summary["connect_ms"]["failed"] > 0, summary["failures"]
    failed = [count for reason, count in summary["failures"].items() if reason.startswith("connect: ")]
    assert sum(failed) == summary["connect_ms"]["failed"]


def test_what_the_load_test_drops_itself_is_told_apart(tmp_path: Path) -> None:
    with node_server("backend.mjs", {}) as url:
        summary = play(url, tmp_path, "--drop-every", "3")
    connections, deliveries = summary["connections"], summary["deliveries"]
    assert connections["lost"] == connections["dropped"] == connections["reconnects"] > VIEWERS
    assert (connections["reconnect_failures"], connections["away"]) == (0, 0)
    assert deliveries["lost"] == deliveries["missed_offline"] == deliveries["missed_dropped"] > 0


PRINTS = f"""
import json, sys, urllib.request
request = urllib.request.Request(
    sys.argv[1] + "{contract.LOGIN}", b'{{"email": "user@example.org", "password": "Aa1@aaaa"}}',
    {{"Content-Type": "application/json"}},
)
print(json.load(urllib.request.urlopen(request))["token"])
"""


def sign_up(url: str) -> None:
    account = {"email": "user@example.org", "password": "Aa1@aaaa"}
    assert urllib3.request("POST", url + contract.SIGNUP, json=account).status == 201


@pytest.mark.parametrize("by", ["command", "call-back"])
def test_opaque_tokens_are_renewed_in_time(tmp_path: Path, by: str) -> None:
    script = tmp_path / "new_token.py"
    script.write_text(PRINTS)
    with node_server("backend.mjs", {"opaqueForMs": 5000}) as url:
        sign_up(url)
        way = {
            "command": {"LOCUST_TOKEN_COMMAND": f"{sys.executable} {script} {url}"},
            "call-back": {"LOCUST_ACCOUNT": "user@example.org:Aa1@aaaa"},
        }[by]
        more = ("--token-lifetime", "4", "--drop-every", "3")
        summary = play(url, tmp_path / "results", *more, environment=way)
    connections = summary["connections"]
    assert connections["reconnects"] == connections["dropped"] > VIEWERS
    assert (connections["reconnect_failures"], connections["away"]) == (0, 0)
    assert summary["triggers"]["refused"] == 0
    assert not [reason for reason in summary["failures"] if "dropped by the load test" not in reason]
    # Nor is the command, or a token, in any file of the record.
    text = "".join(file.read_text() for file in (tmp_path / "results" / "latest").glob("*.*"))
    assert "new_token.py" not in text


def test_opaque_tokens_that_nobody_renews_cost_their_users(tmp_path: Path) -> None:
    script = tmp_path / "new_token.py"
    script.write_text(PRINTS)
    with node_server("backend.mjs", {"opaqueForMs": 5000}) as url:
        sign_up(url)
        way = {"LOCUST_TOKEN_COMMAND": f"{sys.executable} {script} {url}"}
        summary = play(url, tmp_path / "results", "--drop-every", "3", environment=way)
    connections = summary["connections"]
    assert connections["away"] == VIEWERS
    assert summary["failures"]["reconnect: Unauthorized: token expired"] == connections["reconnect_failures"] > 0
