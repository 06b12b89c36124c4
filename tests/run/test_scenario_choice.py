"""One scenario by its name: who plays it, and what is said where nobody would."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest

from loadtest.errors import Fault
from loadtest.run.options import attacks, casting, scenario_choice
from loadtest.scenarios import catalogue
from loadtest.scenarios.scenario import SUITES
from loadtest.tasks import always
from loadtest.users import roles
from loadtest.users.publisher import Publisher
from loadtest.users.viewer import Viewer

EVERYBODY = [Viewer, Publisher, *(getattr(roles, role) for role in catalogue.ROLES)]


def chosen(scenario: str, classes: list[Any] = EVERYBODY, **given: Any) -> tuple[set[str], Namespace]:
    """The user classes that take part, and the options as they are then."""
    options = Namespace(
        **{
            "mix": "",
            "tags": None,
            "exclude_tags": None,
            "user_classes": [],
            "class_picker": False,
            "publishers": 4,
            "run_time": None,
            "scenario": scenario,
            "host": "http://10.0.0.1",
            "allow_remote_target": False,
            **given,
        }
    )
    found = list(classes)
    try:
        scenario_choice.apply(found, options)
        casting.choose(found, options)
    finally:
        always.follow([])
    return {one.__name__ for one in found}, options


def played(names: set[str], options: Namespace) -> list[str]:
    return [one.name for one in catalogue.chosen(names, options.tags or (), options.exclude_tags or ())]


@pytest.mark.parametrize("scenario", [one.name for one in catalogue.ALL])
def test_each_scenario_is_played_alone_by_its_own_role(scenario: str) -> None:
    names, options = chosen(scenario)
    (role,) = names - {"Viewer", "Publisher"}
    assert played(names, options) == [scenario]
    assert scenario in {one.name for one in catalogue.ROLES[role]}


def test_several_and_as_somebody_types_them() -> None:
    names, options = chosen(" Rapid  cycles,memory, rapid cycles,")
    assert names == {"Viewer", "Publisher", "Churner", "Crowd"}
    assert options.tags == ["rapid cycles", "memory"]
    assert played(names, options) == ["rapid cycles", "memory"]


def test_none_is_named() -> None:
    assert chosen("")[0] == {"Viewer", "Publisher"}
    names, options = chosen("", tags=["integration"])
    assert len(played(names, options)) > 1


def test_it_narrows_a_suite() -> None:
    names, options = chosen("rapid cycles", tags=["core"], mix="Viewer=20,Churner,Operator")
    assert names == {"Viewer", "Publisher", "Churner"}
    assert played(names, options) == ["rapid cycles"]


def test_an_unknown_one_is_told_with_all_names() -> None:
    with pytest.raises(Fault) as told:
        chosen("rapid cycle")
    said = str(told.value)
    assert said.startswith("expected the name of a scenario in --scenario, got 'rapid cycle' (fault of the comm")
    assert "Did you mean 'rapid cycles'?" in said
    assert all(scenario.name in said for scenario in catalogue.ALL)
    with pytest.raises(Fault, match=r"got 'xyzzy' \(fault of the command line\). There are: auth"):
        chosen("memory,xyzzy")


@pytest.mark.parametrize(
    "given",
    [
        {"mix": "Viewer=20,Churner"},
        {"classes": [Viewer, Publisher]},
        {"exclude_tags": ["stress"]},
        {"exclude_tags": ["memory"]},
    ],
)
def test_one_that_nobody_would_play_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="expected a user that plays 'memory', got none: Crowd takes no part"):
        chosen("memory", **given)


def test_an_attack_by_its_name_is_one() -> None:
    with pytest.raises(Fault, match="would be attacked: a flood of connections"):
        attacks.check(chosen("a flood of connections")[1])
    attacks.check(chosen("rapid cycles")[1])


def test_a_name_is_no_suite_and_no_list() -> None:
    names = [one.name for one in catalogue.ALL]
    assert len(set(names)) == len(names)
    assert not set(names) & set(SUITES)
    assert not [name for name in names if "," in name or name != " ".join(name.split())]
