"""`python -m reports RECORD`: make a run's report again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .make import make
from .schema import RecordError


def main() -> None:
    """Make it, print where it is."""
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    parser.add_argument("record", type=Path, help="a run's folder, e.g. results/latest")
    where = parser.parse_args().record
    try:
        sys.stdout.write(f"{make(where)}\n")
    except RecordError as error:
        sys.exit(f"reports: {error}")
    except OSError as error:
        sys.exit(f"reports: cannot write to {where}: {error.strerror}. Check its permissions.")


if __name__ == "__main__":
    main()
