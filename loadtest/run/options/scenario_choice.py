"""`--scenario`: a run that plays the named scenarios and no others."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from loadtest.errors import Fault, Owner
from loadtest.run.options.option_types import weights_of
from loadtest.scenarios import catalogue

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from locust import User

    from loadtest.scenarios.scenario import Scenario


def apply(classes: Iterable[type[User]], options: argparse.Namespace) -> None:
    """Narrow the run's tags to the named scenarios: each scenario's name is a tag of its task.

    Does nothing where none is named.

    :param classes: of the users that may take part.
    :raises Fault: if there is no such scenario, or nobody to play it.
    """
    if named := names_in(options.scenario):
        options.tags = named
        _check_played(named, classes, options)


def names_in(text: str) -> list[str]:
    """Return the names of scenarios in a list with commas, as the catalogue spells them.

    :raises Fault: if one is not in the catalogue.
    """
    known = {scenario.name.casefold(): scenario.name for scenario in _all()}
    found: list[str] = []
    for given in filter(None, (" ".join(part.split()) for part in text.split(","))):
        name = known.get(given.casefold())
        if name is None:
            near = difflib.get_close_matches(given.casefold(), known, 1)
            nearest = f"Did you mean {known[near[0]]!r}? " if near else ""
            raise Fault(
                Owner.USER,
                f"expected the name of a scenario in --scenario, got {given!r}",
                f"{nearest}There are: {', '.join(known.values())}.",
            )
        if name not in found:
            found.append(name)
    return found


def _check_played(names: Iterable[str], classes: Iterable[type[User]], options: argparse.Namespace) -> None:
    mix = weights_of(options.mix)
    taking_part = {one.__name__ for one in classes if not mix or one.__name__ in mix}
    played = {one.name for one in catalogue.chosen(taking_part, options.tags, options.exclude_tags or ())}
    for name in names:
        if name not in played:
            roles = [
                role for role, scenarios in catalogue.ROLES.items() if name in {one.name for one in scenarios}
            ]
            raise Fault(
                Owner.USER,
                f"expected a user that plays {name!r}, got none: {' and '.join(roles)} takes no part in it",
                f"Add {roles[0]} to --mix and to the user classes, or leave these and --exclude-tags out.",
            )


def _all() -> Iterable[Scenario]:
    return (scenario for played in catalogue.ROLES.values() for scenario in played)
