"""Attacks go where they are sent on purpose: to this machine, or where the user says so in so many words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.errors import Fault, Owner
from loadtest.measurement.target import hosts_of, is_here
from loadtest.run.options.option_types import weights_of
from loadtest.scenarios import catalogue
from loadtest.scenarios.scenario import SECURITY

if TYPE_CHECKING:
    import argparse

    from loadtest.scenarios.scenario import Scenario


def check(options: argparse.Namespace) -> None:
    """Make sure that the scenarios of the security suite are meant for another machine, if they go to one.

    :raises Fault: if they go there without having been told to.
    """
    remote = [host for host in hosts_of(options.host or "") if not is_here(host)]
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
