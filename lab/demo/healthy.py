"""`python -m lab.demo.healthy`: all suites, several times, against a healthy reference backend of each profile.

Every run has to end PASSED: what a suite says of a wrong backend is worth nothing if it says it of a right one,
too. It takes a quiet machine, since latencies are judged, and a good hour. Options that are not named below go to
`loadtest suites`.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from lab.demo.backend import reference_backend
from lab.reference_backend.profile import PROFILES
from loadtest.exit_codes import ExitCode
from loadtest.processes import end, start
from loadtest.run.options import option_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_RECORD_GRACE_S: Final = 120.0
_WIDTH: Final = 12
"""Of the names of profiles, as they are printed."""


def parse(arguments: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """Return the command line, and the options that are those of `loadtest suites`."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo.healthy", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--profiles", default=",".join(PROFILES), metavar="NAME,…", help=f"default: {','.join(PROFILES)}"
    )
    parser.add_argument(
        "--repeat", type=option_types.at_least_one, default=3, help="runs of each suite on each (default 3)"
    )
    parser.add_argument("--results-dir", type=Path, default=Path("results/healthy"))
    options, rest = parser.parse_known_args(arguments)
    options.profiles = options.profiles.split(",")
    if unknown := [name for name in options.profiles if name not in PROFILES]:
        parser.error(f"expected profiles of {', '.join(PROFILES)}, got {', '.join(unknown)}")
    return options, rest


def main() -> None:
    """Run them, print a line for each run, and end with 0 only if every run passed."""
    options, for_suites = parse()
    # `make` and CI end us with SIGTERM: running suites shall write their records then, as on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    codes: dict[str, int] = {}
    try:
        for profile in options.profiles:
            codes[profile] = _on(profile, options, for_suites)
    except KeyboardInterrupt:
        codes[profile] = 128 + signal.SIGINT
    except (OSError, TimeoutError) as error:
        _say(f"{profile:<{_WIDTH}}{error}")
        codes[profile] = ExitCode.SETUP_FAILED
    runs = {
        profile: _runs(options.results_dir / profile) if profile in codes else [] for profile in options.profiles
    }
    _say(overall_line(runs))
    sys.exit(next((code for code in codes.values() if code), ExitCode.PASSED))


def overall_line(runs: Mapping[str, Iterable[tuple[str, str]]]) -> str:
    """Return how all runs came out, in one line.

    :param runs: profile -> (run, its word), e.g. ("core-1", "PASSED").
    """
    words = [(f"{profile} {run}", word) for profile, found in runs.items() for run, word in found]
    others = [f"{run} {word}" for run, word in words if word != "PASSED"]
    others += [f"{profile} NOT RUN" for profile, found in runs.items() if not found]
    counted = f"{sum(word == 'PASSED' for _, word in words)} of {len(words)} runs passed"
    return f"{'FAILED' if others else 'PASSED'}: {'; '.join([counted, *others])}"


def _on(profile: str, options: argparse.Namespace, for_suites: Sequence[str]) -> int:
    """Run the suites against one profile; return the exit code of all of them."""
    folder = options.results_dir / profile
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suites.json").unlink(missing_ok=True)
    log = folder / "target.log"
    log.unlink(missing_ok=True)
    with reference_backend(profile, log) as backend:
        command = [
            *(sys.executable, "-m", "loadtest.suites", "--host", backend.url, "--repeat", str(options.repeat)),
            *("--results-dir", str(folder), "--expect", profile, *for_suites),
        ]
        suites = start(command, folder / "suites.log", environment=backend.private, output=subprocess.PIPE)
        try:
            _show(profile, suites)
        except KeyboardInterrupt:
            suites.send_signal(signal.SIGINT)
            _show(profile, suites)
            raise
        finally:
            end(suites, signal.SIGTERM, _RECORD_GRACE_S)
        return suites.returncode


def _show(profile: str, suites: subprocess.Popen[str]) -> None:
    """Print what the suites print, until they end."""
    assert suites.stdout is not None
    for line in suites.stdout:
        _say(f"{profile:<{_WIDTH}}{line.rstrip()}")
    suites.wait()


def _runs(folder: Path) -> list[tuple[str, str]]:
    """Return (run, its word) of each run on a profile; none if they were cut off."""
    try:
        found = json.loads((folder / "suites.json").read_text(encoding="utf-8"))
    except OSError:
        return []
    return [(one["suite"], one["word"]) for one in found["suites"]]


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
