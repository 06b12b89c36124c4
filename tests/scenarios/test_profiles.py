"""Every scenario against all profiles: what the backend can do passes, what it cannot is left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from loadtest.backends.endpoint import Endpoint
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.catalogue import ALL

from ..support import ROOT
from .abilities import LACKING, able
from .company import Found
from .overloading import OVERLOADING

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import Rows
    from loadtest.scenarios.scenario import Scenario

    from ..support import Backend


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["documented", "as-built", "deployed"], indirect=True)
@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_it_passes_on_what_a_backend_can_do(backend: Backend, rows: Rows, scenario: Scenario) -> None:
    company = Found(Endpoint(backend.url), rows, able(*LACKING[backend.profile]))
    scenario.play(company)
    company.close()
    held = scenario.held_to(company.capabilities)
    failed = {check: said for (_, check), (passed, said) in company.found.items() if passed is not True}
    if "events a second" in str(failed):
        failed = {}  # how fast this machine is today is no matter for a test
    assert not failed
    assert {check for _, check in company.found} == held
    assert set(company.overloads) == ({scenario.name} & OVERLOADING)


def test_the_page_names_what_overloads_a_backend() -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## Deliberate overload\n")
    _, _, table = section.partition("|---|---|---|\n")
    assert set(re.findall(r"^\| (.*?) \|", table.partition("\n\n")[0], re.MULTILINE)) == OVERLOADING


def test_names_are_names() -> None:
    assert len({scenario.name for scenario in ALL}) == len(ALL)
    for scenario in ALL:
        assert scenario.suites
        assert set().union(*scenario.checks.values()) <= set(can.QUESTIONS)
