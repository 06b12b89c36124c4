from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loadtest.measurement.summary import with_outcome
from loadtest.reports import trend_page
from loadtest.reports.schema import RecordError, complete
from loadtest.reports.trend import OPTIONS, Trend, series_of, trend
from loadtest.run.options import option_table

from ..measurement.runs import fleet_of
from ..support import ROOT
from .browser import assert_looks_good
from .checked_html import check
from .records import write

FIRST = datetime(2026, 9, 1, 2, tzinfo=UTC)


def history(folder: Path, nights: int = 30, *, gap: range = range(0), shift_at: int = 99) -> Path:
    """A record a night, from one that was really written."""
    template = json.loads((write(folder / "one", fleet_of(calm=True), objectives=[]) / "summary.json").read_text())
    results = folder / "results"
    rng = random.Random(1)
    for night in sorted(set(range(nights)) - set(gap)):
        factor = rng.gauss(1, 0.02) * (1.2 if night >= shift_at else 1)
        started = FIRST + timedelta(days=night)
        summary = json.loads(json.dumps(template))
        summary |= {"run_id": f"night-{night:02}", "started": started.isoformat().replace("+00:00", "Z")}
        for quantile in ("p50", "p99"):
            summary["latency_ms"]["agentLog"][quantile] *= factor
        if night == 5:
            summary["validity"] = {"verdict": "invalid", "reasons": ["x"], "doubts": [], "by_overload": True}
            summary["latency_ms"]["agentLog"]["p50"] = 900.0
        if night == 7:
            summary["validity"] = {"verdict": "suspect", "reasons": ["x"], "doubts": [], "by_overload": True}
        summary = with_outcome(summary)
        where = results / summary["run_id"]
        where.mkdir(parents=True)
        (where / "summary.json").write_text(json.dumps(summary))
    (results / "latest").symlink_to(f"night-{nights - 1:02}")
    return results


def read(results: Path) -> Trend:
    return trend(results, np.random.default_rng(1))


def test_a_change_and_a_gap_are_found(tmp_path: Path) -> None:
    found = read(history(tmp_path, gap=range(10, 14), shift_at=20))
    (series,) = found.series
    assert len(series.runs) == 26
    changed = {
        figure.column: [series.runs["run_id"][point.at] for point in figure.changes] for figure in series.figures
    }
    assert changed["agentLog p50"] == changed["agentLog p99"] == ["night-20"]
    assert not changed["connect p99"]
    (gap,) = series.gaps
    assert (gap[1] - gap[0]) == timedelta(days=5)


def test_without_a_change_there_is_none(tmp_path: Path) -> None:
    (series,) = read(history(tmp_path)).series
    assert not any(figure.changes for figure in series.figures)
    assert not series.gaps


def test_another_load_is_another_series(tmp_path: Path) -> None:
    results = history(tmp_path, nights=9)
    file = results / "night-08" / "summary.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"users": 7}))
    assert [len(series.runs) for series in read(results).series] == [8, 1]


def test_whatever_makes_another_load_makes_another_series() -> None:
    """Whose defaults are those of the options, so that a run that was asked for them is as one that was not."""
    defaults: dict[str, object] = {}
    option_table.all_of(
        lambda name, _, **more: defaults.setdefault(name.removeprefix("--").replace("-", "_"), more["default"])
    )
    # As a record has them.
    ours = {name: json.loads(json.dumps(value)) for name, value in defaults.items() if name in OPTIONS}
    assert ours.keys() == OPTIONS.keys() - {"tags", "exclude_tags"}, "but for Locust's own"

    def series(**options: object) -> str:
        return series_of(complete({"schema": 2, "target": "x", "profile": "p", "options": options}, "")[0])

    assert series(**ours, tags=None, exclude_tags=None) == series()
    changed = {name: series(**{**ours, name: "another"}) for name in OPTIONS}
    assert len({*changed.values(), series()}) == len(OPTIONS) + 1
    assert changed["room_skew"] == f"{series()}, room skew another"
    assert series(backend="backend.prometheus") == series(backend="prometheus"), "as older records name it"


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("https://Staging.example.org", "staging.example.org"),
        ("http://staging.example.org:3000", "staging.example.org:3000"),
        ("http://[2001:db8::1]:3000", "[2001:db8::1]:3000"),
        ("http://one.example:3000, http://two.example:3000", "one.example:3000 + two.example:3000"),
        # A reference backend takes any free port, and is the same one every night.
        ("http://127.0.0.1:43211", "127.0.0.1"),
        ("http://localhost:43211", "localhost"),
        ("http://[::1]:43211", "::1"),
        ("http://127.0.0.1:43211,http://127.0.0.1:43212", "127.0.0.1"),
        ("unknown", "unknown"),
    ],
)
def test_two_backends_on_one_host_are_two_series(target: str, name: str) -> None:
    summary = complete({"schema": 2, "target": target, "profile": "as-built"}, "")[0]
    assert series_of(summary).startswith(f"{name} (as-built), ")


def test_what_is_no_record_is_named_and_left_out(tmp_path: Path) -> None:
    results = history(tmp_path, nights=9)
    (results / "night-03" / "summary.json").write_text("{")
    (results / "night-04" / "summary.json").write_text('{"schema": 99}')
    (results / "other").mkdir()
    found = read(results)
    assert len(found.left_out) == 2
    assert len(found.series[0].runs) == 7


def test_a_folder_without_records(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="has no record"):
        read(tmp_path)
    with pytest.raises(RecordError, match="cannot read"):
        read(tmp_path / "none")


@pytest.mark.slow
def test_the_command_makes_a_page_and_a_table(tmp_path: Path) -> None:
    results = history(tmp_path, shift_at=20)
    command = [sys.executable, "-W", "error", "-m", "loadtest.reports", "trend", str(results)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "changed: agentLog p50 with night-20" in ended.stdout
    check((results / "trend.html").read_text())
    assert len(pd.read_csv(results / "trend.csv")) == 30


@pytest.mark.needs("chromium")
@pytest.mark.slow
@pytest.mark.parametrize("width", [1000, 390])
@pytest.mark.parametrize("nights", [1, 3, 30, 200])
def test_its_pictures(tmp_path: Path, width: int, nights: int) -> None:
    found = read(history(tmp_path, nights, gap=range(10, 14), shift_at=20))
    page = trend_page.page(found, "results")
    assert_looks_good(page, tmp_path, width, pictures=page.count('<div class="wide">'))
