"""Has another process make a run's report: the load's processes never import pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from . import console

_TIMEOUT_S: Final = 120
_ROOT: Final = Path(__file__).resolve().parent.parent


def make_report(where: Path) -> Path | None:
    """Make the report of a record; where it is, or None if it could not be made, which is said."""
    command = [sys.executable, "-m", "reports", str(where.resolve())]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, cwd=_ROOT, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        console.say(f"The report took too long. Make it later: python -m reports {where}")
        return None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        console.say(f"The report could not be made: {last}. The record is whole: python -m reports {where}")
        return None
    return where / "report.html"
