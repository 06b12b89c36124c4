"""Which local addresses this process's connections leave from."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit

import psutil

ALL: Final = "all"
"""Instead of addresses: all that a worker has. They differ from worker to worker, and no master knows them."""


def split(text: str) -> tuple[str, ...]:
    """The addresses of --source-addresses, or ALL alone."""
    return tuple(address.strip() for address in text.split(",") if address.strip())


def resolve(addresses: tuple[str, ...], target: str) -> tuple[str, ...]:
    """What they mean here.

    :param target: the backend's URL, which says whether addresses of IPv4 or of IPv6 are needed.
    """
    return own(_family(target)) if addresses == (ALL,) else addresses


def own(family: socket.AddressFamily) -> tuple[str, ...]:
    """This machine's addresses, without those of loopback and of one link."""
    found = [
        entry.address for entries in psutil.net_if_addrs().values() for entry in entries if entry.family == family
    ]
    reachable = (address for address in found if _leads_away(address))
    return tuple(sorted(reachable))


def _leads_away(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return not parsed.is_loopback and not parsed.is_link_local


def _family(target: str) -> socket.AddressFamily:
    parts = urlsplit(target)
    try:
        return socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)[0][0]
    except OSError:
        # The connections will say so, and better.
        return socket.AF_INET
