"""`loadtest suites` as a process of its own: wrong, interrupted, and against nobody."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.scenarios.scenario import SUITES

from ..support import ROOT, children_of, locust_environment, summary_of, until

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "loadtest.suites", *arguments]


def told(results: Path) -> dict[str, dict[str, Any]]:
    suites = json.loads((results / "suites.json").read_text(encoding="utf-8"))["suites"]
    return {one["suite"]: one for one in suites}


def test_all_that_there_are_run_if_none_is_named() -> None:
    said = subprocess.run(command("--help"), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"all: {', '.join(sorted(SUITES))}" in " ".join(said.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected the backend's address, got none; give --host or LOCUST_HOST"),
        (
            ["--host", "http://h", "--suites", "core,cores"],
            "expected suites of core, integration, production, security, stress, got cores",
        ),
        (["--host", "http://h", "--suites", "core,core"], "expected each suite once in --suites"),
        (["--host", "http://h", "--suites", ","], "and at least one"),
        (["--host", "http://h", "--side-by-side", "0"], "expected --side-by-side of 1 or more, got 0"),
        (["--host", "http://h", "--repeat", "0"], "expected --repeat of 1 or more, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], said: str) -> None:
    environment = {name: value for name, value in locust_environment().items() if name != "LOCUST_HOST"}
    ended = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, env=environment)
    assert ended.returncode == ExitCode.USAGE
    assert said in ended.stderr


def test_results_that_cannot_be_written_are_told_of_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    wanted = command("--host", "http://h", "--results-dir", str(tmp_path / "file" / "results"))
    ended = subprocess.run(wanted, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert re.fullmatch(
        "NOT RUN: expected a folder for results, got .*; give another --results-dir\n", ended.stdout
    )
    assert not ended.stderr


@pytest.mark.slow
def test_suites_that_cannot_begin_say_why(tmp_path: Path) -> None:
    """Nobody is there for the first; the second would attack another machine."""
    nobody = ("--host", "http://127.0.0.1:9", "--results-dir", str(tmp_path))
    here = command("--suites", "core", "--repeat", "2", *nobody)
    ended = subprocess.run(here, cwd=ROOT, capture_output=True, text=True, env=locust_environment())
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert ended.stdout.splitlines()[-1] == "NOT RUN: 0 of 2 suites passed; core-1 NOT RUN, core-2 NOT RUN"
    for name, one in told(tmp_path).items():
        assert one["why"].endswith((tmp_path / f"{name}.log").read_text().splitlines()[-1][9:])
        assert one["record"] == ""
    there = command("--suites", "security", "--host", "http://192.0.2.1", "--results-dir", str(tmp_path))
    ended = subprocess.run(there, cwd=ROOT, capture_output=True, text=True, env=locust_environment())
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert "would be attacked" in told(tmp_path)["security"]["why"]


@pytest.mark.slow
def test_an_interrupted_suite_leaves_its_record(documented: Backend, tmp_path: Path) -> None:
    wanted = command("--suites", "integration,core", "--host", documented.url, "--results-dir", str(tmp_path))
    environment = locust_environment() | documented.by_sql
    process = subprocess.Popen(wanted, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
    log = tmp_path / "integration.log"
    until(lambda: log.exists() and "latency p50" in log.read_text(encoding="utf-8", errors="replace"))
    children = list(children_of(process.pid))
    assert children
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    results = told(tmp_path)
    assert list(results) == ["integration", "core"]
    assert (results["core"]["word"], results["core"]["exit_code"]) == ("NOT RUN", 130)
    assert results["integration"]["exit_code"] == summary_of(tmp_path / "integration")["outcome"]["exit_code"] != 0
    assert (tmp_path / results["integration"]["record"] / "summary.json").exists()
    assert process.returncode == results["integration"]["exit_code"] or process.returncode == 130
    assert said.splitlines()[-1].endswith(f"integration {results['integration']['word']}, core NOT RUN")
