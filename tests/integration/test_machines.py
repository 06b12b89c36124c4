"""Workers on several machines: cut off and restored, standing still, and with clocks that are wrong."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from demo.processes import free_port

from ..support import ROOT, locust_environment, start_backend, summary_of, until
from .machines import HUB_ADDRESS, may_make_namespaces, network, wrong_clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow
LOCUST = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py")]


@contextmanager
def running(
    commands: list[tuple[list[str], dict[str, str]]], log: Path
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes with their environments; none is left."""
    processes = []
    with log.open("wb") as output:
        try:
            for command, environment in commands:
                processes.append(
                    subprocess.Popen(
                        command, cwd=ROOT, env=locust_environment() | environment, stdout=output, stderr=output
                    )
                )
            yield processes
        finally:
            for process in processes:
                if process.poll() is None:
                    process.send_signal(signal.SIGCONT)
                    process.kill()
                process.wait()


def master_of(backend: Backend, results: Path, port: int, workers: int, seconds: int) -> list[str]:
    size = ["-u", "26", "-r", "100", "-t", f"{seconds}s", "--rooms", "2", "--publishers", "2", "--rate", "20"]
    return [
        *(*LOCUST, "--master", "--headless", "--only-summary", "--no-report", "--expect-workers", str(workers)),
        *("--master-bind-port", str(port), "--host", backend.url, "--results-dir", str(results), *size),
    ]


def worker_of(address: str, port: int) -> list[str]:
    return [*LOCUST, "--worker", "--master-host", address, "--master-port", str(port)]


def until_publishing(log: Path) -> None:
    until(lambda: "latency p50" in log.read_text("utf-8"), told=lambda: log.read_text("utf-8")[-3000:])


def workers_in(results: Path) -> list[dict[str, str]]:
    with (results / "latest" / "workers.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def came_back_and_counted(summary: dict[str, Any], results: Path) -> None:
    """Nothing is missing, and the verdict says that somebody was away."""
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] > 0
    # A trigger that was on its way when the cable was pulled may not have reached the backend, and is owed to all.
    assert deliveries["lost"] == summary["triggers"]["failed"] * 12 * 3
    assert (deliveries["foreign"], deliveries["leaked"], deliveries["unowed"]) == (0, 0, 0)
    assert any("nothing was heard for a while of worker" in reason for reason in summary["validity"]["reasons"])
    assert not any("differ" in reason or "never" in reason for reason in summary["validity"]["reasons"])
    away = [float(row["away_s"]) for row in workers_in(results)]
    assert sum(away_s > 4 for away_s in away) == 1, away


