"""`loadtest network HOST:PORT`: a bad network before a server, until SIGTERM, Ctrl-C or its script's end."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from random import Random
from typing import Final

import gevent
from gevent.event import Event

from loadtest.errors import Fault, Owner
from loadtest.exit_codes import ExitCode
from loadtest.network import script
from loadtest.network.player import play
from loadtest.network.relay import Relay
from loadtest.network.script_options import StepLog, script_text

_MOST_PORT: Final = 65_535


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="loadtest network", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
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
        if not (port.isdecimal() and int(port) <= _MOST_PORT):
            raise Fault(Owner.USER, f"{options.target!r} is no host:port", "Give the server's.")
        log = StepLog(options.log)
        random = Random(options.seed)  # noqa: S311 - chance that can be repeated
        relay = _listening((host, int(port)), random, options.port)
    except Fault as fault:
        sys.stderr.write(f"network: {fault}\n")
        return ExitCode.USAGE
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, ended.set)
    with relay:
        sys.stdout.write(f"network: 127.0.0.1:{relay.port} before {options.target}\n")
        sys.stdout.flush()
        player = gevent.spawn(play, relay, steps, log.add)
        player.link_exception(lambda _: ended.set())
        if any(step.act == script.END for step in steps):
            player.link(lambda _: ended.set())
        ended.wait()
        failure = player.exception
        player.kill()
        sys.stdout.write(json.dumps(dict(relay.counts)) + "\n")
    if failure is not None:
        sys.stderr.write(f"network: the script could not be played to its end: {failure}\n")
        return ExitCode.SETUP_FAILED
    return ExitCode.PASSED


def _listening(target: tuple[str, int], random: Random, port: int) -> Relay:
    try:
        return Relay(target, random, port=port)
    except (OSError, OverflowError) as error:
        raise Fault(Owner.USER, f"cannot listen on --port {port}: {error}", "Choose another, or 0.") from error


if __name__ == "__main__":
    sys.exit(main())
