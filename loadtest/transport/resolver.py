"""Host names with several addresses: new connections go to all of them in turn, and skip dead ones."""

from __future__ import annotations

import errno
import ipaddress
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gevent import socket as gevent_socket
from gevent.lock import BoundedSemaphore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Lookup = Callable[[str, int], Sequence[tuple[Any, ...]]]

DEFAULT_TTL_S: Final = 60.0
DEAD_S: Final = 5.0
"""How long an unreachable address is skipped, in seconds."""
_LEAST_TTL_S: Final = 1.0
"""Minimum seconds between two lookups of a name whose addresses are all dead, or whose lookup fails."""
_LEAST_ATTEMPT_S: Final = 2.0
_OUR_SIDE: Final = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.EAFNOSUPPORT)
)
"""Reasons for which a connection fails whatever the address."""


class Target(NamedTuple):
    """One address of a host name, as `socket.socket` and `connect` take it."""

    family: int
    kind: int
    protocol: int
    address: Any


@dataclass(slots=True)
class _Name:
    """State of one host name. turns: number of connections so far, by purpose."""

    targets: tuple[Target, ...] = ()
    until_s: float = 0.0
    resolved_s: float = 0.0
    turns: Counter[str] = field(default_factory=Counter)
    lock: BoundedSemaphore = field(default_factory=BoundedSemaphore)


class Resolver:
    """Resolves the host names of one process; a lookup blocks no other greenlet.

    If a name has addresses of both families, connections use those of the family that the system prefers in turn,
    and the others only if none of these can be reached.

    :param lookup: (host, port) -> addresses in the form of `socket.getaddrinfo`.
    :param clock: monotonic, in seconds.
    """

    def __init__(self, lookup: Lookup | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.ttl_s = DEFAULT_TTL_S
        """Seconds until a name is resolved again for a new connection; 0 for each connection."""
        self._lookup: Lookup = lookup or _getaddrinfo
        self._clock = clock
        self._names: dict[tuple[str, int], _Name] = {}
        self._dead_until_s: dict[Any, float] = {}

    def targets(
        self, host: str, port: int, purpose: str = "", *, source: str | None = None, in_turn: bool = True
    ) -> list[Target]:
        """Return a host's addresses in the order in which a new connection should try them.

        :param purpose: the connection's purpose; the connections of each purpose take turns separately.
        :param source: the local address to leave from: addresses of the other family cannot be reached from it.
        :param in_turn: False for the system's own order.
        :raises OSError: if the name has no address.
        """
        name = self._names.setdefault((host, port), _Name())
        found = self._resolve(name, host, port)
        if source is not None:
            family = socket.AF_INET6 if ":" in source else socket.AF_INET
            found = tuple(target for target in found if target.family == family) or found
        now_s = self._clock()
        dead_until_s = self._dead_until_s
        alive = [target for target in found if dead_until_s.get(target.address, 0.0) <= now_s]
        dead = [target for target in found if dead_until_s.get(target.address, 0.0) > now_s]
        if in_turn:
            alive = _rotated(alive, found[0].family, name.turns[purpose])
            name.turns[purpose] += 1
        if alive and alive[0].address in dead_until_s:
            # This connection finds out whether the address is back; others skip it meanwhile.
            dead_until_s[alive[0].address] = now_s + DEAD_S
        return alive + dead

    def reached(self, target: Target) -> None:
        """Note that a connection to an address was made."""
        self._dead_until_s.pop(target.address, None)

    def failed(self, host: str, port: int, target: Target, error: BaseException) -> None:
        """Note that a connection to an address could not be made."""
        # Too many open files, for example, say nothing about the address.
        if isinstance(error, OSError) and error.errno in _OUR_SIDE:
            return
        now_s = self._clock()
        self._dead_until_s[target.address] = now_s + DEAD_S
        name = self._names.get((host, port))
        if name is not None and all(self._dead_until_s.get(one.address, 0.0) > now_s for one in name.targets):
            # Perhaps all instances have moved.
            name.until_s = min(name.until_s, name.resolved_s + _LEAST_TTL_S)

    def attempt_s(self, left_s: float, remaining: int) -> float:
        """Return how long a connection may try one address, in seconds, so that there is time for the others.

        :param left_s: seconds until the connection has to be made.
        :param remaining: number of addresses that were not tried yet, including this one.
        """
        return max(left_s / remaining, min(left_s, _LEAST_ATTEMPT_S))

    def _resolve(self, name: _Name, host: str, port: int) -> tuple[Target, ...]:
        if self.ttl_s <= 0 and not _is_numeric(host):
            self._look_up(name, host, port)
        elif not name.targets:
            with name.lock:
                if not name.targets:
                    self._look_up(name, host, port)
        elif name.until_s <= self._clock():
            # Other connections go on with the known addresses.
            name.until_s = self._clock() + _LEAST_TTL_S
            self._look_up(name, host, port)
        return name.targets

    def _look_up(self, name: _Name, host: str, port: int) -> None:
        try:
            found = tuple(
                dict.fromkeys(Target(one[0], one[1], one[2], one[4]) for one in self._lookup(host, port))
            )
        except OSError:
            if not name.targets:
                raise
            found = name.targets
        now_s = self._clock()
        name.targets = found
        name.resolved_s = now_s
        name.until_s = float("inf") if _is_numeric(host) else now_s + max(self.ttl_s, 0.0)


def _getaddrinfo(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    """Look up in gevent's thread pool."""
    found: Sequence[tuple[Any, ...]] = gevent_socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    return found


def _rotated(targets: list[Target], preferred: int, turn: int) -> list[Target]:
    """Return the addresses from the next one on, sorted: a name server that shuffles would make turns uneven.

    :param preferred: the family that comes first.
    """
    first = sorted((one for one in targets if one.family == preferred), key=lambda one: one.address)
    others = [one for one in targets if one.family != preferred]
    start = turn % max(len(first), 1)
    return [*first[start:], *first[:start], *others]


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
