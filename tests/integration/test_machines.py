"""Workers on several machines: cut off and restored, standing still, and with clocks that are wrong."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.processes import free_port

from ..support import csv_rows, start_backend, summary_of
from .fleets import fleet, master_of, running, until_publishing, worker_of
from .machines import HUB_ADDRESS, may_make_namespaces, network, wrong_clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..support import Backend
    from .machines import Network

pytestmark = pytest.mark.slow
SIZE = ["-u", "26", "-r", "100", "--rooms", "2", "--publishers", "2", "--rate", "20", "--no-report"]
FOR_S = 6.0


@contextmanager
def two_machines(results: Path) -> Iterator[tuple[Network, Backend]]:
    """A run on two machines and a hub, from when it publishes on; it has ended by itself afterwards."""
    if not may_make_namespaces():
        assert "CI" not in os.environ
        pytest.skip("network namespaces need root")
    with network(2) as net:
        backend = start_backend("documented", "--host", HUB_ADDRESS, prefix=net.command(net.hub))
        try:
            master = net.command(net.hub, *master_of(5557, backend.url, results, *SIZE, "-t", "30s"))
            workers = [net.command(machine, *worker_of(5557, HUB_ADDRESS)) for machine in net.others]
            with running((master, backend.by_sql), *((worker, {}) for worker in workers)) as (leading, *_):
                until_publishing(leading)
                yield net, backend
                leading.communicate(timeout=90)
        finally:
            backend.stop()


def came_back_and_counted(summary: dict[str, Any], results: Path) -> None:
    """Nothing is missing, and the verdict says that somebody was away."""
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] > 0
    # A trigger that was on its way when the cable was pulled may not have reached the backend, and is owed to all.
    assert deliveries["lost"] == summary["triggers"]["failed"] * 12 * 2
    assert (deliveries["foreign"], deliveries["leaked"], deliveries["unowed"]) == (0, 0, 0)
    assert any("sent no reports for a while" in reason for reason in summary["validity"]["reasons"])
    assert not any("differ" in reason or "never" in reason for reason in summary["validity"]["reasons"])
    away = [float(row["away_s"]) for row in csv_rows(results, "workers")]
    assert sum(away_s > 4 for away_s in away) == 1, away


def test_a_worker_that_stands_still_and_comes_back(documented: Backend, tmp_path: Path) -> None:
    with fleet(documented, tmp_path, *SIZE, "-t", "24s") as (leading, first, _):
        until_publishing(leading)
        first.send_signal(signal.SIGSTOP)
        time.sleep(FOR_S)
        first.send_signal(signal.SIGCONT)
        leading.communicate(timeout=90)
    summary = summary_of(tmp_path)
    came_back_and_counted(summary, tmp_path)
    # The fault was ours, and is shown as such.
    assert summary["generator_delay_ms"]["max"] > 4000
    assert summary["validity"]["verdict"] == "invalid"


def test_a_worker_that_is_cut_off_and_restored(tmp_path: Path) -> None:
    with two_machines(tmp_path) as (net, _):
        net.cut_off(0)
        time.sleep(FOR_S)
        net.restore(0)
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
    with two_machines(tmp_path) as (net, backend):
        port = int(backend.url.rpartition(":")[2])
        net.drop(0, port, percent)
        time.sleep(for_s)
        net.drop(0, port, 0)
    summary = summary_of(tmp_path)
    deliveries = summary["deliveries"]
    # A trigger whose answer was lost for too long has failed, and is owed all the same; its broadcasts came.
    assert deliveries["lost"] <= summary["triggers"]["failed"] * 12 * 3
    assert deliveries["delivered"] > 0
    assert deliveries["leaked"] == deliveries["duplicate"] == 0
    assert summary["connections"]["lost"] == 0
    assert all(float(row["away_s"]) == 0 for row in csv_rows(tmp_path, "workers")), (
        "the master heard both all the time"
    )
    slowest_ms = max(times["max"] for times in summary["latency_ms"].values())
    assert slowest_ms > (0.8 * for_s * 1000 if percent == 100 else 150), "at least the kernel's time to send again"
    assert summary["generator_delay_ms"]["p99"] < 1000, "and it is not the generator's"


def test_clocks_that_are_wrong_and_drift(documented: Backend, tmp_path: Path) -> None:
    port = free_port()
    master = master_of(port, documented.url, tmp_path, *SIZE, "-t", "20s", workers=3)
    clocks: list[dict[str, str]] = [{}, wrong_clock(tmp_path, 7.5, 1.0002), wrong_clock(tmp_path, -30.0)]
    workers = [(worker_of(port), clock) for clock in clocks]
    with running((master, documented.by_sql), *workers) as (leading, *_):
        leading.communicate(timeout=90)
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
    rows = {
        round(float(row["offset_ms"]) / 1000, 1): float(row["drift_ppm"]) for row in csv_rows(tmp_path, "workers")
    }
    assert sorted(rows) == [-7.5, 0.0, 30.0]
    assert rows[-7.5] < -100
    assert abs(rows[30.0]) < 100
