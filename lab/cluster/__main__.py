"""`python -m lab.cluster`: several reference backends behind a load balancer, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cluster import balancer, broker, script
from lab.cluster.instances import Cluster
from lab.reference_backend.postgres import embedded as embedded_postgres
from loadtest.errors import Fault
from loadtest.exit_codes import ExitCode
from loadtest.network.script_options import StepLog, script_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.cluster.script import Step


def parse(arguments: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """The command line, and what of it goes to every instance."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.epilog = (
        f"Further options go to every instance, see python -m lab.reference_backend.\n\n{script.__doc__}"
    )
    parser.add_argument("--instances", type=int, default=3, help="how many (default 3)")
    parser.add_argument(
        "--sticky", choices=balancer.STICKINESS, default=balancer.COOKIE, help="sessions (default cookie)"
    )
    parser.add_argument("--script", default="", help="what happens when, or a file that says so")
    parser.add_argument("--log", type=Path, help="a file for a line of JSON for each step that was done")
    parser.add_argument("--redis-url", default="", help="an existing one; default: one of its own")
    return parser.parse_known_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, play the script, and clean up; prints where clients connect, and where each instance answers."""
    options, rest = parse(arguments)
    # `python -m lab.reference_backend` is ended by SIGTERM: that shall clean up as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.PASSED))
    try:
        steps = script.parse(script_text(options.script))
        script.check(steps, options.instances)
        log = StepLog(options.log)
        with ExitStack() as stack, suppress(KeyboardInterrupt):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-")))
            database_url = stack.enter_context(embedded_postgres())
            redis_url = options.redis_url or stack.enter_context(broker.embedded(folder))
            front = balancer.Balancer(folder, options.sticky)
            stack.callback(front.end)
            cluster = Cluster(front, ["--database-url", database_url, "--redis-url", redis_url, *rest], folder)
            stack.callback(cluster.end)
            cluster.open(options.instances)
            _say(f"cluster: {front.url} {database_url}")
            for name, url in cluster.urls.items():
                _say(f"instance {name}: {url} pid {cluster.processes[name].pid}")
            _play(cluster, steps, log)
            while True:
                signal.pause()
    except (Fault, TimeoutError) as error:
        sys.stderr.write(f"cluster: {error}\n")
        return ExitCode.USAGE if isinstance(error, Fault) else ExitCode.SETUP_FAILED
    return ExitCode.PASSED


def _play(cluster: Cluster, steps: list[Step], log: StepLog) -> None:
    began_s = time.monotonic()
    for step in steps:
        time.sleep(max(began_s + step.at_s - time.monotonic(), 0.0))
        started_ns = time.time_ns()
        cluster.do(step)
        done: dict[str, Any] = {"at_ns": started_ns, "done_ns": time.time_ns(), "act": step.act}
        _say(log.add(done | {"instance": step.instance}))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
