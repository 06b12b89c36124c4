"""A run, what it left, and what its page says meanwhile."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from ..support import run_locust, start_backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support import Backend


def load(backend: Backend, results: Path, *more: str, users: int = 24) -> subprocess.CompletedProcess[str]:
    size = ["-u", str(users), "-r", "100", "-t", "5s", "--rooms", "1", "--results-dir", str(results)]
    return run_locust(backend.url, *size, *more, environment=backend.by_sql)


def load_as(adapter: str, backend: Backend, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run against a backend as an adapter of one's own knows it; the record goes to `folder / "results"`.

    :param adapter: the text of its module.
    """
    (folder / "own_adapter.py").write_text(adapter, encoding="utf-8")
    return run_locust(
        backend.url,
        *("--backend", "own_adapter", "-r", "100", "-t", "8s", "--no-report"),
        *("--results-dir", str(folder / "results"), *more),
        environment={**backend.by_sql, "PYTHONPATH": str(folder)},
    )


@contextmanager
def running_backend(profile: str, *more: str) -> Iterator[Backend]:
    """A backend without a throttle, as long as it is wanted."""
    started = start_backend(profile, "--throttle-limit", "0", *more)
    try:
        yield started
    finally:
        started.stop()


def projects_in(backend: Backend) -> int:
    count: int = backend.sql("SELECT count(*) FROM projects")[0][0]
    return count


def users_in(backend: Backend) -> int:
    count: int = backend.sql("SELECT count(*) FROM users WHERE email LIKE 'lt-%%'")[0][0]
    return count


def is_whole(summary: dict[str, Any]) -> None:
    """Every broadcast that was owed arrived, and was timed."""
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0
    for kind in ("lost", "missed_offline", "duplicate", "leaked", "corrupt", "foreign"):
        assert deliveries[kind] == 0, kind
    started = summary["untraced"]["agentLog status IN_PROGRESS"]
    assert started["received"] >= started["expected"] > 0
    assert len(summary["untraced"]) > 1
    for event in ("agentLog", "taskStatusUpdate"):
        times = summary["latency_ms"][event]
        assert times["count"] > 0
        assert 0 < times["p50"] <= times["p90"] <= times["p99"] <= times["p999"] <= times["max"]
    assert summary["triggers"]["sent"] == summary["triggers"]["due"] > 0


def state(pool: urllib3.PoolManager, page: str) -> str:
    found: str = json.loads(pool.request("GET", f"{page}/stats/requests").data)["state"]
    return found


def deliveries(pool: urllib3.PoolManager, page: str) -> int:
    rows = json.loads(pool.request("GET", f"{page}/stats/requests").data)["stats"]
    return sum(row["num_requests"] for row in rows if row["name"] == "agentLog")
