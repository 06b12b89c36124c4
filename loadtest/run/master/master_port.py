"""The master's port: a free one for `--processes` if none was given; one line if it is busy."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Final

from locust.exception import RPCError

if TYPE_CHECKING:
    import argparse
    from types import TracebackType

    from locust.argument_parser import LocustArgumentParser

_LOCUST_DEFAULT: Final = 5557
_ALL_ADDRESSES: Final = "*"
_THIS_MACHINE: Final = "127.0.0.1"


class DefaultPort(int):
    """Locust's default of a port, told from the same number given on the command line."""


def set_defaults(parser: LocustArgumentParser) -> None:
    """Let `choose` tell ports that were given from those that were not."""
    parser.set_defaults(
        master_port=DefaultPort(_LOCUST_DEFAULT),
        master_bind_port=DefaultPort(_LOCUST_DEFAULT),
    )


def forks_workers(options: argparse.Namespace) -> bool:
    """Return whether this process becomes a master with workers that it forks itself."""
    return bool(options.processes) and not options.worker


def choose(options: argparse.Namespace) -> None:
    """Settle the port at which a master meets the workers that it forks; see `forks_workers`.

    Must run before Locust forks: the workers inherit the options. A port that was given once is meant for both
    sides. With none given, a free port is taken, and only this machine reaches it: with Locust's own default, two
    runs on one machine would meet.
    """
    ports = (options.master_bind_port, options.master_port)
    given = [port for port in ports if not isinstance(port, DefaultPort)]
    if not given:
        if options.master_bind_host == _ALL_ADDRESSES:
            options.master_bind_host = _THIS_MACHINE
        given = [_free_port()]
    options.master_bind_port, options.master_port = given[0], given[-1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_THIS_MACHINE, 0))
        port: int = probe.getsockname()[1]
        return port


def one_line_if_busy(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Locust knows only one wording of this failure and shows a traceback for the others."""
    if isinstance(error, RPCError) and "Address already in use" in str(error):
        sys.stderr.write(
            f"locust: error: the master's port is busy: {error}. Another master may be running: end it, or choose "
            "another --master-bind-port; with --processes and none given, a free one is taken.\n"
        )
    else:
        sys.__excepthook__(kind, error, trace)
