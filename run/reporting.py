"""Has another process make a run's report: the load's processes never import pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from exit_codes import ExitCode

from . import console

_TIMEOUT_S: Final = 120
_ROOT: Final = Path(__file__).resolve().parent.parent


def make_report(where: Path) -> Path | None:
    """Make the report of a record; where it is, or None if it could not be made, which is said."""
    done = _reports(str(where.resolve()))
    if done is None:
        console.say(f"The report took too long. Make it later: python -m reports {where}")
        return None
    if done.returncode:
        console.say(f"The report could not be made: {_why(done)}. The record is whole: python -m reports {where}")
        return None
    return where / "report.html"


def keep_history(where: Path, tolerance_percent: float, code: ExitCode) -> tuple[str, ExitCode]:
    """Compare a record with its baseline, and draw the history.

    :param code: the run's own.
    :returns: the outcome in a line, and the code that it makes of the run's.
    """
    done = _reports("nightly", str(where.resolve()), "--tolerance", str(tolerance_percent))
    if done is not None and done.stdout.startswith("nightly: "):
        return done.stdout.strip(), ExitCode(done.returncode) if code is ExitCode.PASSED else code
    why = "it took too long" if done is None else _why(done)
    line = f"nightly: the run could not be compared: {why}. Later: python -m reports nightly {where}"
    return line, ExitCode.SETUP_FAILED if code is ExitCode.PASSED else code


def _reports(*arguments: str) -> subprocess.CompletedProcess[str] | None:
    """`python -m reports`; None if it takes too long."""
    command = [sys.executable, "-m", "reports", *arguments]
    try:
        return subprocess.run(  # noqa: S603 - our own module
            command, cwd=_ROOT, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None


def _why(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
