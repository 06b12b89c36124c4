"""`python -m reports RECORD`: make a run's `report.html` again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .load import RecordError, load
from .page import render


def main() -> None:
    """Read the record, write the page beside it, print where it is."""
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    parser.add_argument("record", type=Path, help="a run's folder, e.g. results/latest")
    where = parser.parse_args().record
    try:
        page = render(load(where))
        target = where / "report.html"
        partial = where / ".report.html.partial"
        partial.write_text(page, encoding="utf-8")
        partial.replace(target)
    except RecordError as error:
        sys.exit(f"reports: {error}")
    except OSError as error:
        sys.exit(f"reports: cannot write to {where}: {error.strerror}. Check its permissions.")
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
