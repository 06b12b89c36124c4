"""Tests that each failed check has a hint wherever it is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.clients.errors import FAILURES, ConnectFailedError
from loadtest.measurement.checks import Checks
from loadtest.scenarios import conformance, hints
from loadtest.scenarios.capabilities import Capabilities
from loadtest.scenarios.catalogue import ALL
from loadtest.scenarios.resilience import broken
from loadtest.scenarios.scenario import CORE, scenario

from .agent_server import Habit
from .agents import company_of

if TYPE_CHECKING:
    from loadtest.scenarios.stage import Stage

EVERY = [(one.name, check) for one in ALL for check in one.checks]
UNKNOWN = hints.of_check("somebody's own", "check")


@pytest.mark.parametrize(("name", "check"), EVERY, ids=[": ".join(one) for one in EVERY])
def test_every_check_has_a_hint_of_its_own(name: str, check: str) -> None:
    hint = hints.of_check(name, check)
    assert hint != UNKNOWN
    assert re.fullmatch(r"[A-Z][a-z]+ .{15,}\.", hint), hint
    assert len(hint) < 200


def test_no_hint_is_for_a_check_that_there_is_not() -> None:
    assert {(name, check) for name, checks in hints._HINTS.items() for check in checks} == set(EVERY)


def test_every_failed_step_has_a_hint_of_its_own() -> None:
    found = [hints.of_error(failure("x")) for failure in FAILURES]
    assert len(set(found)) == len(FAILURES)


@pytest.mark.slow
def test_a_parser_that_takes_a_binary_event_without_its_attachment_is_named() -> None:
    with company_of(Habit.SILENT, 1.5) as company:
        broken.play(company)
    place = (broken.name, "whoever sends them is cut off")
    passed, evidence = company.found[place]
    assert passed is False
    assert '5-["x"]' in evidence
    assert company.hints[place].startswith("Update socket.io-parser to 4.2.7 or later on the backend: ")


def row_of(checks: Checks) -> dict[str, Any]:
    one = scenario("own", CORE, checks={"it works": ()})(lambda _: None)
    (row,) = conformance.rows([one], Capabilities({}), checks.tallies)
    return row


def test_the_row_of_a_check_has_the_hint_of_its_first_failure() -> None:
    checks = Checks()
    assert row_of(checks)["hint"] == hints.NOT_CHECKED
    checks.count("own", "it works", True, "fine")
    assert row_of(checks)["hint"] == ""
    checks.count("own", "it works", False, "bad", "Do this.")
    checks.count("own", "it works", False, "worse", "Do that.")
    other = Checks()
    other.add(checks.to_rows())
    assert (row_of(other)["evidence"], row_of(other)["hint"]) == ("bad", "Do this.")


def fails(_: Stage) -> None:
    raise ConnectFailedError("refused")


def makes_one(stage: Stage) -> None:
    stage.check("first", "no", "yes")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (fails, dict.fromkeys(("first", "second"), hints.of_error(ConnectFailedError("refused")))),
        (makes_one, {"first": UNKNOWN, "second": hints.NOT_REACHED}),
    ],
)
def test_a_check_that_was_not_reached_has_a_hint_too(act: Any, said: dict[str, str]) -> None:
    with company_of(Habit.SILENT, 1.0) as company:
        scenario("own", CORE, checks={"first": (), "second": ()})(act).play(company)
    assert {check: hint for (_, check), hint in company.hints.items()} == said
