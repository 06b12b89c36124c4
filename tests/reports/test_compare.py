"""Comparisons of simulated runs, many of them: what is the same must not differ, what is slower must be found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.big_record import make as simulate
from exit_codes import ExitCode
from measure.latency import counts_of, fold, new_histogram
from reports import compare_page
from reports.compare import BETTER, SAME, UNKNOWN, WORSE, Comparison, compare
from reports.intervals import Counts, Intervals
from reports.load import Record, load
from reports.schema import RecordError, upgrade

from ..support import ROOT
from .browser import assert_looks_good
from .checked_html import check

EVENTS = ("agentLog", "taskStatusUpdate")


@dataclass
class Known(Intervals):
    """Intervals that need not be decoded."""

    counts_at: dict[tuple[str, int], Counts] = field(default_factory=dict)

    def second(self, name: str, at_s: int) -> Counts | None:
        return self.counts_at[name, at_s].copy()


def run(
    rng: np.random.Generator,
    *,
    slower: float = 1.0,
    lost: float = 0.0,
    seconds: int = 240,
    run_to_run: float = 0.0,
    verdict: str = "valid",
    **facts: object,
) -> Record:
    """A run whose seconds hang together: each is slower or faster than usual for a while."""
    log = Known()
    drift, rows = 0.0, []
    usual = 8000 * slower * np.exp(run_to_run * rng.standard_normal())
    for at_s in range(seconds):
        drift = 0.9 * drift + 0.013 * rng.standard_normal()
        for event in EVENTS:
            histogram = new_histogram()
            fold(histogram, (usual * np.exp(drift) * rng.lognormal(0, 0.5, 200)).astype(np.int64))
            counts = counts_of(histogram)
            log.counts_at[event, at_s] = counts[: np.flatnonzero(counts)[-1] + 1].copy()
            log.encoded[event][at_s] = [b""]
        rows.append({"at_s": at_s, "owed": 400, "lost": rng.binomial(400, lost)})
    timeline = pd.DataFrame(rows)
    summary, _ = upgrade(
        {
            "schema": 2,
            "run_id": "r",
            "validity": {"verdict": verdict, "reasons": []},
            "latency_ms": {event: {"count": 200 * seconds, "p99": 20.0} for event in EVENTS},
            "deliveries": {"expected": int(timeline["owed"].sum()), "lost": int(timeline["lost"].sum())},
            **facts,
        },
        "x",
    )
    return Record(Path("nowhere"), summary, {"timeline": timeline}, log)


def compared(before: Sequence[Record], after: Sequence[Record]) -> Comparison:
    return compare(before, after, np.random.default_rng(1))


def words(found: Comparison) -> dict[str, str]:
    return {change.figure: change.word for change in found.changes}


@pytest.mark.slow
@pytest.mark.alone
def test_two_runs_of_the_same_thing_are_no_difference_and_a_tenth_is_found() -> None:
    rng = np.random.default_rng(1)
    pairs = 30
    runs = [run(rng) for _ in range(pairs + 1)]
    slower = [run(rng, slower=1.1) for _ in range(pairs)]
    false = found = backwards = 0
    for number in range(pairs):
        same = words(compared([runs[number]], [runs[number + 1]]))
        false += any(word in (BETTER, WORSE) for word in same.values())
        shifted = words(compared([runs[number]], [slower[number]]))
        found += shifted["agentLog p50"] == shifted["taskStatusUpdate p50"] == WORSE
        backwards += words(compared([slower[number]], [runs[number]]))["agentLog p50"] == BETTER
    assert false <= 3
    assert found >= 28
    assert backwards >= 28


@pytest.mark.slow
def test_runs_that_differ_among_themselves_need_several_a_side() -> None:
    rng = np.random.default_rng(2)
    false = found = 0
    for _ in range(12):
        sides = [[run(rng, run_to_run=0.03, seconds=60) for _ in range(4)] for _ in range(2)]
        false += any(word in (BETTER, WORSE) for word in words(compared(*sides)).values())
        slower = [run(rng, run_to_run=0.03, slower=1.25, seconds=60) for _ in range(4)]
        found += words(compared(sides[0], slower))["agentLog p50"] == WORSE
    assert false <= 2
    assert found >= 11


def test_losses_are_compared_too() -> None:
    rng = np.random.default_rng(3)
    none, some = run(rng, seconds=60), run(rng, seconds=60, lost=0.002)
    assert words(compared([none], [some]))["lost"] == WORSE
    assert words(compared([some], [none]))["lost"] == BETTER
    assert words(compared([none], [none]))["lost"] == SAME
    # There is no tolerance for losses.
    assert compared([none], [some]).worse_than(1000.0)


def test_what_is_tolerated_does_not_fail() -> None:
    rng = np.random.default_rng(4)
    found = compared([run(rng, seconds=120)], [run(rng, slower=1.3, seconds=120)])
    assert found.worse_than(5.0)
    assert not found.worse_than(60.0)


def test_a_run_that_is_too_short_says_so() -> None:
    rng = np.random.default_rng(5)
    assert set(words(compared([run(rng, seconds=20)], [run(rng, seconds=20)])).values()) == {UNKNOWN}


def test_what_cannot_be_trusted_is_left_out() -> None:
    rng = np.random.default_rng(6)
    valid, suspect = run(rng, seconds=30, run_id="v"), run(rng, seconds=30, run_id="s", verdict="suspect")
    invalid = run(rng, seconds=30, run_id="i", verdict="invalid")
    found = compared([valid, suspect, invalid], [suspect])
    assert len(found.before) == 1
    assert found.before[0] is valid
    assert "i is invalid, and left out" in found.notes
    assert "s is suspect, and left out" in found.notes
    assert "s is suspect, and there is no valid run beside it" in found.notes
    with pytest.raises(RecordError, match="no run of the side after is valid"):
        compared([valid], [invalid])


def test_what_was_not_alike_is_listed() -> None:
    rng = np.random.default_rng(7)
    lag = {"generator_delay_ms": {"p99": 0.4}}
    slow = {"generator_delay_ms": {"p99": 4.0}}
    one = run(rng, seconds=30, rooms=5, options={"shape": "", "rate": 5}, software={"locust": "1"}, **lag)
    other = run(rng, seconds=30, rooms=6, options={"shape": "soak", "rate": 5}, software={"locust": "2"}, **slow)
    notes = "\n".join(compared([one], [other]).notes)
    assert "rooms: 5 before, 6 after" in notes
    assert "--shape:  before, soak after" in notes
    assert "locust: 1 before, 2 after" in notes
    assert "own delay p99 0.4 ms before, 4 ms after" in notes
    assert "rate" not in notes


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("two")
    return simulate(folder, 200, 2, seed=1), simulate(folder, 200, 2, seed=2, slower=1.4)


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-W", "error", "-m", "reports", "compare", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_the_command_says_so_by_its_exit_code(two: tuple[Path, Path], tmp_path: Path) -> None:
    worse = command(*two, "--out", tmp_path / "c.html")
    assert worse.returncode == ExitCode.WORSE, worse.stderr
    assert "agentLog p50" in worse.stdout
    check((tmp_path / "c.html").read_text())
    assert command(two[0], two[0]).returncode == ExitCode.PASSED
    assert (two[0] / "compare.html").exists()
    assert command(*two, "--tolerance", 500, "--out", tmp_path / "c.html").returncode == ExitCode.PASSED
    assert command(two[1], two[0], "--out", tmp_path / "c.html").returncode == ExitCode.PASSED


@pytest.mark.slow
def test_a_comparison_with_an_old_record_has_its_numbers(two: tuple[Path, Path], tmp_path: Path) -> None:
    from .records import SCHEMA_1

    old = Path(shutil.copytree(SCHEMA_1, tmp_path / "old"))
    ended = command(old, two[0], "--out", tmp_path / "c.html")
    assert ended.returncode == ExitCode.PASSED, ended.stderr
    assert UNKNOWN in ended.stdout


@pytest.mark.needs("chromium")
@pytest.mark.slow
@pytest.mark.parametrize("width", [1000, 390])
def test_its_pictures(two: tuple[Path, Path], tmp_path: Path, width: int) -> None:
    page = compare_page.page(compared([load(two[0])], [load(two[1])]), 5.0)
    assert_looks_good(page, tmp_path, width, pictures=5)
