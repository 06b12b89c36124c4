"""Whole runs with Locust, in one process and in several, against the reference backend."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3

from loadtest.backends.prometheus import contract
from loadtest.backends.rest import RestClient
from loadtest.exit_codes import ExitCode
from loadtest.measurement.recorded_outcome import read_outcome
from loadtest.processes import free_port

from ..support import (
    SECRET,
    children_of,
    code_of,
    csv_rows,
    run_locust,
    start_backend,
    summary_of,
    until,
    web_page,
)
from .fleets import fleet, until_publishing
from .runs import deliveries, is_whole, load, state, users_in

if TYPE_CHECKING:
    from ..support import Backend

pytestmark = pytest.mark.slow


def test_a_run_in_one_process(backend: Backend, tmp_path: Path) -> None:
    ended = load(backend, tmp_path)
    summary = summary_of(tmp_path)
    is_whole(summary)
    assert summary["profile"] == backend.profile
    assert summary["users_by_class"] == {"Viewer": 20, "Publisher": 4}
    # 20 members × 3 traced broadcasts for each trigger; what was in flight at a join is left out.
    edge = summary["deliveries"]["edge"]
    assert summary["deliveries"]["expected"] + edge == summary["triggers"]["sent"] * 60
    assert ended.returncode == code_of(summary)
    assert (tmp_path / "latest" / "report.html").exists()
    assert users_in(backend) == 0
    assert summary["data_left"]["users"] == []
    assert "Left in the backend" not in ended.stdout
    assert SECRET not in ended.stdout + ended.stderr
    assert all(SECRET not in file.read_text() for file in (tmp_path / "latest").glob("*.*"))


def test_locust_s_own_statistics_have_real_times(documented: Backend, tmp_path: Path) -> None:
    load(documented, tmp_path, "--csv", str(tmp_path / "locust"), "--no-report")
    rows = (tmp_path / "locust_stats.csv").read_text().splitlines()
    columns = rows[0].split(",")
    found = {}
    for row in rows[1:]:
        cells = dict(zip(columns, row.split(","), strict=True))
        found[cells["Name"]] = cells
    assert {"agentLog", "taskStatusUpdate", "connect", "join", "/v1/projects/:id/tasks"} <= set(found)
    assert all(float(cells["Average Response Time"]) > 0 for cells in found.values())
    summary = summary_of(tmp_path)
    assert int(found["agentLog"]["Request Count"]) == summary["latency_ms"]["agentLog"]["count"]


def test_data_made_through_rest(documented: Backend, tmp_path: Path) -> None:
    size = ["-u", "14", "-r", "100", "-t", "4s", "--rooms", "2", "--no-report", "--results-dir", str(tmp_path)]
    ended = run_locust(documented.url, *size)
    summary = summary_of(tmp_path)
    is_whole(summary)
    assert documented.sql("SELECT count(*) FROM projects WHERE name LIKE 'lt-%%'")[0][0] == 0
    # An owner and a stranger for the scenarios; the backend has no call that deletes them.
    emails = [email for (email,) in documented.sql("SELECT email FROM users WHERE email LIKE 'lt-%%-user@%%'")]
    users = summary["data_left"]["users"]
    assert len(users) == 2
    agents = 'SELECT 1 FROM agents JOIN users ON users.id = agents."userId" WHERE email = ANY(%s)'
    assert documented.sql(agents, [users]) == []
    assert set(users) <= set(emails)
    *_, left, how, outcome = ended.stdout.splitlines()
    assert left.startswith("Left in the backend: 2 users that signed up")
    assert all(email in left for email in users)
    assert "--accounts-file" in how
    assert outcome == read_outcome(summary).line
    # As the line says, nothing is left with existing accounts.
    accounts = tmp_path / "accounts"
    for number in range(3):
        body = {"email": f"reused-{number}@example.org", "password": "Aa1@aaaa"}
        RestClient(documented.url).call("POST", contract.SIGNUP, body=body)
        with accounts.open("a") as file:
            file.write(f"{body['email']}:{body['password']}\n")
    ended = run_locust(documented.url, *size, "--accounts-file", str(accounts))
    summary = summary_of(tmp_path)
    is_whole(summary)
    assert summary["data_left"] == {"users": [], "kept": False, "not_removed": ""}
    assert "Left in the backend" not in ended.stdout
    assert {
        email for (email,) in documented.sql("SELECT email FROM users WHERE email LIKE 'lt-%%-user@%%'")
    } == set(emails)


def test_throughput_is_judged_when_asked(documented: Backend, tmp_path: Path) -> None:
    ended = load(documented, tmp_path, "--events-per-client", "100000", "--no-report")
    summary = summary_of(tmp_path)
    (row,) = [row for row in summary["slo"] if row["figure"] == "events_per_s_per_client"]
    assert row["passed"] is False
    assert row["value"] > 0
    assert ended.returncode in (ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_SUSPECT)


# The throttle


def test_a_throttled_backend_is_named_and_not_hammered(tmp_path: Path) -> None:
    backend = start_backend("as-built")
    try:
        ended = load(backend, tmp_path)
    finally:
        backend.stop()
    summary = summary_of(tmp_path)
    assert ended.returncode == ExitCode.RUN_INVALID
    reason = " ".join(summary["validity"]["reasons"])
    assert "429" in reason
    assert "--source-addresses" in reason
    triggers = summary["triggers"]
    # Five pass, and those that were on their way when the first refusal came are refused too.
    assert triggers["sent"] - triggers["refused"] == 5
    assert triggers["refused"] <= 4
    assert triggers["missed"] == triggers["due"] - triggers["sent"] > 0
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"]


def test_triggers_leave_from_all_addresses_and_the_verdict_names_the_limit(tmp_path: Path) -> None:
    """Eight addresses, four publishers: each address has a budget, and all eight budgets are used."""
    backend = start_backend("as-built")
    addresses = ",".join(f"127.0.1.{number}" for number in range(1, 9))
    try:
        ended = load(backend, tmp_path, "--source-addresses", addresses, "--rate", "20", "--no-report")
    finally:
        backend.stop()
    summary = summary_of(tmp_path)
    triggers = summary["triggers"]
    assert triggers["sent"] - triggers["refused"] == 8 * 5
    assert triggers["missed"] == triggers["due"] - triggers["sent"] > 0
    assert ended.returncode == ExitCode.RUN_INVALID
    reasons = " ".join(summary["validity"]["reasons"])
    assert "the backend accepts about 5 triggers from one address, then asks for 900 s of quiet" in reasons
    assert f"give {-(-triggers['due'] // 5)} source addresses" in reasons
    assert "could not be sent when they were due" not in reasons, "more workers would not have helped"


def test_workers_share_the_budgets_of_their_addresses(tmp_path: Path) -> None:
    """Two workers with the same four addresses, and fewer publishers than addresses: all four budgets are used."""
    backend = start_backend("as-built")
    addresses = ",".join(f"127.0.1.{number}" for number in range(1, 5))
    more = ["-u", "22", "-r", "100", "-t", "6s", "--rate", "20", "--publishers", "2", "--no-report"]
    try:
        with fleet(backend, tmp_path, "--source-addresses", addresses, *more) as (master, *_):
            master.wait(60)
    finally:
        backend.stop()
    summary = summary_of(tmp_path)
    triggers = summary["triggers"]
    assert triggers["sent"] - triggers["refused"] == 4 * 5
    throttle = summary["throttle"]
    assert (throttle["accepted_per_address"], throttle["quiet_s"], throttle["addresses"]) == (5, 900.0, 4)
    assert (throttle["refused"], throttle["withheld"]) == (triggers["refused"], triggers["missed"])


# Several processes


def test_master_and_workers_by_hand(backend: Backend, tmp_path: Path) -> None:
    with fleet(backend, tmp_path, *["-u", "24", "-r", "100", "-t", "6s", "--no-report"]) as (master, *workers):
        code = master.wait(60)
        assert [worker.wait(20) for worker in workers] == [0, 0]
    summary = summary_of(tmp_path)
    is_whole(summary)
    assert summary["workers"] == 2
    assert code == code_of(summary)


def test_a_worker_that_is_killed_makes_the_run_invalid_and_the_rest_stays(
    documented: Backend, tmp_path: Path
) -> None:
    with fleet(documented, tmp_path, *["-u", "24", "-r", "100", "-t", "14s", "--no-report"]) as (
        master,
        worker,
        _,
    ):
        until_publishing(master)
        worker.kill()
        code = master.wait(80)
    summary = summary_of(tmp_path)
    assert code == ExitCode.LOST_WORKERS
    assert any("no totals came from worker" in reason for reason in summary["validity"]["reasons"])
    # What it had measured stays, and is told apart.
    assert summary["deliveries"]["uncounted"] > 0
    killed, other = sorted(csv_rows(tmp_path, "workers"), key=lambda row: row["totals"])
    assert (killed["totals"], other["totals"]) == ("False", "True")
    assert int(killed["timed"]) == summary["deliveries"]["uncounted"]
    assert sum(int(row["uncounted"]) for row in csv_rows(tmp_path, "rooms")) == summary["deliveries"]["uncounted"]
    assert summary["latency_ms"]["agentLog"]["count"] > 0
    assert summary["workers"] == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_master_still_writes_its_record(documented: Backend, tmp_path: Path, number: int) -> None:
    with fleet(documented, tmp_path, *["-u", "24", "-r", "100", "-t", "60s", "--no-report"]) as (master, *workers):
        until_publishing(master)
        master.send_signal(number)
        code = master.wait(60)
        assert [worker.wait(20) for worker in workers] == [0, 0]
    summary = summary_of(tmp_path)
    assert summary["interrupted"]
    # A part of a run stands for no run, however good it was.
    assert summary["validity"]["verdict"] != "valid"
    assert summary["deliveries"]["delivered"] == summary["deliveries"]["expected"] > 0
    assert code == code_of(summary)
    assert users_in(documented) == 0


def test_processes_interrupted_together_count_to_the_end(documented: Backend, tmp_path: Path) -> None:
    """Ctrl-C in a terminal reaches master and workers at once."""
    with fleet(documented, tmp_path, *["-u", "24", "-r", "100", "-t", "60s", "--no-report"]) as processes:
        until_publishing(processes[0])
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            process.wait(60)
    summary = summary_of(tmp_path)
    assert summary["deliveries"]["delivered"] == summary["deliveries"]["expected"] > 0
    assert not any("totals" in reason for reason in summary["validity"]["reasons"])


@pytest.mark.parametrize("more", [(), ("--processes", "2")], ids=["one process", "two workers"])
def test_locust_s_own_statistics_are_ours(documented: Backend, tmp_path: Path, more: tuple[str, ...]) -> None:
    """No delivery twice, none missing, no row without a request; with a reset when all users are there."""
    port = str(free_port())
    ports = ["--master-bind-port", port, "--master-port", port] if more else []
    ran = load(documented, tmp_path, *more, *ports, "--no-report", "--reset-stats", "--json", "--skip-log")
    # Workers print an empty one each.
    rows = json.loads(ran.stdout[ran.stdout.rindex("[\n ") :])
    received = {row["name"]: row["num_requests"] for row in rows if row["method"] == "RECV"}
    assert received == {event: times["count"] for event, times in summary_of(tmp_path)["latency_ms"].items()}
    assert all(row["num_requests"] > 0 and row["max_response_time"] > 0 for row in rows)


def test_locust_s_own_processes_switch(documented: Backend, tmp_path: Path) -> None:
    port = str(free_port())
    ports = ["--master-bind-port", port, "--master-port", port]
    load(documented, tmp_path, "--processes", "2", *ports, "--no-report")
    summary = summary_of(tmp_path)
    is_whole(summary)
    assert summary["workers"] == 2


def test_a_run_that_was_killed_is_swept_by_the_next(documented: Backend, tmp_path: Path) -> None:
    with fleet(documented, tmp_path, *["-u", "14", "-r", "100", "-t", "60s"], workers=1) as (master, _):
        until_publishing(master)
        master.kill()
        master.wait()
        assert users_in(documented) == 3  # the owners of two rooms, and of the foreign one
    load(documented, tmp_path, "--no-report")
    assert users_in(documented) == 0


# The web page


def test_two_runs_from_the_web_page(documented: Backend, tmp_path: Path) -> None:
    options = ("--results-dir", str(tmp_path), "--no-report")
    locust = web_page(documented.url, tmp_path / "log", *options, environment=documented.by_sql)
    with locust as (_, page), urllib3.PoolManager() as pool:
        for number in (1, 2):
            form = {"user_count": "14", "spawn_rate": "100", "host": documented.url, "rooms": str(number)}
            assert pool.request("POST", f"{page}/swarm", fields=form, encode_multipart=False).status == 200
            until(lambda: state(pool, page) == "running" and deliveries(pool, page) > 20)
            assert pool.request("POST", f"{page}/stop").status == 200
            # The page's figures are up to two seconds old.
            until(lambda: state(pool, page) == "stopped")
            summary = summary_of(tmp_path)
            is_whole(summary)
            assert summary["rooms"] == number
    assert len({path.name for path in tmp_path.iterdir() if path.name.startswith("20")}) == 2


def test_children_are_found() -> None:
    with subprocess.Popen(["sleep", "30"]) as child:
        assert child.pid in children_of(os.getpid())
        child.kill()
