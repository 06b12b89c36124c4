"""`make instructions`: how many instructions a delivery takes, beside a recorded reference.

Counted by valgrind in `lab.bench.hot_path`, as the difference of a long run and a short one: what the interpreter
takes to start falls out, and how busy the machine is does not matter. A reference holds for the Python and the
packages that it was recorded with; a run that is worse than it by more than 1% ends with 1.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from typing import Any, Final

from lab.bench.children import HERE, ROOT

REFERENCE: Final = HERE / "instructions.json"
MEMBERS: Final = 200
SHORT: Final = 100
LONG: Final = 500
TOLERANCE: Final = 0.01
"""Two runs of the same code differ by 0.1%, one call of a Python function more for each delivery by 3%."""
_PACKAGES: Final = ("gevent", "numpy", "python-engineio", "python-socketio")
_COUNTED: Final = re.compile(r"I\s+refs:\s+([\d,]+)")
_ALIKE: Final = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
"""What every run has in common; numpy's further threads would spin, for as long as they happen to."""
_NO_REFERENCE: Final = 3


def per_delivery(*more: str) -> float:
    """Instructions in user space for each delivery.

    :param more: arguments of `lab.bench.hot_path`.
    """
    deliveries = (LONG - SHORT) * MEMBERS
    return (_count(LONG, *more) - _count(SHORT, *more)) / deliveries


def made_of() -> dict[str, str]:
    """What a count depends on beside our own code."""
    packages = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {"python": platform.python_version(), "machine": platform.machine(), **packages}


def verdict(found: float, reference: dict[str, Any], now: dict[str, str]) -> tuple[str, int]:
    """What to say, and the exit code. Pure.

    :param reference: {made_of, instructions}.
    :param now: what this count was made of.
    """
    if reference["made_of"] != now:
        other = [name for name in now if reference["made_of"].get(name) != now[name]]
        return f"the reference is of another {', '.join(other)}: record one (--record)", _NO_REFERENCE
    change = found / reference["instructions"] - 1
    told = f"{change:+.2%} of the reference's {reference['instructions']:.0f}"
    return (told, 0) if change <= TOLERANCE else (f"{told}: more than {TOLERANCE:.0%} worse", 1)


def main() -> None:
    """Count, and compare or record."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.instructions", description=__doc__)
    parser.add_argument("--record", action="store_true", help="make this count the reference")
    options = parser.parse_args()
    found = per_delivery()
    sys.stdout.write(f"{found:.0f} instructions for each delivery\n")
    if options.record:
        reference = {"made_of": made_of(), "instructions": round(found)}
        REFERENCE.write_text(json.dumps(reference, indent=1) + "\n", encoding="utf-8")
        return
    told, code = verdict(found, json.loads(REFERENCE.read_text(encoding="utf-8")), made_of())
    sys.stdout.write(told + "\n")
    sys.exit(code)


def _count(broadcasts: int, *more: str) -> int:
    command = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
        sys.executable,
    ]
    command += ["-m", "lab.bench.hot_path", "--members", str(MEMBERS), "--broadcasts", str(broadcasts), *more]
    environment = os.environ | _ALIKE
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=True
    )
    counted = _COUNTED.search(done.stderr)
    assert counted is not None, done.stderr
    return int(counted[1].replace(",", ""))


if __name__ == "__main__":
    main()
