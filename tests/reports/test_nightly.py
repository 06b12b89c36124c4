from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lab.bench.big_record import make as simulate
from loadtest.exit_codes import ExitCode
from loadtest.measurement.summary import with_outcome

from ..support import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight nights, of which the fifth is much slower, and the last three are slower."""
    folder = tmp_path_factory.mktemp("nights")
    for seed in range(1, 5):
        simulate(folder, 120, 2, seed=seed)
    simulate(folder, 120, 2, seed=5, slower=4.0)
    for seed in range(6, 9):
        simulate(folder, 120, 2, seed=seed, slower=1.5)
    return folder


@pytest.fixture
def results(nights: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(nights, tmp_path / "results", symlinks=True))


def run_id(night: int) -> str:
    return f"20260921-000000-{night:08x}"


def reports(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "loadtest.reports", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)


def baseline(results: Path) -> list[str]:
    (kept,) = json.loads((results / "baseline.json").read_text()).values()
    return list(kept["runs"])


def change(results: Path, night: int, **facts: object) -> None:
    path = results / run_id(night) / "summary.json"
    path.write_text(json.dumps(with_outcome(json.loads(path.read_text()) | facts)))


def test_the_first_nights_are_the_baseline_and_a_slower_one_is_worse(results: Path) -> None:
    for night in range(6, 9):
        shutil.rmtree(results / run_id(night))
    lines = []
    for night in range(1, 6):
        ended = reports("nightly", results / run_id(night))
        assert ended.stderr == ""
        (line,) = ended.stdout.splitlines()
        lines.append((ended.returncode, line))
    codes = [code for code, _ in lines]
    assert codes == [0, 0, 0, 0, ExitCode.WORSE], lines
    assert "no baseline yet" in lines[0][1]
    assert "against 1 earlier run: not worse by more than 5%" in lines[1][1]
    assert "against 4 earlier runs: worse: " in lines[4][1]
    assert "agentLog p50" in lines[4][1]
    assert lines[4][1].startswith(f"FAILED: nightly run {run_id(5)} (8) ")
    page = (results / run_id(5) / "report.html").read_text()
    assert page.index("<strong>FAILED</strong>") < page.index("worse than the baseline: agentLog p50")
    assert '<a href="compare.html">' in page
    assert '<a href="../trend.html">' in page
    assert (results / run_id(5) / "report.md").read_text().startswith("## FAILED: ")
    assert "<strong>FAILED</strong>" in (results / run_id(5) / "compare.html").read_text().replace("\n", "")
    assert "<strong>FAILED</strong>" in (results / "trend.html").read_text()
    assert baseline(results) == [run_id(night) for night in (1, 2, 3, 4)]
    assert (results / "trend.html").exists()
    assert (results / run_id(5) / "compare.html").exists()
    assert not (results / run_id(1) / "compare.html").exists()
    failed = [
        case.get("name")
        for case in ET.parse(results / run_id(5) / "junit.xml").iter("testcase")
        if case.find("failure") is not None
    ]
    assert "agentLog p50 is not worse" in failed
    # What is tolerated is not worse.
    assert reports("nightly", results / run_id(5), "--tolerance", 1000).returncode == ExitCode.PASSED
    assert "<strong>PASSED</strong>" in (results / run_id(5) / "report.html").read_text()


def test_a_slower_night_is_a_warning_and_three_of_them_fail(results: Path) -> None:
    shutil.rmtree(results / run_id(5))
    ended = [reports("nightly", results / run_id(night)) for night in (1, 2, 3, 4, 6, 7, 8)]
    assert [one.returncode for one in ended] == [0, 0, 0, 0, 0, 0, ExitCode.WORSE], [one.stdout for one in ended]
    assert "against 4 earlier runs: WARNING, perhaps worse: agentLog p50" in ended[4].stdout
    assert "the last 3 nights against 4 earlier runs: worse: agentLog p50" in ended[6].stdout
    assert baseline(results) == [run_id(night) for night in (1, 2, 3, 4)]


def test_a_run_that_did_not_pass_is_no_baseline_and_keeps_its_own_code(results: Path) -> None:
    change(
        results,
        1,
        validity={"verdict": "invalid", "reasons": ["invalid: x"], "doubts": [], "by_overload": True},
        lost_workers=1,
    )
    ended = reports("nightly", results / run_id(1))
    assert ended.returncode == ExitCode.LOST_WORKERS
    assert ended.stdout.startswith(f"INVALID: nightly run {run_id(1)} (9) ")
    assert not (results / "baseline.json").exists()


def test_another_load_has_a_baseline_of_its_own(results: Path) -> None:
    assert reports("nightly", results / run_id(1)).returncode == 0
    change(results, 5, rooms=77)
    ended = reports("nightly", results / run_id(5))
    assert ended.returncode == 0
    assert "no baseline yet" in ended.stdout
    assert len(json.loads((results / "baseline.json").read_text())) == 2


def test_a_baseline_can_be_chosen(results: Path) -> None:
    said = reports("baseline", results / run_id(5), results / run_id(4))
    assert said.returncode == 0, said.stderr
    assert baseline(results) == [run_id(5), run_id(4)]
    assert reports("nightly", results / run_id(1)).returncode == 0
    assert baseline(results) == [run_id(5), run_id(4)]  # what was chosen stays
    change(results, 2, rooms=77)
    assert reports("baseline", results / run_id(1), results / run_id(2)).returncode == ExitCode.USAGE


def test_a_baseline_whose_records_are_gone_is_none(results: Path) -> None:
    reports("nightly", results / run_id(1))
    shutil.rmtree(results / run_id(1))
    ended = reports("nightly", results / run_id(5))
    assert (ended.returncode, "no baseline yet" in ended.stdout) == (0, True)


def test_a_damaged_baseline_is_said(results: Path) -> None:
    (results / "baseline.json").write_text("{")
    ended = reports("nightly", results / run_id(1))
    assert ended.returncode == ExitCode.USAGE
    assert "baseline.json is damaged" in ended.stderr
