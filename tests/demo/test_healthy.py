"""All suites on healthy backends, by one command: what it says of them, and when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lab.demo.healthy import overall_line, parse
from loadtest.exit_codes import ExitCode

from ..support import ROOT, locust_environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("runs", "line"),
    [
        (
            {"documented": [("core-1", "PASSED"), ("core-2", "PASSED")], "as-built": [("core-1", "PASSED")]},
            "PASSED: 3 of 3 runs passed",
        ),
        (
            {"documented": [("core-1", "PASSED"), ("core-2", "SUSPECT")], "as-built": [("core-1", "FAILED")]},
            "FAILED: 1 of 3 runs passed; documented core-2 SUSPECT; as-built core-1 FAILED",
        ),
        (
            {"documented": [("core-1", "PASSED")], "as-built": []},
            "FAILED: 1 of 1 runs passed; as-built NOT RUN",
        ),
    ],
)
def test_every_run_that_did_not_pass_is_named(runs: dict[str, list[tuple[str, str]]], line: str) -> None:
    assert overall_line(runs) == line


def test_all_profiles_three_times_by_default() -> None:
    options, for_suites = parse(["--suites", "core"])
    assert options.profiles == ["documented", "as-built", "deployed"]
    assert options.repeat == 3
    assert for_suites == ["--suites", "core"]


def test_an_unknown_profile_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--profiles", "documented,built"])
    assert ended.value.code == ExitCode.USAGE
    assert "expected profiles of documented, as-built, deployed, got built" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_that_does_not_pass_fails_all(tmp_path: Path) -> None:
    """Runs of no time begin, and measure nothing: the next profile is run all the same."""
    command = [sys.executable, "-m", "lab.demo.healthy", "--profiles", "documented,as-built", "--repeat", "1"]
    command += ["--suites", "integration", "--run-time", "1s", "--results-dir", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, env=locust_environment(), capture_output=True, text=True)
    lines = ended.stdout.splitlines()
    words = {}
    for profile in ("documented", "as-built"):
        (one,) = json.loads((tmp_path / profile / "suites.json").read_text(encoding="utf-8"))["suites"]
        words[profile] = one["word"]
        assert sum(line.startswith(f"{profile:<12}{'integration':<14}{one['word']}: ") for line in lines) == 1
    assert set(words.values()) & {"FAILED", "INVALID", "NOT RUN"} == set(words.values())
    others = "; ".join(f"{profile} integration {word}" for profile, word in words.items())
    assert lines[-1] == f"FAILED: 0 of 2 runs passed; {others}"
    assert ended.returncode != ExitCode.PASSED
    assert "reference-backend: http" in (tmp_path / "as-built" / "target.log").read_text(encoding="utf-8")
