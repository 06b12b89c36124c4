"""`python -m network HOST:PORT`: a bad network before a server, until SIGTERM, Ctrl-C or its script's end."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from random import Random

import gevent
from gevent.event import Event

from exit_codes import ExitCode
from faults import Fault

from . import script
from .player import play
from .relay import Relay
from .script_option import script_text


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m network", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.epilog = script.__doc__
    parser.add_argument("target", help="host:port of the server behind it")
    parser.add_argument("--port", type=int, default=0, help="where it listens (default: any that is free)")
    parser.add_argument("--script", default="", help="what happens when, or a file that says so")
    parser.add_argument("--seed", type=int, default=1, help="of its chance (default 1)")
    parser.add_argument("--log", type=Path, help="a file for a line of JSON for each step that was done")
    options = parser.parse_args(arguments)
    host, _, port = options.target.rpartition(":")
    try:
        steps = script.parse(script_text(options.script))
    except Fault as fault:
        sys.stderr.write(f"network: {fault}\n")
        return ExitCode.USAGE
    if not port.isdecimal():
        sys.stderr.write(f"network: {options.target!r} is no host:port.\n")
        return ExitCode.USAGE
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, ended.set)
    random = Random(options.seed)  # noqa: S311 - chance that can be repeated
    with Relay((host, int(port)), random, port=options.port) as relay:
        sys.stdout.write(f"network: 127.0.0.1:{relay.port} before {options.target}\n")
        sys.stdout.flush()
        player = gevent.spawn(play, relay, steps, lambda done: _log(options.log, done))
        if any(step.act == script.END for step in steps):
            player.link(lambda _: ended.set())
        ended.wait()
        player.kill()
        sys.stdout.write(json.dumps(dict(relay.counts)) + "\n")
    return ExitCode.PASSED


def _log(path: Path | None, done: dict[str, object]) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    sys.exit(main())
