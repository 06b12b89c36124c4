"""Has another process make a run's report: the load's processes never import pandas."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.recorded_outcome import COMPARISON_FILE, BaselineComparison, read_outcome
from loadtest.run.master import console

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.measurement.outcome import Outcome

_TIMEOUT_S: Final = 120
_ROOT: Final = Path(__file__).resolve().parent.parent.parent.parent


def make_report(where: Path) -> Path | None:
    """Make the report of a record; where it is, or None if it could not be made, which is said."""
    done = _reports("report", str(where.resolve()))
    if done is None:
        console.say(f"The report took too long. Make it later: loadtest report {where}")
        return None
    if done.returncode:
        console.say(f"The report could not be made: {_why(done)}. The record is whole: loadtest report {where}")
        return None
    return where / "report.html"


def keep_history(
    where: Path, tolerance_percent: float, summary: Mapping[str, Any]
) -> tuple[Path | None, str, Outcome]:
    """Compare a record with its baseline, make its report, and draw the history.

    :param summary: of the record.
    :returns: the report, the comparison in a line, and the outcome with it.
    """
    done = _reports("nightly", str(where.resolve()), "--tolerance", str(tolerance_percent))
    if done is not None and (where / COMPARISON_FILE).is_file() and done.stdout.strip():
        compared = BaselineComparison.from_json(json.loads((where / COMPARISON_FILE).read_text(encoding="utf-8")))
        return where / "report.html", f"Nightly   {compared.line}", read_outcome(summary, compared)
    why = f"timed out after {_TIMEOUT_S} s" if done is None else _why(done)
    line = f"not compared: {why}. Run: loadtest nightly {where}"
    compared = BaselineComparison(line=line, problem=why)
    # The record says so, as every page does.
    (where / COMPARISON_FILE).write_text(json.dumps(compared.to_json(), indent=2) + "\n", encoding="utf-8")
    return make_report(where), f"Nightly   {line}", read_outcome(summary, compared)


def _reports(*arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Run a command of `loadtest`; None if it takes too long."""
    command = [sys.executable, "-m", "loadtest", *arguments]
    try:
        return subprocess.run(  # noqa: S603 - our own module
            command, cwd=_ROOT, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None


def _why(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
