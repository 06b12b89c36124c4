"""`loadtest suites`: run the suites of this folder, and end with one outcome over all of them.

Each suite is `locust --config loadtest/suites/NAME.conf`. Options that are not named below go to Locust, for every
suite.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from loadtest.exit_codes import ExitCode
from loadtest.processes import end, start
from loadtest.suites.results import (
    SuiteResult,
    exit_code,
    markdown,
    names_of,
    outcome_of,
    overall_line,
    page,
    record_in,
    suite_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FOLDER: Final = Path(__file__).resolve().parent
_ROOT: Final = _FOLDER.parent
_LOOK_S: Final = 0.2
_WIDTH: Final = 14
"""Of the names of runs, as they are printed."""
_RECORD_GRACE_S: Final = 90.0
"""How long an interrupted run may take to write its record."""
_LAST_GRACE_S: Final = 5.0


@dataclass(slots=True)
class _Running:
    name: str
    process: subprocess.Popen[str]
    began_s: float


def parse(arguments: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """Return the command line, and the options that are Locust's."""
    there = sorted(file.stem for file in _FOLDER.glob("*.conf"))
    parser = argparse.ArgumentParser(prog="loadtest suites", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--host", default=os.environ.get("LOCUST_HOST", ""), help="the backend's address (default: LOCUST_HOST)"
    )
    parser.add_argument(
        "--suites",
        default=",".join(there),
        metavar="NAME,…",
        help=f"which suites, in this order (default: all: {', '.join(there)})",
    )
    parser.add_argument(
        "--repeat",
        type=int,
        default=1,
        metavar="N",
        help="how often they run: all of them, and then all of them again; the runs are called core-1, core-2, … "
        "(default 1)",
    )
    parser.add_argument(
        "--side-by-side",
        type=int,
        default=1,
        metavar="N",
        help="how many run at a time; they load the backend together, and their latencies show it (default 1)",
    )
    parser.add_argument(
        "--results-dir",
        type=Path,
        default=Path("results/suites"),
        help="where suites.html, suites.md, suites.json, logs and a folder of records for each suite go "
        "(default results/suites)",
    )
    options, rest = parser.parse_known_args(arguments)
    options.suites = [name for part in options.suites.split(",") if (name := part.strip())]
    if not options.host:
        parser.error("expected the backend's address, got none; give --host or LOCUST_HOST")
    if unknown := [name for name in options.suites if name not in there]:
        parser.error(f"expected suites of {', '.join(there)}, got {', '.join(unknown)}")
    if len(set(options.suites)) < len(options.suites) or not options.suites:
        parser.error("expected each suite once in --suites, and at least one")
    for name in ("repeat", "side_by_side"):
        if (number := getattr(options, name)) < 1:
            parser.error(f"expected --{name.replace('_', '-')} of 1 or more, got {number}")
    return options, rest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them, print a line for each, write the pages, and return the worst exit code."""
    options, for_locust = parse(arguments)
    # `make` and CI end us with SIGTERM: running suites shall write their records then, as on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    suites = Suites(options.host, options.results_dir, for_locust)
    names = names_of(options.suites, options.repeat)
    try:
        suites.run(names, options.side_by_side)
    except KeyboardInterrupt:
        suites.interrupt(names)
    except OSError as error:
        _say(f"NOT RUN: expected a folder for results, got {error}; give another --results-dir")
        return ExitCode.SETUP_FAILED
    # In the order in which they were asked for, and not in that in which they ended.
    results = sorted(suites.results, key=lambda one: names.index(one.suite))
    folder = options.results_dir
    lines = json.dumps({"line": overall_line(results), "suites": [one.to_json() for one in results]}, indent=2)
    (folder / "suites.json").write_text(lines + "\n", encoding="utf-8")
    (folder / "suites.md").write_text(markdown(results), encoding="utf-8")
    (folder / "suites.html").write_text(page(results), encoding="utf-8")
    _say(f"Page      {folder / 'suites.html'}")
    _say(overall_line(results))
    return exit_code(results)


class Suites:
    """The suites of one command.

    :param host: the backend's address.
    :param folder: of all results.
    :param for_locust: more options of each run.
    """

    def __init__(self, host: str, folder: Path, for_locust: Sequence[str]) -> None:
        self._host = host
        self._folder = folder
        self._for_locust = for_locust
        self._running: list[_Running] = []
        self.results: list[SuiteResult] = []
        """How those came out that have ended."""

    def run(self, names: Iterable[str], side_by_side: int) -> None:
        """Run suites to their ends.

        :param names: of the runs, see `results.names_of`.
        :param side_by_side: how many at a time.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        waiting = list(names)
        while waiting or self._running:
            while waiting and len(self._running) < side_by_side:
                self._running.append(self._start(waiting.pop(0)))
            time.sleep(_LOOK_S)
            for one in [one for one in self._running if one.process.poll() is not None]:
                self._ended(one)
                self._running.remove(one)

    def interrupt(self, names: Iterable[str]) -> None:
        """End what runs, with its records; suites that did not begin are not run.

        Another Ctrl-C goes to the runs: it ends their wait for the last deliveries.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._pass_on())
        self._pass_on()
        ended = {result.suite for result in self.results}
        for one in [one for one in self._running if one.name not in ended]:
            with suppress(subprocess.TimeoutExpired):
                one.process.wait(_RECORD_GRACE_S)
            end(one.process, signal.SIGTERM, _LAST_GRACE_S)
            self._ended(one)
        ended = {result.suite for result in self.results}
        code = 128 + signal.SIGINT
        self.results += [
            SuiteResult(name, "NOT RUN", code, "interrupted before it began", 0.0, "")
            for name in names
            if name not in ended
        ]

    def _pass_on(self) -> None:
        for one in self._running:
            one.process.send_signal(signal.SIGINT)

    def _start(self, name: str) -> _Running:
        suite = suite_of(name)
        log = self._log(name)
        log.unlink(missing_ok=True)
        command = [
            *(sys.executable, "-m", "locust", "-f", str(_ROOT / "locustfile.py")),
            *("--config", str(_FOLDER / f"{suite}.conf"), "--host", self._host),
            *("--results-dir", str(self._folder / suite), *self._for_locust),
        ]
        _say(f"{name:<{_WIDTH}}begins")
        return _Running(name, start(command, log), time.monotonic())

    def _ended(self, one: _Running) -> None:
        log = self._log(one.name)
        printed = log.read_text(encoding="utf-8", errors="replace").splitlines()
        word, code, why = outcome_of(one.process.returncode, printed)
        took_s = time.monotonic() - one.began_s
        record = Path(record_in(printed)) if record_in(printed) else None
        report = record / "report.html" if record is not None else None
        result = SuiteResult(
            *(one.name, word, code, why, took_s, log.name),
            record="" if record is None else self._relative(record),
            report="" if report is None or not report.exists() else self._relative(report),
        )
        self.results.append(result)
        _say(f"{one.name:<{_WIDTH}}{result.line}  [{took_s:.0f} s, {report or record or log}]")

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path, self._folder)


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
