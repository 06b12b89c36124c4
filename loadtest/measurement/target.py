"""What is measured: a backend, as `--host` names it and a summary's `target` after it. Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def hosts_of(target: str) -> list[str]:
    """Its URLs: several have commas between them."""
    return [host.strip() for host in target.split(",")]


def is_here(host: str) -> bool:
    """Whether a URL leads to this machine for sure."""
    name = urlsplit(host).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        # A name may lead anywhere, and tomorrow elsewhere; this one is reserved (RFC 6761).
        return name == "localhost" or name.endswith(".localhost")
