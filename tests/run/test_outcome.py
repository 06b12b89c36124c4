"""Exit codes, the terminal's text, and what Locust's own statistics are fed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from locust.stats import RequestStats

from exit_codes import ExitCode, of_summary
from run import locust_stats
from run.console import summary_text

TIMES: dict[str, Any] = {"count": 2, "mean": 1.0, "p50": 1.0, "p90": 2.0, "p99": 2.0, "p999": 2.0, "max": 2.0}
EMPTY: dict[str, Any] = {
    "count": 0,
    "mean": None,
    "p50": None,
    "p90": None,
    "p99": None,
    "p999": None,
    "max": None,
}


def summary(verdict: str = "valid", passed: tuple[bool | None, ...] = (True,)) -> dict[str, Any]:
    return {
        "run_id": "r",
        "target": "http://x",
        "profile": "documented",
        "users": 1,
        "workers": 1,
        "duration_s": 1.0,
        "validity": {"verdict": verdict, "reasons": [f"{verdict}: because"] if verdict != "valid" else []},
        "slo": [
            {
                "name": f"n{i}",
                "figure": "f",
                "phase": "",
                "comparison": "<",
                "limit": 1.0,
                "value": 0.5,
                "passed": p,
            }
            for i, p in enumerate(passed)
        ],
        "deliveries": dict.fromkeys(
            (
                *("expected", "delivered", "lost", "missed_offline", "replayed"),
                *("duplicate", "reordered", "leaked", "corrupt"),
            ),
            0,
        ),
        "triggers": dict.fromkeys(("due", "sent", "missed", "refused", "failed"), 0),
        "latency_ms": {"agentLog": TIMES},
        "latency_across_clocks_ms": {"agentLog": EMPTY},
        "fan_out_ms": TIMES,
        "connect_ms": EMPTY,
        "join_ms": TIMES,
        "failures": {f"reason {n}": n for n in range(20)},
        "conformance": [],
        "capacity": None,
        "conformance_holds": True,
        "lost_workers": 0,
        "findings": [],
        "canaries": [],
    }


@pytest.mark.parametrize(
    ("verdict", "passed", "code"),
    [
        ("valid", (True, None), ExitCode.PASSED),
        ("valid", (True, False), ExitCode.SLO_VIOLATED),
        ("suspect", (False,), ExitCode.RUN_SUSPECT),
        ("invalid", (False,), ExitCode.RUN_INVALID),
    ],
)
def test_exit_codes(verdict: str, passed: tuple[bool | None, ...], code: ExitCode) -> None:
    assert of_summary(summary(verdict, passed)) is code


def test_lost_workers_have_a_code_of_their_own() -> None:
    assert of_summary(summary("invalid", (False,)) | {"lost_workers": 1}) is ExitCode.LOST_WORKERS
    assert of_summary(summary("valid", (True,)) | {"lost_workers": 1}) is ExitCode.PASSED


def test_exit_codes_differ() -> None:
    assert len({int(code) for code in ExitCode}) == len(ExitCode)


def test_the_summary_fits_a_screen_and_names_its_verdict() -> None:
    text = summary_text(summary("invalid", (False,) * 6), Path("results/r"), Path("results/r/report.html"))
    assert len(text.splitlines()) <= 30
    assert "INVALID" in text
    assert "because" in text
    assert "not passed: the run is invalid" in text
    assert "results/r/report.html" in text


def test_locust_is_fed_real_times() -> None:
    stats = RequestStats()
    locust_stats.feed(stats, "agentLog", np.array([500, 147_000, 2_000]), 1000.5)
    locust_stats.feed(stats, "agentLog", np.array([8_000]), 1001.5)
    entry = stats.entries[("agentLog", "RECV")]
    assert (entry.num_requests, entry.min_response_time, entry.max_response_time) == (4, 0.5, 147.0)
    assert entry.total_response_time == 157.5
    assert dict(entry.response_times) == {0: 1, 150: 1, 2: 1, 8: 1}
    assert dict(entry.num_reqs_per_sec) == {1000: 3, 1001: 1}
    assert stats.total.num_requests == 4


def test_nothing_is_fed_where_nothing_came() -> None:
    stats = RequestStats()
    locust_stats.feed(stats, "agentLog", np.array([], dtype=np.int64), 1.0)
    assert not stats.entries


@pytest.mark.parametrize(
    ("verdict", "code"), [("valid", 7), ("suspect", 7), ("invalid", 5)], ids=["valid", "suspect", "invalid"]
)
def test_a_failed_check_is_said_unless_nothing_can_be_believed(verdict: str, code: int) -> None:
    assert of_summary(summary(verdict) | {"conformance_holds": False}) == code


def test_the_terminal_names_what_did_not_pass() -> None:
    row = {"scenario": "s", "check": "c", "evidence": "seen"}
    rows = [{**row, "outcome": outcome} for outcome in ("passed", "not supported", "failed", "skipped")]
    found = [{"severity": "high", "title": "a hole"}]
    text = summary_text(summary() | {"conformance": rows, "findings": found}, Path("x"), None)
    assert "1 passed, 1 not supported, 1 failed, 1 skipped" in text
    assert "FAILED: s: c (seen)" in text
    assert "SKIPPED: s: c (seen)" in text
    assert "high: a hole" in text
