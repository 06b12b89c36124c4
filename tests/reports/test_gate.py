from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from exit_codes import ExitCode
from measure import slo
from measure.fleet import Fleet
from reports.gate import judge

from ..measure.runs import fleet_of
from ..support import ROOT
from .records import write


def gate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reports", "gate", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def slo_file(folder: Path, *rows: str) -> Path:
    file = folder / "slo.toml"
    file.write_text("".join(f"[[slo]]\nname = 'x'\n{row}\n" for row in rows))
    return file


HOLDS = "figure = 'latency_ms.agentLog.p99'\nbelow = 5"
BREAKS = "figure = 'lost_percent'\nat_most = 0.1"
UNKNOWN = "figure = 'latency_ms.agentLog.p99'\nphase = 'spike'\nbelow = 5"
THROUGHPUT = "figure = 'events_per_s_per_client'\nabove = 100"
RELATIVE = "figure = 'latency_ms.agentLog.p99'\nat_most_times_baseline = {}"


@pytest.mark.parametrize(
    ("rows", "more", "code", "said"),
    [
        ([HOLDS], [], ExitCode.PASSED, "holds"),
        ([HOLDS, BREAKS], [], ExitCode.SLO_VIOLATED, "violated"),
        ([UNKNOWN], [], ExitCode.PASSED, "not measured"),
        ([UNKNOWN], ["--strict"], ExitCode.SLO_VIOLATED, "not measured"),
        (
            [f"{THROUGHPUT}\nwhen_asked = true"],
            [],
            ExitCode.USAGE,
            "the run was not asked for events_per_s_per_client",
        ),
        ([HOLDS, f"{THROUGHPUT}\nwhen_asked = true"], [], ExitCode.PASSED, "holds"),
        ([THROUGHPUT], [], ExitCode.SLO_VIOLATED, "violated"),
        ([RELATIVE.format(1.0)], ["--baseline", "{record}"], ExitCode.PASSED, "holds"),
        ([RELATIVE.format(0.9)], ["--baseline", "{record}"], ExitCode.SLO_VIOLATED, "violated"),
        ([RELATIVE.format(0.9)], [], ExitCode.USAGE, "Give --baseline RECORD"),
        (["figure = 'no'\nbelow = 1"], [], ExitCode.USAGE, "there is no figure 'no'"),
        ([], [], ExitCode.USAGE, "has no objective"),
    ],
)
def test_a_record_is_judged_later(
    tmp_path: Path, rows: list[str], more: list[str], code: ExitCode, said: str
) -> None:
    record = write(tmp_path / "results", fleet_of())
    ended = gate(record, "--slo", slo_file(tmp_path, *rows), *(part.format(record=record) for part in more))
    assert ended.returncode == code, ended.stderr
    assert said in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_limit_is_the_one_that_the_run_was_asked_with() -> None:
    row = {"name": "x", "figure": "events_per_s_per_client", "above": 100, "when_asked": True}
    wanted = slo.parse({"slo": [row]}, "mine.toml")
    summary = {"validity": {"verdict": "valid"}, "figures": {"events_per_s_per_client": 5.0}}
    asked = [{"figure": "events_per_s_per_client", "limit": 4.0}]
    (judged,) = judge(summary | {"slo": asked}, wanted, None)
    assert (judged["limit"], judged["passed"]) == (4.0, True)


def test_nothing_passes_on_a_run_that_is_not_valid(tmp_path: Path) -> None:
    fleet = fleet_of()
    fleet.enlist("died")
    ended = gate(write(tmp_path / "results", fleet), "--slo", slo_file(tmp_path, HOLDS))
    assert ended.returncode == ExitCode.RUN_INVALID
    assert "not passed: invalid run" in ended.stdout


def test_an_invalid_run_is_no_baseline(tmp_path: Path) -> None:
    record = write(tmp_path / "a", fleet_of())
    nothing = Fleet()
    nothing.enlist("died")
    baseline = write(tmp_path / "b", nothing)
    ended = gate(record, "--slo", slo_file(tmp_path, RELATIVE.format(1)), "--baseline", baseline)
    assert ended.returncode == ExitCode.USAGE
    assert "the baseline r is invalid" in ended.stderr


def test_the_outcome_as_junit(tmp_path: Path) -> None:
    record = write(tmp_path / "results", fleet_of())
    gate(record, "--slo", slo_file(tmp_path, HOLDS, BREAKS), "--junit", tmp_path / "gate.xml")
    root = ET.parse(tmp_path / "gate.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("3", "1")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    ended = gate(write(tmp_path / "results", fleet_of()), "--slo", tmp_path / "none.toml")
    assert ended.returncode == ExitCode.USAGE
    assert "No such file" in ended.stderr
