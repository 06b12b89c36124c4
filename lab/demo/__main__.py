"""`python -m lab.demo`: run everything once; the exit code is the run's."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from lab.demo.backend import reference_backend
from lab.reference_backend.profile import PROFILES
from loadtest.exit_codes import ExitCode
from loadtest.processes import end, free_port, start
from loadtest.run.options import option_types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.demo.backend import Backend

_ROOT = Path(__file__).resolve().parent.parent.parent
_PUBLISHERS = 4
_SPAWN_RATE = 50
_RECORD_GRACE_S = 60.0
_WORKER_GRACE_S = 5.0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="documented")
    parser.add_argument("--users", type=option_types.at_least_one, default=200, help="viewers (default 200)")
    parser.add_argument("--rooms", type=option_types.at_least_one, default=10)
    parser.add_argument("--rate", type=option_types.rate, default=10.0, help="triggers a second (default 10)")
    parser.add_argument("--workers", type=option_types.at_least_one, default=2)
    parser.add_argument("--duration", type=option_types.at_least_one, default=30, help="seconds (default 30)")
    parser.add_argument(
        "--faults",
        default="",
        help="what the backend does wrong, e.g. drop=1,duplicate=0.5; see python -m lab.reference_backend",
    )
    parser.add_argument("--results-dir", type=Path, default=Path("results"))
    parser.add_argument("--keep-logs", action="store_true", help="keep the processes' logs also after success")
    return parser.parse_args(arguments)


def main() -> None:
    """Start, wait, and end everything that was started, whatever happens."""
    options = parse()
    # `make` and CI end us with SIGTERM: that shall clean up as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    logs = Path(tempfile.mkdtemp(prefix="loadtest-demo-"))
    code: int = ExitCode.SETUP_FAILED
    demo = Demo(options, logs)
    try:
        code = demo.run()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
        _say("Interrupted; everything that was started has ended.")
    except TimeoutError as error:
        _say(f"demo: {error}. The logs in {logs} say why.")
    if code in (ExitCode.PASSED, 128 + signal.SIGINT) and not options.keep_logs:
        for file in logs.iterdir():
            file.unlink()
        logs.rmdir()
    else:
        _say(f"Logs      {logs}")
    if demo.last_line:
        _say(demo.last_line)
    sys.exit(code)


class Demo:
    """One demo."""

    def __init__(self, options: argparse.Namespace, logs: Path) -> None:
        self._options = options
        self._logs = logs
        self._last_line = ""

    @property
    def last_line(self) -> str:
        """The last line of the run: its outcome."""
        return self._last_line.rstrip()

    def run(self) -> int:
        """The run's exit code."""
        options = self._options
        with ExitStack() as stack:
            _say(f"Starting the reference backend ({options.profile}) with a PostgreSQL of its own")
            log = self._logs / "reference-backend.log"
            backend = stack.enter_context(reference_backend(options.profile, log, faults=options.faults))
            _say(f"Backend at {backend.url}; starting a master and {options.workers} workers")
            return self._run_locust(stack, backend)

    def _run_locust(self, stack: ExitStack, backend: Backend) -> int:
        options = self._options
        port = free_port()
        locust = [sys.executable, "-m", "locust", "-f", str(_ROOT / "locustfile.py")]
        master_command = [
            *locust,
            *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port)),
            *("--headless", "--expect-workers", str(options.workers), "--expect-workers-max-wait", "30"),
            *("--users", str(options.users + _PUBLISHERS), "--spawn-rate", str(_SPAWN_RATE)),
            *("--run-time", f"{options.duration}s", "--only-summary", "--host", backend.url),
            *("--rooms", str(options.rooms), "--rate", str(options.rate), "--publishers", str(_PUBLISHERS)),
            *("--results-dir", str(options.results_dir), "--monitor", f"pid:{backend.pid}"),
        ]
        # What the master prints is ours to show; Locust's own tables and log go to a file.
        log = self._logs / "master.log"
        master = start(master_command, log, environment=backend.private, output=subprocess.PIPE)
        workers: list[subprocess.Popen[str]] = []
        stack.callback(_end_fleet, master, workers)
        worker_command = [*locust, "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]
        # A list that is extended one by one: whatever was started before a failure is ended.
        workers.extend(
            start(worker_command, self._logs / f"worker-{number}.log") for number in range(options.workers)
        )
        assert master.stdout is not None
        for line in master.stdout:
            # The outcome, which comes last, is held back until the process has ended with its code.
            sys.stdout.write(self._last_line)
            sys.stdout.flush()
            self._last_line = line
        code = master.wait()
        if code in (ExitCode.SETUP_FAILED, 1, ExitCode.USAGE):
            _say(_last_error(log))
        return code


def _end_fleet(master: subprocess.Popen[str], workers: list[subprocess.Popen[str]]) -> None:
    """An interrupted master still collects from its workers and writes its record; what it says is shown."""
    if master.poll() is None:
        master.send_signal(signal.SIGINT)
    try:
        rest, _ = master.communicate(timeout=_RECORD_GRACE_S)
        sys.stdout.write(rest or "")
    except (subprocess.TimeoutExpired, ValueError):
        end(master, signal.SIGTERM, _WORKER_GRACE_S)
    for worker in workers:
        end(worker, signal.SIGTERM, _WORKER_GRACE_S)


def _interrupt() -> None:
    raise KeyboardInterrupt


def _last_error(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line for line in reversed(lines) if "ERROR" in line), lines[-1] if lines else "")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
