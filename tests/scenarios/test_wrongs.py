"""Each wrong backend of `wrongs` fails just the checks that it is about: a check that cannot fail is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from lab.reference_backend.breakages import Breakage
from loadtest.backends.endpoint import Endpoint
from loadtest.backends.prometheus.rows import Rows
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.catalogue import ALL
from loadtest.scenarios.guide import GUIDE
from loadtest.scenarios.intrusion import nobody

from ..support import start_backend
from .abilities import LACKING, able
from .company import Found
from .wrongs import WRONGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support import Backend

BY_NAME: Final = {scenario.name: scenario for scenario in ALL}
ORDER: Final = "they come in order, each once"
WITH_DOCKER: Final = {
    **{
        breakage: checks
        for breakage, checks in WRONGS["agent logs"].items()
        # The number of an agent's logs is not known.
        if breakage
        not in (Breakage.SWAPPED_LOGS, Breakage.NO_TIMES, Breakage.NO_DOCKER_LOG, Breakage.ONE_MORE_LOG)
    },
    Breakage.SILENT_ENDS: {ORDER},
}
HOLE: Final = (nobody.name, "REST refuses it")
"""What every profile does wrong: its fault is a backend as it is."""


def test_every_check_has_a_wrong_that_fails_it() -> None:
    failed = {(name, check) for name, wrongs in WRONGS.items() for checks in wrongs.values() for check in checks}
    assert failed | {HOLE} == {(scenario.name, check) for scenario in ALL for check in scenario.checks}


def test_every_line_of_the_guide_has_several_wrongs() -> None:
    for section, lines in GUIDE.items():
        for line, how in lines.items():
            wrongs = {wrong for scenario in how.scenarios for wrong in WRONGS[scenario.name]}
            assert len(wrongs) >= 2 or not how.scenarios, f"{section}: {line}"


@pytest.fixture
def company(breakable: Backend) -> Iterator[Found]:
    with Rows(breakable.database_url, "wrongs") as rows:
        made = Found(Endpoint(breakable.url), rows, able(), patience_s=1.0)
        yield made
        made.close()
        rows.remove()
        breakable.breaks()


def failed(backend: Backend, name: str, *breakages: Breakage, patience_s: float = 1.5) -> dict[str, str]:
    """Play a scenario once; return the checks that did not pass, with their evidence."""
    backend.breaks(*breakages)
    with Rows(backend.database_url, "wrongs") as rows:
        company = Found(Endpoint(backend.url), rows, able(*LACKING[backend.profile]), patience_s=patience_s)
        BY_NAME[name].play(company)
        company.close()
        rows.remove()
    backend.breaks()
    return {check: evidence for (_, check), (passed, evidence) in company.found.items() if passed is not True}


CASES: Final = [(name, breakage) for name, wrongs in WRONGS.items() for breakage in wrongs]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "breakage"), CASES, ids=[f"{name}: {breakage}" for name, breakage in CASES])
def test_a_wrong_fails_just_what_it_is_about(breakable: Backend, name: str, breakage: Breakage) -> None:
    wrong = failed(breakable, name, breakage)
    assert set(wrong) == WRONGS[name][breakage], wrong
    assert all(wrong.values())


def test_a_hole_fails_and_a_mended_one_passes(company: Found, breakable: Backend) -> None:
    nobody.play(company)
    assert company.found[HOLE][0] is False
    company.found.clear()
    breakable.breaks(Breakage.REST_REFUSES_NOBODY)
    nobody.play(company)
    assert company.found[HOLE][0] is True


@pytest.fixture(scope="module")
def slow_agents() -> Iterator[Backend]:
    """Agents that work for longer than anything else is waited for."""
    more = ("--throttle-limit", "0", "--breakable", "--agent-delay", "1200", "--agent-rounds", "1")
    backend = start_backend("deployed", *more)
    yield backend
    backend.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["agent logs", "sequential updates", "an operator at work", "high volume"])
def test_an_end_long_after_the_post_is_no_fault(slow_agents: Backend, name: str) -> None:
    """An agent works for at least 3.6 s, and answers are waited for 1 s."""
    assert not failed(slow_agents, name, patience_s=1.0)


@pytest.fixture(scope="module")
def agents() -> Iterator[Backend]:
    backend = start_backend("deployed", "--throttle-limit", "0", "--breakable", "--agent-delay", "20")
    yield backend
    backend.stop()


@pytest.mark.slow
@pytest.mark.parametrize(("breakage", "checks"), WITH_DOCKER.items(), ids=[str(one) for one in WITH_DOCKER])
def test_agents_at_work_hide_no_wrong(agents: Backend, breakage: Breakage, checks: set[str]) -> None:
    assert set(failed(agents, "agent logs", breakage)) == checks


def test_what_a_scenario_cannot_get_is_said(company: Found) -> None:
    company.rooms = company.rooms[:1]
    BY_NAME["several rooms at once"].play(company)
    ((passed, evidence),) = company.found.values()
    assert passed is None
    assert "--rooms-per-owner" in evidence


def test_a_backend_that_lacks_everything_is_not_asked(company: Found) -> None:
    company.capabilities = able(*can.QUESTIONS)
    BY_NAME["bad tokens"].play(company)
    assert not company.found
