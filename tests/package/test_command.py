"""The command `loadtest`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import loadtest
from loadtest.command_line import COMMANDS, LOCUSTFILE, locust_command, main
from loadtest.exit_codes import ExitCode

from ..support import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_without_arguments_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.PASSED
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in COMMANDS)
    assert main(["--help"]) == ExitCode.PASSED
    assert capsys.readouterr().out == said


def test_it_names_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == ExitCode.PASSED
    assert capsys.readouterr().out == f"loadtest {loadtest.__version__}\n"


def test_another_command_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reports"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert said.startswith("loadtest: expected one of run, ")
    assert said.endswith("got 'reports'. See: loadtest --help\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_each_has_help(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loadtest", name, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"usage: loadtest {name} ")


@pytest.mark.parametrize(
    ("arguments", "environment", "built_in"),
    [
        ([], {}, True),
        (["--host", "http://x", "--users", "5"], {}, True),
        (["-f", "mine.py"], {}, False),
        (["-fmine.py"], {}, False),
        (["--locustfile=mine.py"], {}, False),
        ([], {"LOCUST_LOCUSTFILE": "mine.py"}, False),
    ],
)
def test_run_has_the_built_in_locustfile_unless_another_is_named(
    arguments: list[str], environment: dict[str, str], built_in: bool
) -> None:
    command = locust_command(arguments, environment)
    assert command[:4] == [sys.executable, "-P", "-m", "locust"]
    assert command[4:] == [*(["-f", str(LOCUSTFILE)] if built_in else []), *arguments]
    assert LOCUSTFILE.is_file()


def test_a_file_called_locust_py_is_not_locust(tmp_path: Path) -> None:
    (tmp_path / "locust.py").write_text("raise SystemExit('the wrong one')\n")
    command = [sys.executable, "-m", "loadtest", "run", "--version"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("locust ")


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        ("import loadtest", {"locust", "gevent", "numpy", "pandas"}),
        ("import loadtest.command_line", {"locust", "gevent", "numpy", "pandas"}),
        ("import loadtest.pytest_plugin", {"locust", "gevent", "numpy", "pandas", "urllib3", "ssl", "psycopg"}),
        ("import loadtest.run.wait_for", {"locust", "pandas"}),
        ("import loadtest.reports.__main__", {"locust", "gevent"}),
    ],
)
def test_a_command_imports_what_it_needs(command: str, unneeded: set[str]) -> None:
    program = f"import sys; before = set(sys.modules); {command}; print(*(set(sys.modules) - before))"
    # pytest itself imports what it likes.
    program = f"import pytest; {program}" if "pytest" in command else program
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not set(said.split()) & unneeded


def test_a_worker_s_installation_says_what_reports_need(tmp_path: Path) -> None:
    """Without the extra `reports`."""
    program = (
        "import sys; sys.modules['pandas'] = None\n"
        "from loadtest.command_line import main; sys.exit(main(['trend', sys.argv[1]]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert ended.stderr == (
        "loadtest trend: expected pandas, which is not installed. pip install 'prometheus-loadtest[reports]'\n"
    )
