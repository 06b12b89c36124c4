"""Locust's own switches do with us what Locust says they do."""

from __future__ import annotations

import csv
import json
import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import urllib3

from loadtest.exit_codes import ExitCode
from loadtest.processes import free_port
from loadtest.run.options import options

from ..support import (
    ROOT,
    SECRET,
    code_of,
    locust_environment,
    run_locust,
    start_backend,
    summary_of,
    until,
    web_page,
)
from .runs import deliveries, is_whole, load, state, users_in

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow


def locust(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), *arguments]
    environment = locust_environment() | more.pop("environment", {})
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, **more)


# What is printed without a run


def test_help_has_our_options_in_a_group_of_their_own_each_with_a_variable() -> None:
    command = [sys.executable, "-m", "loadtest.run"]
    group = subprocess.run(command, cwd=ROOT, env=locust_environment(), capture_output=True, text=True).stdout
    assert group.startswith("Socket.IO load test:")
    for name in options.names():
        assert re.search(rf"--{name.replace('_', '-')}\b", group), name
        assert f"LOCUST_{name.upper()}" in re.sub(r"\s", "", group), name
    assert locust("--help").returncode == 0


@pytest.mark.parametrize(
    ("switch", "said"),
    [
        ("--list", "Publisher"),
        ("--show-task-ratio", "Total task ratio"),
        ("--show-task-ratio-json", '"per_class"'),
        ("--version", "locust "),
    ],
)
def test_what_locust_shows_and_ends(switch: str, said: str) -> None:
    ended = locust(switch)
    assert said in ended.stdout + ended.stderr
    assert ended.returncode == 0
    if switch == "--show-task-ratio-json":
        assert "Viewer" in json.loads(ended.stdout)["per_class"]


@pytest.mark.parametrize("suffix", ["conf", "toml"])
def test_options_are_taken_from_a_file(documented: Backend, tmp_path: Path, suffix: str) -> None:
    lines = {
        "headless": True,
        "users": 14,
        "spawn-rate": 50,
        "run-time": "4s",
        "rooms": 2,
        "rate": 7.0,
        "publishers": 2,
        "mix": "Viewer=2",
        "results-dir": str(tmp_path / "results"),
        "jwt-secret": SECRET,
    }
    config = tmp_path / f"load.{suffix}"
    if suffix == "toml":
        config.write_text("[tool.locust]\n" + "\n".join(f"{key} = {json.dumps(v)}" for key, v in lines.items()))
    else:
        config.write_text("\n".join(f"{key} = {str(v).lower() if v is True else v}" for key, v in lines.items()))
    ended = run_locust(
        *(documented.url, "--config", str(config), "--no-report"),
        environment={"LOCUST_DATABASE_URL": documented.database_url, "LOCUST_RATE": "9"},
    )
    summary = summary_of(tmp_path / "results")
    # A variable is stronger than a file.
    assert (summary["rooms"], summary["rate_per_s"], summary["users_by_class"]["Publisher"]) == (2, 9.0, 2)
    assert SECRET not in ended.stdout + ended.stderr
    for path in (tmp_path / "results").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


# A run's own outputs


@pytest.mark.parametrize("processes", [0, 2])
def test_csv_html_and_json(documented: Backend, tmp_path: Path, processes: int) -> None:
    port = str(free_port())
    several = ("--processes", str(processes), "--master-bind-port", port, "--master-port", port)
    ended = load(
        *(documented, tmp_path, "--csv", str(tmp_path / "out"), "--csv-full-history", "--no-report"),
        *(several if processes else ()),
        *(
            "--html",
            str(tmp_path / "out.html"),
            "--json-file",
            str(tmp_path / "out"),
            "--loglevel",
            "WARNING",
        ),
    )
    summary = summary_of(tmp_path)
    assert ended.returncode == code_of(summary), ended.stderr[-2000:]
    with (tmp_path / "out_stats.csv").open() as file:
        (row,) = [row for row in csv.DictReader(file) if row["Name"] == "agentLog"]
    counted = summary["latency_ms"]["agentLog"]["count"]
    assert int(row["Request Count"]) == counted
    assert 0 < float(row["99%"]) <= float(row["100%"])
    assert (tmp_path / "out_stats_history.csv").stat().st_size > 500
    assert "agentLog" in (tmp_path / "out.html").read_text()
    (found,) = [row for row in json.loads((tmp_path / "out.json").read_text()) if row["name"] == "agentLog"]
    assert found["num_requests"] == counted