def test_a_worker_that_stands_still_and_comes_back(documented: Backend, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    master = master_of(documented, tmp_path, port, 2, 24)
    worker = (worker_of("127.0.0.1", port), {})
    with running([(master, documented.by_sql), worker, worker], log) as (leading, first, _):
        until_publishing(log)
        first.send_signal(signal.SIGSTOP)
        time.sleep(6)
        first.send_signal(signal.SIGCONT)
        leading.wait(90)
    summary = summary_of(tmp_path)
    came_back_and_counted(summary, tmp_path)
    # The fault was ours, and is shown as such.
    assert summary["generator_delay_ms"]["max"] > 4000
    assert summary["validity"]["verdict"] == "invalid"


def test_a_worker_that_is_cut_off_and_restored(tmp_path: Path) -> None:
    if not may_make_namespaces():
        assert "CI" not in os.environ
        pytest.skip("network namespaces need root")
    log = tmp_path / "log"
    with network(2) as net:
        backend = start_backend("documented", "--host", HUB_ADDRESS, prefix=net.command(net.hub))
        try:
            master = net.command(net.hub, *master_of(backend, tmp_path, 5557, 2, 30))
            workers = [(net.command(machine, *worker_of(HUB_ADDRESS, 5557)), {}) for machine in net.others]
            with running([(master, backend.by_sql), *workers], log) as (leading, *_):
                until_publishing(log)
                net.cut_off(0)
                time.sleep(6)
                net.restore(0)
                leading.wait(90)
        finally:
            backend.stop()
    summary = summary_of(tmp_path)
    came_back_and_counted(summary, tmp_path)
    # The network held up what was under way, and that is in the latencies.
    assert max(times["max"] for times in summary["latency_ms"].values()) > 4000
    assert summary["generator_delay_ms"]["p99"] < 1000


@pytest.mark.needs("nft")
@pytest.mark.parametrize(("percent", "for_s"), [(100, 5.0), (20, 12.0)], ids=["a partition", "packets lost"])
def test_packets_that_get_lost_between_one_worker_and_the_backend(
    tmp_path: Path, percent: int, for_s: float
) -> None:
    """The kernel drops them, and TCP sends them again: nothing is missing, and the time that it took is told."""
    if not may_make_namespaces():
        assert "CI" not in os.environ
        pytest.skip("network namespaces need root")
    log = tmp_path / "log"
    with network(2) as net:
        backend = start_backend("documented", "--host", HUB_ADDRESS, prefix=net.command(net.hub))
        port = int(backend.url.rpartition(":")[2])
        try:
            master = net.command(net.hub, *master_of(backend, tmp_path, 5557, 2, 30))
            workers = [(net.command(machine, *worker_of(HUB_ADDRESS, 5557)), {}) for machine in net.others]
            with running([(master, backend.by_sql), *workers], log) as (leading, *_):
                until_publishing(log)
                net.drop(0, port, percent)
                time.sleep(for_s)
                net.drop(0, port, 0)
                leading.wait(90)
        finally:
            backend.stop()
    summary = summary_of(tmp_path)
    deliveries = summary["deliveries"]
    # A trigger whose answer was lost for too long has failed, and is owed all the same; its broadcasts came.
    assert deliveries["lost"] <= summary["triggers"]["failed"] * 12 * 3
    assert deliveries["delivered"] > 0
    assert deliveries["leaked"] == deliveries["duplicate"] == 0
    assert summary["connections"]["lost"] == 0
    assert all(float(row["away_s"]) == 0 for row in workers_in(tmp_path)), "the master heard both all the time"
    slowest_ms = max(times["max"] for times in summary["latency_ms"].values())
    assert slowest_ms > (0.8 * for_s * 1000 if percent == 100 else 150), "at least the kernel's time to send again"
    assert summary["generator_delay_ms"]["p99"] < 1000, "and it is not the generator's"


def test_clocks_that_are_wrong_and_drift(documented: Backend, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    clocks: list[dict[str, str]] = [{}, wrong_clock(tmp_path, 7.5, 1.0002), wrong_clock(tmp_path, -30.0)]
    workers = [(worker_of("127.0.0.1", port), clock) for clock in clocks]
    with running([(master_of(documented, tmp_path, port, 3, 20), documented.by_sql), *workers], log) as (
        leading,
        *_,
    ):
        leading.wait(90)
    summary = summary_of(tmp_path)
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0
    assert (deliveries["lost"], deliveries["leaked"], deliveries["unowed"]) == (0, 0, 0)
    assert summary["clocks"]["number"] == 3
    assert summary["receive_clock"] == "kernel and user-space"
    bound_ms = summary["clocks"]["bound_ms"]
    assert bound_ms["count"] == sum(times["count"] for times in summary["latency_across_clocks_ms"].values())
    assert 0 < bound_ms["p50"] < 50
    assert summary["clocks"]["steps"] == 0
    assert not any("came before they were due" in reason for reason in summary["validity"]["reasons"]), str(
        summary["validity"]
    )
    across = summary["latency_across_clocks_ms"]["agentLog"]
    everything = summary["latency_ms"]["agentLog"]
    # Two of three clocks have a publisher, so that two thirds of the deliveries cross.
    assert 0.5 < across["count"] / everything["count"] < 0.8
    # A second wrong, and nearly all would be at least a second late, or early.
    assert 0 < across["p50"] < 1000
    rows = {round(float(row["offset_ms"]) / 1000, 1): float(row["drift_ppm"]) for row in workers_in(tmp_path)}
    assert sorted(rows) == [-7.5, 0.0, 30.0]
    assert rows[-7.5] < -100
    assert abs(rows[30.0]) < 100
