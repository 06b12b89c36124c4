"""The command `loadtest`: one name for all that the package can be told to do.

A command's module is imported only when the command is called: `loadtest wait-for` needs no pandas, and reports
need no Locust.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loadtest import __version__
from loadtest.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOCUSTFILE: Final = Path(__file__).with_name("locustfile.py")
"""The built-in locustfile: all user classes of the package."""
_HELP: Final = ("-h", "--help")
_REPORTS: Final = ("jinja2", "matplotlib", "pandas")
"""What the extra `reports` installs: a worker does without."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    about: what it does, in one line. call: does it; takes the arguments after its name, returns the exit code.
    """

    about: str
    call: Callable[[list[str]], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    :returns: the exit code, see docs/exit-codes.md.
    """
    name, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in _HELP:
        sys.stdout.write(overview())
        return ExitCode.PASSED
    if name == "--version":
        sys.stdout.write(f"loadtest {__version__}\n")
        return ExitCode.PASSED
    command = COMMANDS.get(name)
    if command is None:
        sys.stderr.write(f"loadtest: expected one of {', '.join(COMMANDS)}, got {name!r}. See: loadtest --help\n")
        return ExitCode.USAGE
    return command.call(rest)


def overview() -> str:
    """Return what there is."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:<{width}}{command.about}" for name, command in COMMANDS.items()]
    return (
        f"usage: loadtest COMMAND …\n\nA load test for Socket.IO broadcasts, on Locust. Version {__version__}.\n\n"
        + "\n".join(lines)
        + "\n\nEach has --help. A locustfile of your own calls `loadtest.install()`: locust -f FILE\n"
    )


def locust_command(arguments: Sequence[str], environment: dict[str, str] | os._Environ[str]) -> list[str]:
    """Return the command that starts Locust: with the built-in locustfile, unless another one is named.

    :param arguments: for Locust, as they are.
    """
    names_another = "LOCUST_LOCUSTFILE" in environment or any(
        one.startswith(("-f", "--locustfile")) for one in arguments
    )
    # -P: as for the command `locust`, a file in this folder that is called locust.py is not Locust.
    return [sys.executable, "-P", "-m", "locust", *(() if names_another else ("-f", str(LOCUSTFILE))), *arguments]


def _run(arguments: list[str]) -> int:
    if any(one in _HELP for one in arguments):
        sys.stdout.write(
            "usage: loadtest run [OPTION …]\n\n"
            "Run Locust with all user classes of this package. Takes Locust's own options, too:\n"
            "locust --help. A variable in brackets sets its option.\n\n"
        )
        return _options([])
    command = locust_command(arguments, os.environ)
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - Python itself, and what the user typed
    raise AssertionError("not reached: the process is Locust now")


def _options(arguments: list[str]) -> int:
    from loadtest.run.__main__ import main as call

    return call(arguments)


def _wait_for(arguments: list[str]) -> int:
    from loadtest.run.wait_for import main as call

    return call(arguments)


def _suites(arguments: list[str]) -> int:
    from loadtest.suites.__main__ import main as call

    return call(arguments)


def _network(arguments: list[str]) -> int:
    from loadtest.network.__main__ import main as call

    return call(arguments)


def _upload(arguments: list[str]) -> int:
    from loadtest.upload.__main__ import main as call

    return call(arguments)


def _canaries(arguments: list[str]) -> int:
    from loadtest.canaries.__main__ import main as call

    return call(arguments)


def _report(command: str) -> Callable[[list[str]], int]:
    def call(arguments: list[str]) -> int:
        try:
            from loadtest.reports.__main__ import main as reports

            return reports([command, *arguments])
        except ModuleNotFoundError as error:
            if error.name not in _REPORTS:
                raise
            sys.stderr.write(
                f"loadtest {command}: expected {error.name}, which is not installed. "
                "pip install 'prometheus-loadtest[reports]'\n"
            )
            return ExitCode.SETUP_FAILED

    return call


COMMANDS: Final = {
    "run": Command("run the load test: Locust with the built-in locustfile", _run),
    "suites": Command("run several suites, with one outcome", _suites),
    "options": Command("list the options of the load test, with their variables", _options),
    "report": Command("make a run's report again", _report("report")),
    "compare": Command("compare two runs: what changed, and how sure that is", _report("compare")),
    "trend": Command("draw the history of many runs", _report("trend")),
    "gate": Command("judge a record by objectives", _report("gate")),
    "nightly": Command("compare a run with its baseline, and draw the history", _report("nightly")),
    "baseline": Command("choose what nightly runs are compared with", _report("baseline")),
    "wait-for": Command("wait until a master listens, or a backend answers", _wait_for),
    "network": Command("be a bad network in front of a server", _network),
    "canaries": Command("install the official clients that --canaries needs", _canaries),
    "upload": Command("send the files of a folder to an object store", _upload),
}
