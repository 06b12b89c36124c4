"""Comparisons of simulated runs, many of them: what is the same must not differ, what is slower must be found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lab.bench.big_record import make as simulate
from loadtest.exit_codes import ExitCode
from loadtest.measurement.latency import counts_of, fold, new_histogram
from loadtest.measurement.outcome import JudgedRun, outcome_of
from loadtest.measurement.validity import Verdict
from loadtest.reports import compare_page
from loadtest.reports.compare import Comparison, ComparisonOutcome, compare
from loadtest.reports.intervals import Counts, Intervals
from loadtest.reports.load import Record, load
from loadtest.reports.schema import RecordError, complete
from loadtest.reports.significance import Change, ChangeWord

from ..measurement.runs import fleet_of
from ..support import ROOT
from .browser import assert_looks_good
from .checked_html import check
from .records import write

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
    summary, _ = complete(
        {
            "schema": 2,
            "run_id": "r",
            "interrupted": False,
            "validity": {"verdict": verdict, "reasons": []},
            "latency_ms": {event: {"count": 200 * seconds, "p99": 20.0} for event in EVENTS},
            "deliveries": {"expected": int(timeline["owed"].sum()), "lost": int(timeline["lost"].sum())},
            **facts,
        },
        "x",
    )
    return Record(Path("nowhere"), summary, outcome_of(JudgedRun(Verdict.VALID)), {"timeline": timeline}, log)


def compared(before: Sequence[Record], after: Sequence[Record]) -> Comparison:
    return compare(before, after, np.random.default_rng(1))


def words(found: Comparison) -> dict[str, ChangeWord]:
    return {change.figure: change.word for change in found.changes}


def figures(changes: list[Change]) -> list[str]:
    return [change.figure for change in changes]


@pytest.mark.slow
def test_single_runs_that_differ_by_a_few_percent_do_not_fail_and_a_threefold_one_does() -> None:
    rng = np.random.default_rng(1)
    pairs = 12
    runs = [run(rng, run_to_run=0.05, seconds=60) for _ in range(pairs + 1)]
    warned = 0
    for number in range(pairs):
        outcome = compared([runs[number]], [runs[number + 1]]).outcome(5.0)
        assert outcome is not ComparisonOutcome.FAILED
        warned += outcome is ComparisonOutcome.WARNING
    assert warned <= 4
    found = compared([runs[0]], [run(rng, slower=3.0, seconds=60)])
    assert found.outcome(5.0) is ComparisonOutcome.FAILED
    assert "agentLog p50" in figures(found.failing(5.0))


@pytest.mark.slow
def test_three_runs_a_side_decide() -> None:
    rng = np.random.default_rng(2)
    failed = 0
    for _ in range(8):
        sides = [[run(rng, run_to_run=0.03, seconds=60) for _ in range(3)] for _ in range(2)]
        failed += compared(*sides).outcome(5.0) is ComparisonOutcome.FAILED
        slower = [run(rng, run_to_run=0.03, slower=1.4, seconds=60) for _ in range(3)]
        found = compared(sides[0], slower)
        assert found.outcome(5.0) is ComparisonOutcome.FAILED
        assert not any("fewer than 3 runs" in note for note in found.notes)
    assert failed <= 1


def test_losses_are_compared_too() -> None:
    rng = np.random.default_rng(3)
    none, some = run(rng, seconds=60), run(rng, seconds=60, lost=0.002)
    assert words(compared([none], [some]))["lost"] is ChangeWord.WORSE
    assert words(compared([some], [none]))["lost"] is ChangeWord.BETTER
    assert words(compared([none], [none]))["lost"] is ChangeWord.SAME
    # There is no tolerance for losses.
    assert figures(compared([none], [some]).failing(1000.0)) == ["lost"]


def test_what_is_tolerated_neither_fails_nor_warns() -> None:
    rng = np.random.default_rng(4)
    once, thrice = run(rng, seconds=60), run(rng, slower=3.0, seconds=60)
    found = compared([once], [thrice])
    assert (found.outcome(5.0), found.outcome(500.0)) == (ComparisonOutcome.FAILED, ComparisonOutcome.PASSED)
    found = compared([once], [run(rng, slower=1.6, seconds=60)])
    assert (found.outcome(5.0), found.outcome(80.0)) == (ComparisonOutcome.WARNING, ComparisonOutcome.PASSED)
    assert "agentLog p50" in figures(found.warnings(5.0))
    assert found.failing(5.0) == []


@pytest.mark.parametrize("seconds", [5, 6, 10, 20])
def test_short_runs_are_compared(seconds: int) -> None:
    rng = np.random.default_rng(5)
    one = run(rng, seconds=seconds)
    assert compared([one], [run(rng, seconds=seconds)]).outcome(5.0) is ComparisonOutcome.PASSED
    assert "agentLog p50" in figures(compared([one], [run(rng, seconds=seconds, slower=3.5)]).failing(5.0))
    assert figures(compared([one], [run(rng, seconds=seconds, lost=0.636)]).failing(5.0)) == ["lost"]


def test_a_run_that_is_too_short_to_compare_its_times_does_not_pass() -> None:
    rng = np.random.default_rng(5)
    found = compared([run(rng, seconds=2)], [run(rng, seconds=2)])
    assert found.outcome(5.0) is ComparisonOutcome.WARNING
    assert any("too little data to compare agentLog" in doubt for doubt in found.doubts)


def test_what_was_measured_on_one_side_only_does_not_pass() -> None:
    rng = np.random.default_rng(5)
    both, one = run(rng, seconds=20), run(rng, seconds=20)
    del one.summary["latency_ms"]["agentLog"]
    for event in ("agentLog",):
        del one.intervals.encoded[event]
    for sides in (([both], [one]), ([one], [both])):
        found = compared(*sides)
        assert found.outcome(5.0) is ComparisonOutcome.WARNING
        assert any("agentLog p99 was measured on one side only" in doubt for doubt in found.doubts)


def test_nothing_expected_does_not_pass() -> None:
    rng = np.random.default_rng(5)
    one = run(rng, seconds=20, deliveries={"expected": 0, "lost": 0})
    found = compared([one], [one])
    assert found.outcome(5.0) is ComparisonOutcome.WARNING
    assert found.doubts == ["a run expected no deliveries: losses cannot be compared"]


def test_runs_that_are_not_valid_do_not_pass() -> None:
    rng = np.random.default_rng(5)
    valid, suspect = run(rng, seconds=20), run(rng, seconds=20, run_id="s", verdict="suspect")
    interrupted = run(rng, seconds=20, run_id="i", interrupted=True)
    assert compared([valid], [suspect]).outcome(5.0) is ComparisonOutcome.WARNING
    assert compared([interrupted], [valid]).outcome(5.0) is ComparisonOutcome.WARNING
    assert compared([interrupted], [valid]).doubts == ["run i was interrupted, and its side has no valid run"]
    assert compared([valid], [valid, interrupted]).outcome(5.0) is ComparisonOutcome.PASSED


def test_what_cannot_be_trusted_is_left_out() -> None:
    rng = np.random.default_rng(6)
    valid, suspect = run(rng, seconds=30, run_id="v"), run(rng, seconds=30, run_id="s", verdict="suspect")
    invalid = run(rng, seconds=30, run_id="i", verdict="invalid")
    found = compared([valid, suspect, invalid], [suspect])
    assert len(found.before) == 1
    assert found.before[0] is valid
    assert "left out: run i is invalid" in found.notes
    assert "left out: run s is suspect" in found.notes
    assert found.doubts == ["run s is suspect, and its side has no valid run"]
    with pytest.raises(RecordError, match="the side after has no run to compare: run i is invalid"):
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
    return simulate(folder, 120, 2, seed=1), simulate(folder, 120, 2, seed=2, slower=4.0)


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-W", "error", "-m", "loadtest.reports", "compare", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_the_command_says_so_by_its_exit_code(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "c.html"
    worse = command(*two, "--out", out)
    assert worse.returncode == ExitCode.WORSE, worse.stderr
    first, *_, last = worse.stdout.splitlines()
    assert first.startswith("FAILED: ")
    assert first == last
    assert "agentLog p50" in worse.stdout
    check(out.read_text())
    same = command(two[0], two[0])
    assert same.returncode == ExitCode.PASSED
    assert same.stdout.splitlines()[-1].startswith("PASSED: ")
    assert (two[0] / "compare.html").exists()
    assert command(*two, "--tolerance", 1000, "--out", out).returncode == ExitCode.PASSED
    assert command(two[1], two[0], "--out", out).returncode == ExitCode.PASSED


VALID = {"verdict": "valid", "reasons": [], "doubts": [], "by_overload": True}


def recorded(folder: Path) -> Path:
    """A valid record of a few seconds."""
    return write(folder, fleet_of())


def edit(record: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = record / "summary.json"
    summary = json.loads(path.read_text())
    change(summary)
    path.write_text(json.dumps(summary, indent=2))


def test_a_short_run_that_loses_most_of_it_fails(tmp_path: Path) -> None:
    before, after = recorded(tmp_path / "a"), recorded(tmp_path / "b")
    for record, lost in ((before, 0), (after, 1145)):
        edit(record, lambda summary, lost=lost: summary["deliveries"].update(lost=lost))
        edit(record, lambda summary: summary.update(validity=VALID))
    ended = command(before, after)
    assert ended.returncode == ExitCode.WORSE, ended.stdout + ended.stderr
    assert ended.stdout.startswith("FAILED: ")
    page = (after / "compare.html").read_text()
    assert page.index("FAILED") < page.index("lost +63.6 pp")


def test_the_page_links_to_both_reports(tmp_path: Path) -> None:
    results = tmp_path / "results"
    before, after = recorded(results / "a"), recorded(results / "b")
    for record in (before, after):
        (record / "report.html").write_text("")
        edit(record, lambda summary: summary.update(validity=VALID))
    found = compared([load(before)], [load(after)])
    page = compare_page.page(found, 5.0, after)
    assert f'href="../../a/{before.name}/report.html"' in page
    assert 'href="report.html"' in page
    text = compare_page.text(found, 5.0, after / "compare.html")
    assert str(before / "report.html") in text
    assert str(after / "report.html") in text


FIELDS = (
    *("deliveries.expected", "deliveries.lost", "validity.verdict", "triggers.sent", "latency_ms.agentLog.count"),
    *("latency_ms.agentLog.p50", "latency_ms.agentLog.p99", "latency_ms.agentLog", "fan_out_ms", "deliveries"),
    *("latency_ms", "validity", "phases", "options", "users_by_class", "run_id", "receive_clock", "interrupted"),
    *("generator_delay_ms", "trigger_ms", "triggers", "rooms", "rate_per_s", "workers", "software", "profile"),
)
REMOVED = object()
BAD_VALUES = [REMOVED, None, float("nan"), float("inf"), -1, "7", [], True]


def put(summary: dict[str, Any], field: str, value: object) -> bool:
    """Put a value into a field; whether that makes it another one."""
    *outer, last = field.split(".")
    for name in outer:
        summary = summary[name]
    if value is REMOVED:
        del summary[last]
        return True
    kind = type(summary[last])
    summary[last] = value
    return kind is not type(value) or (isinstance(value, int | float) and not isinstance(value, bool))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    record = recorded(tmp_path_factory.mktemp("whole"))
    edit(record, lambda summary: summary.update(validity=VALID))
    return record


@pytest.mark.parametrize("field", FIELDS)
def test_a_record_whose_fields_are_gone_or_wrong_is_refused(whole: Path, tmp_path: Path, field: str) -> None:
    good = load(whole)
    for number, value in enumerate(BAD_VALUES):
        bad = Path(shutil.copytree(whole, tmp_path / str(number)))
        changed: list[bool] = []
        edit(bad, lambda summary, value=value, changed=changed: changed.append(put(summary, field, value)))
        if not changed[0]:
            continue
        for turned in (False, True):
            with pytest.raises(RecordError) as raised:
                compared(*([good], [load(bad)])[:: -1 if turned else 1])
            assert str(bad) in str(raised.value)
            assert field.split(".", maxsplit=1)[0] in str(raised.value)
            assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("row", "column"),
    [("x", "at_s"), ("-1", "at_s"), ("", "at_s"), ("x", "lost"), ("-3", "lost"), ("inf", "owed")],
)
def test_a_timeline_that_is_wrong_is_refused(whole: Path, tmp_path: Path, row: str, column: str) -> None:
    bad = Path(shutil.copytree(whole, tmp_path / "bad"))
    timeline = pd.read_csv(bad / "timeline.csv").assign(owed=400, lost=0).astype(object)
    timeline.loc[0, column] = row
    timeline.to_csv(bad / "timeline.csv", index=False)
    with pytest.raises(RecordError, match=column):
        compared([load(whole)], [load(bad)])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no summary": lambda record: (record / "summary.json").unlink(),
    "summary cut off": lambda record: (record / "summary.json").write_bytes(
        (record / "summary.json").read_bytes()[:900]
    ),
    "no log": lambda record: (record / "latency.hlog").unlink(),
    "no timeline": lambda record: (record / "timeline.csv").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_record_that_is_not_whole_is_refused(whole: Path, tmp_path: Path, damage: str) -> None:
    bad = Path(shutil.copytree(whole, tmp_path / "bad"))
    DAMAGES[damage](bad)
    with pytest.raises(RecordError, match="not whole"):
        compared([load(whole)], [load(bad)])


@pytest.mark.slow
def test_a_histogram_that_cannot_be_decoded_is_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    bad = Path(shutil.copytree(two[0], tmp_path / "bad"))
    lines = (bad / "latency.hlog").read_text().splitlines(keepends=True)
    place = max(number for number, line in enumerate(lines) if "Tag=agentLog" in line)
    for number in range(place - 200, place):
        head, comma, encoded = lines[number].rpartition(",")
        lines[number] = f"{head}{comma}{encoded[:20]}{encoded[20:].swapcase()}"
    (bad / "latency.hlog").write_text("".join(lines))
    with pytest.raises(RecordError, match="histograms are damaged"):
        compared([load(two[0])], [load(bad)])


def test_the_command_refuses_in_one_line(whole: Path, tmp_path: Path) -> None:
    bad = Path(shutil.copytree(whole, tmp_path / "bad"))
    edit(bad, lambda summary: summary["deliveries"].update(lost=float("nan")))
    ended = command(whole, bad)
    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    (line,) = ended.stderr.splitlines()
    assert "deliveries.lost" in line


@pytest.mark.needs("chromium")
@pytest.mark.slow
@pytest.mark.parametrize("width", [1000, 390])
def test_its_pictures(two: tuple[Path, Path], tmp_path: Path, width: int) -> None:
    page = compare_page.page(compared([load(two[0])], [load(two[1])]), 5.0, two[1])
    assert_looks_good(page, tmp_path, width, pictures=5)