def test_json_has_stdout_to_itself(documented: Backend, tmp_path: Path) -> None:
    ended = load(documented, tmp_path, "--json", "--no-report")
    assert {row["name"] for row in json.loads(ended.stdout)} >= {"agentLog", "taskStatusUpdate"}
    assert ended.stderr.splitlines()[-1].startswith(summary_of(tmp_path)["outcome"]["word"])


def test_users_can_be_configured_and_named(documented: Backend, tmp_path: Path) -> None:
    configured = '[{"user_class_name": "Viewer", "weight": 3}, {"user_class_name": "Churner", "weight": 1}]'
    load(documented, tmp_path, "--no-report", "--config-users", configured, "--", "Viewer", "Churner", "Publisher")
    by_class = summary_of(tmp_path)["users_by_class"]
    assert by_class == {"Viewer": 15, "Churner": 5, "Publisher": 4}


def test_failures_end_a_run_that_passed_with_the_code_that_was_asked_for(
    documented: Backend, tmp_path: Path
) -> None:
    objectives = tmp_path / "slo.toml"
    objectives.write_text('[[slo]]\nname = "any"\nfigure = "latency_p50_ms"\nbelow = 100000\n')
    players = ("--mix", "Viewer=9,AnonymousViewer", "--slo-file", str(objectives), "--no-report")
    ended = load(documented, tmp_path, *players, "--exit-code-on-error", "77")
    if (code := code_of(summary_of(tmp_path))) is ExitCode.PASSED:
        saw_failures = "# fails" in ended.stderr + ended.stdout and "Error report" in ended.stderr + ended.stdout
        assert ended.returncode == (77 if saw_failures else 0)
    else:
        assert ended.returncode == code


def test_without_workers_the_master_gives_up(documented: Backend, tmp_path: Path) -> None:
    ended = load(
        *(documented, tmp_path, "--master", "--expect-workers", "2", "--expect-workers-max-wait", "2"),
        *("--master-bind-port", str(free_port())),
    )
    assert ended.returncode == 1
    assert "Gave up waiting for workers" in ended.stderr
    assert users_in(documented) == 0


def test_otel_has_the_deliveries(documented: Backend, tmp_path: Path) -> None:
    exporters = {f"OTEL_{what}_EXPORTER": "none" for what in ("TRACES", "LOGS")}
    size = ["-u", "14", "-r", "100", "-t", "5s", "--rooms", "1", "--results-dir", str(tmp_path), "--no-report"]
    ended = run_locust(
        *(documented.url, *size, "--otel"),
        environment=documented.by_sql
        | exporters
        | {"OTEL_METRICS_EXPORTER": "console", "OTEL_METRIC_EXPORT_INTERVAL": "1000"},
    )
    summary = summary_of(tmp_path)
    assert "OpenTelemetry enabled" in ended.stderr
    last = ended.stdout[ended.stdout.rindex('"resource_metrics"') :]
    assert '"loadtest.delivery.latency"' in last
    for name in ("loadtest.deliveries", "loadtest.connected_clients", "loadtest.validity"):
        assert f'"{name}"' in ended.stdout
    assert summary["latency_ms"]["agentLog"]["count"] > 0


# The web page's own switches


