"""Whose worker a process is, so that no worker takes part in a run that is not its own.

Locust lets in every worker that finds the master's port. So two runs that were given one port shared their
workers: the second master could not bind, and the workers that it had forked already found the first one.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import gevent

from loadtest.run.master import master_port

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from locust.argument_parser import LocustArgumentParser

_LOOK_S: Final = 1.0
_PARSE: Final = "parse_args"
_KEY: Final = "fleet_key"
_FORKED_BY: Final = "fleet_forked_by"


@dataclass(frozen=True, slots=True)
class FleetIdentity:
    """What a master and its workers have in common, and nobody else.

    name: of the fleet, given by --fleet; empty if none was.
    key: made by a master that forks its workers, who inherit it; empty where workers are started by hand.
    forked_by: the process id of that master; 0 where workers are started by hand.
    """

    name: str = ""
    key: str = ""
    forked_by: int = 0

    @classmethod
    def of(cls, options: argparse.Namespace) -> FleetIdentity:
        """Return the identity that the options of this process carry."""
        return cls(options.fleet, getattr(options, _KEY, ""), getattr(options, _FORKED_BY, 0))

    def to_message(self) -> dict[str, Any]:
        """Return it as a message."""
        return asdict(self)

    def refusal(self, worker: FleetIdentity) -> str:
        """Return why a worker may not join this master's run; empty if it may."""
        if worker.key:
            if worker.key == self.key:
                return ""
            own = f"process {self.forked_by}" if self.key else "no process"
            return f"expected a worker forked by {own}, got one forked by process {worker.forked_by}"
        if worker.name == self.name:
            return ""
        return f"expected a worker {_with(self.name)}, got one {_with(worker.name)}"


def _with(name: str) -> str:
    return f"with --fleet {name}" if name else "without --fleet"


def settle_with(parser: LocustArgumentParser) -> None:
    """Have each parsed command line carry its fleet and the port where it meets.

    Locust forks workers right after it has parsed, before any of its events: they inherit both.
    """
    master_port.set_defaults(parser)
    parse: Callable[..., argparse.Namespace] = parser.parse_args

    def parse_and_settle(*arguments: Any, **more: Any) -> argparse.Namespace:
        options = parse(*arguments, **more)
        if master_port.forks_workers(options):
            master_port.choose(options)
            # As plain values: Locust sends all options to all workers.
            setattr(options, _KEY, _key_of_this_process())
            setattr(options, _FORKED_BY, os.getpid())
        return options

    setattr(parser, _PARSE, parse_and_settle)


@cache
def _key_of_this_process() -> str:
    return secrets.token_hex(8)


def when_orphaned(fleet: FleetIdentity, act: Callable[[], object]) -> None:
    """Act once if the master that forked this process is gone: it cannot end its workers any more.

    Returns at once; does nothing in workers that were started by hand.
    """
    if fleet.forked_by:
        gevent.spawn(_watch, fleet.forked_by, act)


def _watch(master_pid: int, act: Callable[[], object]) -> None:
    while os.getppid() == master_pid:
        gevent.sleep(_LOOK_S)
    act()
