"""`make calibrate`: runs against a backend that does known wrong; the truth beside what was measured, in a table.

Exit code 1 if they differ anywhere, or if a case could not be measured. Also in results/calibration.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.calibration.case_run import StalledError, measure
from lab.calibration.cases import CASES

if TYPE_CHECKING:
    from lab.calibration.cases import Row

ROOT: Final = Path(__file__).resolve().parent.parent.parent
RESULTS: Final = ROOT / "results" / "calibration.json"
_PROFILES: Final = ("documented", "as-built", "deployed")


def main() -> None:
    """Run the cases, print and write the table."""
    parser = argparse.ArgumentParser(prog="python -m lab.calibration", description=__doc__)
    parser.add_argument("--only", choices=CASES, help="one case")
    parser.add_argument("--profile", choices=_PROFILES, help="one profile (default: all)")
    parser.add_argument("--workers", type=int, help="one number of workers (default: 1 and 3)")
    parser.add_argument("--seconds", type=int, default=6, help="of each run (default 6)")
    options = parser.parse_args()
    rows: list[Row] = []
    stalled = 0
    for profile in [options.profile] if options.profile else _PROFILES:
        for workers in [options.workers] if options.workers else [1, 3]:
            for name in [options.only] if options.only else CASES:
                try:
                    found = measure(name, profile, workers, options.seconds)
                except StalledError as error:
                    sys.stdout.write(f"NOT MEASURED  {error}\n")
                    stalled += 1
                    continue
                for row in found:
                    sys.stdout.write(
                        f"{'ok  ' if row.passed else 'DIFF'}  {row.case:40} {row.quantity:28} "
                        f"{row.truth:10.6g} {row.measured:10.6g}\n"
                    )
                sys.stdout.flush()
                rows += found
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([row.to_json() for row in rows], indent=1) + "\n", encoding="utf-8")
    wrong = sum(not row.passed for row in rows)
    not_measured = f"; {stalled} cases were not measured: this machine is too busy" if stalled else ""
    sys.stdout.write(f"{len(rows)} quantities, {wrong} differ from the truth{not_measured}\n")
    sys.exit(bool(wrong or stalled))


if __name__ == "__main__":
    main()