@pytest.fixture
def page(documented: Backend, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """A Locust with a web page and more switches: (process, url)."""
    options = ("--results-dir", str(tmp_path), "--no-report", *request.param)
    with web_page(documented.url, tmp_path / "log", *options, environment=documented.by_sql) as found:
        yield found


def post(pool: urllib3.PoolManager, url: str, **form: str) -> dict[str, Any]:
    found: dict[str, Any] = pool.request("POST", url, fields=form, encode_multipart=False).json()
    return found


def counted_now(pool: urllib3.PoolManager, url: str) -> int:
    """Deliveries in Locust's statistics; what its page is given may be two seconds old."""
    rows = csv.DictReader(pool.request("GET", f"{url}/stats/requests/csv").data.decode().splitlines())
    return sum(int(row["Request Count"]) for row in rows if row["Name"] == "agentLog")


@pytest.mark.parametrize(
    "page", [["--autostart", "--autoquit", "2", "-u", "14", "-r", "50", "-t", "4s", "--rooms", "1"]], indirect=True
)
def test_autostart_and_autoquit(page: tuple[subprocess.Popen[str], str], tmp_path: Path) -> None:
    process, _ = page
    code = process.wait(60)
    summary = summary_of(tmp_path)
    is_whole(summary)
    assert code == code_of(summary)


@pytest.mark.parametrize("page", [["--class-picker", "--stop-timeout", "5"]], indirect=True)
def test_classes_are_picked_and_the_statistics_reset(
    page: tuple[subprocess.Popen[str], str], documented: Backend, tmp_path: Path
) -> None:
    _, url = page
    with urllib3.PoolManager(retries=urllib3.Retry(40, backoff_factor=0.1)) as pool:
        assert "Viewer" in pool.request("GET", url).data.decode()
        form = [("user_count", "14"), ("spawn_rate", "100"), ("host", documented.url), ("rooms", "1")]
        form += [("user_classes", name) for name in ("Viewer", "Publisher")]
        body = "&".join(f"{key}={value}" for key, value in form)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert pool.request("POST", f"{url}/swarm", body=body, headers=headers).json()["success"]
        until(lambda: state(pool, url) == "running" and deliveries(pool, url) > 20)
        before = counted_now(pool, url)
        assert pool.request("POST", f"{url}/stats/reset").data == b"ok"
        assert counted_now(pool, url) < before
        until(lambda: counted_now(pool, url) > 0)
        assert post(pool, f"{url}/stop")["success"]
        until(lambda: state(pool, url) == "stopped")
        last = counted_now(pool, url)
    summary = summary_of(tmp_path)
    assert summary["users_by_class"] == {"Viewer": 10, "Publisher": 4}
    is_whole(summary)  # our own accounts know nothing of a reset
    assert 0 < last < summary["latency_ms"]["agentLog"]["count"]


# More than one address


def test_users_are_dealt_out_to_several_hosts(tmp_path: Path) -> None:
    backend = start_backend("documented", "--host", "0.0.0.0")
    port = int(backend.url.rsplit(":", 1)[1])
    hosts = [f"http://127.0.0.{last}:{port}" for last in (1, 2)]
    most: Counter[str] = Counter()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.3):
            ends = (one.raddr for one in psutil.net_connections("tcp4") if one.status == psutil.CONN_ESTABLISHED)
            now = Counter(end.ip for end in ends if end and end.port == port)
            most.update({ip: max(count - most[ip], 0) for ip, count in now.items()})

    looking = threading.Thread(target=look)
    looking.start()
    try:
        size = ["-u", "44", "-r", "100", "-t", "6s", "--rooms", "1", "--results-dir", str(tmp_path), "--no-report"]
        run_locust(",".join(hosts), *size, environment=backend.by_sql)
    finally:
        ended.set()
        looking.join()
        backend.stop()
    summary = summary_of(tmp_path)
    is_whole(summary)
    assert summary["target"] == ",".join(hosts)
    assert most["127.0.0.2"] >= 20  # half of the viewers


def test_metrics_are_served_without_a_web_page(documented: Backend, tmp_path: Path) -> None:
    port = free_port()
    size = ["-u", "24", "-r", "100", "-t", "12s", "--rooms", "1", "--results-dir", str(tmp_path), "--no-report"]
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--headless", "--only-summary"]
    process = subprocess.Popen(
        [*command, "--host", documented.url, *size, "--metrics-port", str(port)],
        cwd=ROOT,
        env=locust_environment() | documented.by_sql,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with urllib3.PoolManager(retries=urllib3.Retry(40, backoff_factor=0.1)) as pool:

            def scraped() -> str:
                return pool.request("GET", f"http://127.0.0.1:{port}/metrics").data.decode()

            owed = 'loadtest_deliveries{event="agentLog",outcome="expected",room_class="20–99"}'
            until(
                lambda: any(line.startswith(owed) and not line.endswith(" 0.0") for line in scraped().split("\n"))
            )
            assert 'loadtest_validity{verdict="valid"}' in scraped()
            assert pool.request("GET", f"http://127.0.0.1:{port}/").status == 404
        process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        taken = str(holder.getsockname()[1])
        refused = locust("--headless", "--metrics-port", taken, "--host", documented.url, "-t", "1s")
    assert refused.returncode == ExitCode.USAGE
    assert "cannot be served" in refused.stderr
