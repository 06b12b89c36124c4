from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.objectives import Objective, parse
from loadtest.measurement.outcome import OutcomeWord
from loadtest.reports.gate import judge

from ..measurement.damage import mutants
from ..measurement.runs import FACTS, fleet_of, whole_summary
from ..support import ROOT
from .records import write


def gate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loadtest.reports", "gate", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def slo_file(folder: Path, *rows: str) -> Path:
    file = folder / "slo.toml"
    file.write_text("".join(f"[[slo]]\nname = 'x{number}'\n{row}\n" for number, row in enumerate(rows)))
    return file


def calm_record(folder: Path) -> Path:
    return write(folder, fleet_of(calm=True), objectives=[])


FAST = "figure = 'latency_ms.agentLog.p99'\nbelow = 5"
SLOW = "figure = 'latency_ms.agentLog.p99'\nbelow = 3"
SPIKE = "figure = 'latency_ms.agentLog.p99'\nphase = 'spike'\nbelow = 5"
UNKNOWN = "figure = 'replay_ms.p99'\nbelow = 5"
THROUGHPUT = "figure = 'events_per_s_per_client'\nabove = 100"
RELATIVE = "figure = 'latency_ms.agentLog.p99'\nat_most_times_baseline = {}"


@pytest.mark.parametrize(
    ("rows", "more", "code", "shown"),
    [
        ([], [], ExitCode.PASSED, "11 of 11 passed"),
        ([FAST], [], ExitCode.PASSED, "PASSED: objectives: 12 of 12 passed"),
        ([FAST, SLOW], [], ExitCode.OBJECTIVE_FAILED, "FAILED: x1: 4.001, limit < 3; objectives: 12 of 13 passed"),
        ([UNKNOWN], [], ExitCode.PASSED, "not measured"),
        ([UNKNOWN], ["--strict"], ExitCode.OBJECTIVE_FAILED, "FAILED: x0: not measured"),
        (
            [SPIKE],
            [],
            ExitCode.RUN_INVALID,
            "INVALID: the record does not have what the objectives need: phases.spike",
        ),
        ([f"{THROUGHPUT}\nwhen_asked = true"], [], ExitCode.USAGE, "without a limit for events_per_s_per_client"),
        ([FAST, f"{THROUGHPUT}\nwhen_asked = true"], [], ExitCode.PASSED, "12 of 12 passed"),
        ([THROUGHPUT], [], ExitCode.OBJECTIVE_FAILED, "FAILED"),
        ([RELATIVE.format(1.0)], ["--baseline", "{record}"], ExitCode.PASSED, "passed"),
        ([RELATIVE.format(0.9)], ["--baseline", "{record}"], ExitCode.OBJECTIVE_FAILED, "FAILED"),
        ([RELATIVE.format(0.9)], [], ExitCode.USAGE, "Give --baseline RECORD"),
        (["figure = 'no'\nbelow = 1"], [], ExitCode.USAGE, "unknown figure 'no'"),
    ],
)
def test_a_record_is_judged_later(
    tmp_path: Path, rows: list[str], more: list[str], code: ExitCode, shown: str
) -> None:
    record = calm_record(tmp_path / "results")
    ended = gate(record, "--slo", slo_file(tmp_path, *rows), *(part.format(record=record) for part in more))
    assert ended.returncode == code, ended.stderr + ended.stdout
    assert shown in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    if code is not ExitCode.USAGE:
        assert ended.stdout.splitlines()[-1].split(":")[0] in set(OutcomeWord)


def test_losses_fail_whatever_the_file_is_about(tmp_path: Path) -> None:
    record = write(tmp_path / "results", fleet_of(), objectives=[])
    ended = gate(record, "--slo", slo_file(tmp_path, FAST))
    assert ended.returncode == ExitCode.OBJECTIVE_FAILED
    assert "no delivery lost while connected: 6, limit ≤ 0" in ended.stdout.splitlines()[-1]
    names = ("no delivery lost while connected", "no leaked delivery", "no connection lost")
    relaxed = tmp_path / "relaxed.toml"
    relaxed.write_text("".join(f"[[slo]]\nname = '{name}'\nat_most = 9\n" for name in names))
    assert gate(record, "--slo", relaxed).returncode == ExitCode.PASSED


def test_the_limit_is_the_one_that_the_run_was_asked_with() -> None:
    objective = Objective("x", "events_per_s_per_client", "above", 100.0, when_asked=True)
    summary = whole_summary(fleet_of(calm=True), objectives=[replace(objective, limit=1.0, when_asked=False)])
    _, (result,) = judge(summary, [objective], None)
    assert (result.limit, result.passed) == (1.0, True)


def test_objectives_are_judged_on_an_invalid_run_and_do_not_make_it_pass(tmp_path: Path) -> None:
    fleet = fleet_of(calm=True)
    fleet.enlist("died")
    ended = gate(write(tmp_path / "results", fleet, objectives=[]), "--slo", slo_file(tmp_path, FAST))
    assert ended.returncode == ExitCode.LOST_WORKERS
    assert "passed" in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("INVALID: invalid: no totals came from worker")


