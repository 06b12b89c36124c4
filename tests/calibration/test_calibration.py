"""The meter against a backend that does known wrong; and the comparison itself, which has to be able to fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from calibration.__main__ import run_case
from calibration.cases import compare


def fault(kind: str, event: str = "taskStatusUpdate", what: str = "FAILED") -> str:
    return json.dumps({"fault": kind, "room": "r", "member": "m", "event": event, "what": what})


LOG = [
    fault("drop"),
    fault("mute"),
    fault("corrupt", "agentLog", "~trace~"),
    fault("duplicate"),
    fault("leak"),
    fault("hold"),
    fault("hold"),
    fault("release"),
    fault("drop", "agentLog", "no trace, so nobody can miss it"),
]


def summary(**changed: int) -> dict[str, Any]:
    deliveries = {"expected": 180, "delivered": 176, "lost": 4, "duplicate": 1, "leaked": 1, "corrupt": 1}
    deliveries |= {"reordered": 1, "reorder_extent": 1, "missed_offline": 0, "foreign": 0}
    return {"deliveries": deliveries | changed, "triggers": {"sent": 10}}


def test_a_meter_that_says_what_was_done_passes() -> None:
    assert all(row.passed for row in compare("x", LOG, summary(), 6))


@pytest.mark.parametrize(
    "quantity", ["expected", "delivered", "lost", "duplicate", "leaked", "corrupt", "reordered"]
)
def test_a_meter_that_is_off_by_one_fails(quantity: str) -> None:
    off = summary(**{quantity: summary()["deliveries"][quantity] + 1})
    assert [row.quantity for row in compare("x", LOG, off, 6) if not row.passed] == [quantity]


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "workers"), [("documented", 1), ("as-built", 3)])
def test_everything_at_once_is_measured_exactly(
    profile: str, workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCUST_SKIP_MONKEY_PATCH", raising=False)  # is for pytest's own process alone
    rows = run_case("all", profile, workers, tmp_path, seconds=5)
    assert [row.to_json() for row in rows if not row.passed] == []
    assert {row.quantity for row in rows if row.truth} == {
        *("expected", "lost", "duplicate", "leaked", "corrupt", "delivered")
    }
