"""The figures of the sizing page: by hand, and small from real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from lab.bench.sizing_figures import Point, knee

from ..support import ROOT

POINT = Point(
    users=1000,
    deliveries_per_s=1000.0,
    connects_per_s=900.0,
    connect_ms=0.8,
    kb=19.0,
    rss_mb=100.0,
    idle_percent=0.5,
    cpu_percent=2.0,
    delivery_us=12.0,
    delay_p99_ms=1.0,
    sent_again=0,
    whole=True,
)


def test_the_knee_is_the_last_point_at_which_a_run_is_not_suspect() -> None:
    points = [
        replace(POINT, deliveries_per_s=1000.0 * number, delay_p99_ms=8.0 * number) for number in (1, 2, 3, 4)
    ]
    assert knee(points).deliveries_per_s == 3000.0
    assert knee(points[:2]).deliveries_per_s == 2000.0


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.needs("node")
@pytest.mark.usefixtures("bench_server")
def test_it_measures_and_says_so() -> None:
    command = [sys.executable, "-m", "lab.bench.sizing", "--users", "200", "--rate-users", "500", "--seconds", "2"]
    done = subprocess.run([*command, "--dry"], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    kinds = [line.partition(": ")[0] for line in done.stderr.splitlines()]
    points = [json.loads(line.partition(": ")[2]) for line in done.stderr.splitlines()]
    assert kinds[:3] == ["measured", "audience", "measured"]
    assert all(point["whole"] and point["sent_again"] == 0 for point in points)
    assert points[0]["users"] == points[1]["users"] == 200
    rates = [point["deliveries_per_s"] for point in points[2:]]
    assert rates == sorted(rates)
    assert "deliveries a second, at " in done.stdout
