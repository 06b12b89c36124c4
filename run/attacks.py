"""Attacks go where they are sent on purpose: to this machine, or where the user says so in so many words."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from backend.endpoint import hosts_of
from faults import Fault, Owner
from scenarios import catalogue
from scenarios.scenario import SECURITY

from .option_types import weights_of

if TYPE_CHECKING:
    import argparse

    from scenarios.scenario import Scenario


def check(options: argparse.Namespace) -> None:
    """Make sure that the scenarios of the security suite are meant for another machine, if they go to one.

    :raises Fault: if they go there without having been told to.
    """
    remote = [host for host in hosts_of(options.host or "") if not _is_here(host)]
    attacks = sorted({scenario.name for scenario in _played(options) if scenario.suites == (SECURITY,)})
    if remote and attacks and not options.allow_remote_target:
        raise Fault(
            Owner.USER,
            f"{remote[0]} is another machine, and would be attacked: {', '.join(attacks)}",
            "If it is yours to attack, add --allow-remote-target; otherwise leave the security suite out.",
        )


def _played(options: argparse.Namespace) -> list[Scenario]:
    tags = options.tags or ()
    everybody = catalogue.ROLES if tags or options.class_picker else ()
    roles = weights_of(options.mix) or options.user_classes or everybody
    return list(catalogue.chosen(list(roles), tags, options.exclude_tags or ()))


def _is_here(host: str) -> bool:
    name = urlsplit(host).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        # A name may lead anywhere, and tomorrow elsewhere; this one is reserved (RFC 6761).
        return name == "localhost" or name.endswith(".localhost")