def test_a_check_that_failed_fails_the_gate(tmp_path: Path) -> None:
    ended = gate(write(tmp_path / "results", fleet_of(calm=True)), "--slo", slo_file(tmp_path, FAST))
    assert ended.returncode == ExitCode.CHECK_FAILED
    assert "check failed: bad tokens: none of them connects" in ended.stdout


def test_an_invalid_run_is_no_baseline(tmp_path: Path) -> None:
    record = calm_record(tmp_path / "a")
    nothing = Fleet()
    nothing.enlist("died")
    baseline = write(tmp_path / "b", nothing)
    ended = gate(record, "--slo", slo_file(tmp_path, RELATIVE.format(1)), "--baseline", baseline)
    assert ended.returncode == ExitCode.USAGE
    assert "the baseline r is invalid" in ended.stderr


def test_the_outcome_as_junit(tmp_path: Path) -> None:
    record = calm_record(tmp_path / "results")
    gate(record, "--slo", slo_file(tmp_path, FAST, SLOW), "--junit", tmp_path / "gate.xml")
    root = ET.parse(tmp_path / "gate.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("15", "2")  # the outcome, and the objective


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("latency.hlog", None, "latency.hlog"),
        ("timeline.csv", None, "there is no timeline.csv"),
        ("timeline.csv", b"", "timeline.csv is empty"),
        ("rooms.csv", b"a,b\n1", "rooms.csv is cut off"),
    ],
)
def test_a_record_that_is_not_whole_does_not_pass(
    tmp_path: Path, file: str, damage: bytes | None, said: str
) -> None:
    record = calm_record(tmp_path / "results")
    (record / file).unlink()
    if damage is not None:
        (record / file).write_bytes(damage)
    ended = gate(record, "--slo", slo_file(tmp_path, FAST))
    assert ended.returncode == ExitCode.RUN_SUSPECT, ended.stderr
    last = ended.stdout.splitlines()[-1]
    assert last.startswith("SUSPECT: suspect: the record is not whole: ")
    assert said in last


@pytest.mark.parametrize("tolerance", ["nan", "inf", "-1", "x"])
@pytest.mark.parametrize("command", ["compare", "nightly"])
def test_a_tolerance_that_is_none_is_refused(tmp_path: Path, command: str, tolerance: str) -> None:
    records = [str(calm_record(tmp_path / "results"))] * (2 if command == "compare" else 1)
    arguments = [sys.executable, "-m", "loadtest.reports", command, *records, f"--tolerance={tolerance}"]
    ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == ExitCode.USAGE
    assert "--tolerance" in ended.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    ended = gate(calm_record(tmp_path / "results"), "--slo", tmp_path / "none.toml")
    assert ended.returncode == ExitCode.USAGE
    assert "No such file" in ended.stderr


def test_objectives_that_come_with_the_product_are_known_by_name(tmp_path: Path) -> None:
    """A record without the phase that they are about is not judged, as with any other phase."""
    ended = gate(calm_record(tmp_path / "results"), "--slo", "overload")
    assert ended.returncode == ExitCode.RUN_INVALID
    assert "the record does not have what the objectives need: phases.overload" in ended.stdout


GUTTED: list[dict[str, Any]] = [
    {"schema": 2, "validity": {"verdict": "valid", "reasons": []}},
    {"schema": 2, "validity": {"verdict": "valid", "reasons": [], "doubts": []}, "slo": [], "figures": {}},
    {"schema": 2},
]


@pytest.mark.parametrize("gutted", GUTTED)
def test_a_gutted_record_is_invalid(tmp_path: Path, gutted: dict[str, Any]) -> None:
    (tmp_path / "summary.json").write_text(json.dumps(gutted))
    ended = gate(tmp_path, "--slo", slo_file(tmp_path, FAST))
    assert ended.returncode == ExitCode.RUN_INVALID, ended.stderr
    assert ended.stdout.splitlines()[-1].startswith("INVALID: the record does not have what the objectives need: ")


@pytest.mark.parametrize("text", ["", "[]", "3", "null", '{"schema": 2', '{"schema": 3}', '{"schema": "2"}', "{}"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "summary.json").write_text(text)
    ended = gate(tmp_path, "--slo", slo_file(tmp_path, FAST))
    assert ended.returncode == ExitCode.USAGE
    assert len(ended.stderr.splitlines()) == 1


FIGURES = (
    "latency_p99_ms",
    "latency_ms.agentLog.p99",
    "lost_percent",
    "events_per_s_per_client",
    "deliveries.lost",
)


@pytest.mark.parametrize("figure", FIGURES)
def test_no_mutation_of_a_record_opens_the_gate(figure: str) -> None:
    """The gate judges by a figure that the run itself did not judge: nothing but the record says how it was."""
    wanted = parse(f"[[slo]]\nname = 'x'\nfigure = '{figure}'\nabove = 1e9", "")
    summary = whole_summary(fleet_of(calm=True), FACTS)
    assert judge(summary, wanted, None)[0].word is OutcomeWord.FAILED
    words = {judge(mutant, wanted, None)[0].word for mutant in mutants(summary, 2000, seed=3)}
    assert words == {OutcomeWord.FAILED, OutcomeWord.INVALID}
