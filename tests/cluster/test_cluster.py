"""Several instances, for real: killed, restarted, cut off from each other, without sticky sessions."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from lab.cluster import broker

from ..support import ROOT, SECRET, csv_rows, run_locust, start_backend, summary_of, until_said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.calm]


@contextmanager
def cluster(*more: str) -> Iterator[tuple[str, str]]:
    """Its URL and its database's; everything is gone at the end."""
    command = [sys.executable, "-m", "lab.cluster", "--throttle-limit", "0", "--jwt-secret", SECRET, *more]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = until_said(process, "cluster: ")
            yield line.split()[1], line.split()[2]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def load(url: str, database_url: str, results: Path, *more: str) -> dict[str, Any]:
    """The summary of a run."""
    by_sql = {"LOCUST_DATABASE_URL": database_url, "LOCUST_JWT_SECRET": SECRET}
    options = ("--no-probe", "--rooms", "6", "--rate", "20", "--results-dir", str(results))
    ended = run_locust(url, "-u", "64", "-r", "64", *options, *more, environment=by_sql)
    assert (results / "latest").exists(), ended.stderr[-2000:]
    return summary_of(results)


def paths_of(summary: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Way -> what went on it; together they are all that was owed and lost."""
    paths = {(path["triggered"], path["member"]): path for path in summary["instances"]["paths"]}
    for name in ("expected", "lost"):
        assert sum(path[name] for path in paths.values()) == summary["deliveries"][name]
    assert sum(path["latency_ms"]["count"] for path in paths.values()) == sum(
        times["count"] for times in summary["latency_ms"].values()
    )
    return paths


def test_everything_goes_from_everywhere_to_everywhere(tmp_path: Path) -> None:
    with cluster("--instances", "3") as (url, database_url):
        summary = load(url, database_url, tmp_path, "-t", "8s")
    paths = paths_of(summary)
    assert set(paths) == {(origin, member) for origin in "123" for member in "123"}
    assert all(path["expected"] > 0 for path in paths.values())
    assert summary["deliveries"]["lost"] == summary["deliveries"]["duplicate"] == 0
    members = summary["instances"]["members"]
    assert set(members) == set("123")
    assert sum(members.values()) == 60
    assert all(15 <= count <= 25 for count in members.values()), "requests take turns, too"
    assert {source.split()[0] for source in summary["monitoring"]["sources"]} == {"health"}
    assert summary["monitoring"]["restarts"] == 0
    page = (tmp_path / "latest" / "report.html").read_text(encoding="utf-8")
    assert "From instance to instance" in page
    assert "Members by instance" in page


def test_what_a_killed_instance_and_a_rolling_restart_cost(tmp_path: Path) -> None:
    log = tmp_path / "steps"
    script = "9 kill 2; 13 start 2; 16 restart all; 24 add"
    with cluster("--instances", "3", "--script", script, "--log", str(log)) as (url, database_url):
        summary = load(url, database_url, tmp_path / "results", "-t", "26s")
    deliveries, connections = summary["deliveries"], summary["connections"]
    assert [json.loads(line)["act"] for line in log.read_text().splitlines()] == [
        "kill",
        "start",
        "restart",
        "add",
    ]
    # Some 20 members were with each; of a rolling restart everybody loses the connection at least once.
    assert connections["lost"] == connections["reconnects"] >= 15 + 60
    assert connections["away"] == 0
    assert deliveries["missed_offline"] > 0
    # Each of the four that ended may have been in the middle of a burst, whose rest reaches none of ten members.
    assert deliveries["lost"] - deliveries["missed_offline"] <= 4 * 3 * 10, "but for that, who was there got all"
    assert deliveries["duplicate"] == deliveries["leaked"] == deliveries["reordered"] == 0
    assert set(summary["instances"]["members"]) == {"1", "2", "3"}
    assert max(summary["instances"]["members"].values()) > 25, "those of the others came"
    paths_of(summary)


def test_a_drained_instance_keeps_whom_it_has_until_it_ends(tmp_path: Path) -> None:
    with cluster("--instances", "2", "--script", "8 drain 1; 14 stop 1") as (url, database_url):
        summary = load(url, database_url, tmp_path, "-t", "18s")
    found = [(row["instance"], int(row["members"])) for row in csv_rows(tmp_path, "instances")]
    # Nobody lost anything when it was drained, and all of its members were with the other one when it had ended.
    before = summary["instances"]["members"]["1"]
    assert 20 <= before <= 40, "requests take turns, too"
    assert summary["connections"]["lost"] == summary["connections"]["reconnects"] == before
    assert {members for instance, members in found if instance == "2"} >= {60 - before, 60}
    assert found[-2:] == [("1", 0), ("2", 60)]
    assert summary["deliveries"]["lost"] == summary["deliveries"]["missed_offline"] > 0


def test_instances_that_are_cut_off_from_each_other_lose_what_is_between_them(tmp_path: Path) -> None:
    """The partition is between one instance and Redis: its members hear what it is told itself, and no more."""
    with ExitStack() as stack:
        redis = stack.enter_context(broker.embedded(tmp_path))
        where = urlsplit(redis).netloc
        script = "0 up latency=1ms; 8 cut; 8 refuse"
        command = [sys.executable, "-m", "loadtest.network", where, "--script", script]
        command = [sys.executable, "-m", "loadtest.network", where, "--script", script]
        network = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        stack.callback(network.terminate)
        behind = until_said(network, "network: ").split()[1]
        arguments = ("--throttle-limit", "0")
        one = start_backend("documented", *arguments, "--instance", "near", "--redis-url", redis)
        stack.callback(one.stop)
        shared = ("--database-url", one.database_url)
        two = start_backend(
            "documented", *arguments, "--instance", "far", "--redis-url", redis.replace(where, behind), *shared
        )
        stack.callback(two.stop)
        summary = load(f"{one.url},{two.url}", one.database_url, tmp_path, "-t", "12s", "--publishers", "4")
    paths = paths_of(summary)
    assert paths["near", "near"]["lost"] == paths["far", "far"]["lost"] == 0
    for way in (("near", "far"), ("far", "near")):
        assert 0 < paths[way]["lost"] < paths[way]["expected"], "some of it was before"
    assert summary["connections"]["lost"] == 0
    assert summary["deliveries"]["missed_offline"] == 0
    assert summary["deliveries"]["lost"] == sum(path["lost"] for path in paths.values())


@pytest.mark.parametrize("transport", ["polling", "upgrade"])
def test_missing_sticky_sessions_are_called_by_their_name(tmp_path: Path, transport: str) -> None:
    with cluster("--instances", "3", "--sticky", "none") as (url, database_url):
        summary = load(url, database_url, tmp_path, "-t", "15s", "--transport", transport)
    said = [reason for reason in summary["failures"] if "no sticky sessions: instance" in reason]
    assert said
    assert summary["connect_ms"]["failed"] + summary["connections"]["lost"] > 0


@pytest.mark.parametrize("transport", ["polling", "upgrade"])
def test_with_sticky_sessions_everybody_gets_in(tmp_path: Path, transport: str) -> None:
    with cluster("--instances", "3") as (url, database_url):
        summary = load(url, database_url, tmp_path, "-t", "6s", "--transport", transport)
    assert summary["failures"] == {}
    assert summary["deliveries"]["lost"] == 0
    assert len(paths_of(summary)) == 9
