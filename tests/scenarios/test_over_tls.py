"""The network scenarios on a backend behind TLS, as the suites' files name one: played, and able to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.reference_backend.breakages import Breakage
from loadtest.backends.endpoint import Endpoint
from loadtest.backends.prometheus.rows import Rows
from loadtest.backends.tls import Trust
from loadtest.scenarios import resilience

from ..tls_front import tls_front
from .abilities import able
from .company import Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loadtest.scenarios.scenario import Scenario

    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.needs("openssl")]


@pytest.fixture
def company(breakable: Backend, keys: Path, tmp_path: Path) -> Iterator[Found]:
    trust = Trust(ca_file=str(keys / "ca.pem"))
    with Rows(breakable.database_url, "tls") as rows, tls_front(breakable.url, keys, tmp_path) as url:
        made = Found(Endpoint(url, trust=trust), rows, able(), patience_s=2.0)
        yield made
        made.close()
        rows.remove()
        breakable.breaks()


@pytest.mark.parametrize(
    ("scenario", "breakages", "failed"),
    [
        (resilience.bad_network, [], []),
        (resilience.bad_network, [Breakage.MUTES_FIRST], ["everything arrives all the same"]),
        (resilience.cut_off, [], []),
        (resilience.cut_off, [Breakage.FORGETS_RETURNERS], ["everybody hears the room again"]),
    ],
)
def test_the_backend_is_judged(
    company: Found, breakable: Backend, scenario: Scenario, breakages: list[Breakage], failed: list[str]
) -> None:
    breakable.breaks(*breakages)
    scenario.play(company)
    outcomes = {check: passed for (_, check), (passed, _) in company.found.items()}
    assert outcomes == {check: check not in failed for check in scenario.checks}, company.found


def test_a_certificate_that_is_not_trusted_fails_the_check(company: Found) -> None:
    """The relay must not make the backend look better than it is: no client skips the certificate's check."""
    company.endpoint = Endpoint(company.endpoint.host)
    resilience.bad_network.play(company)
    ((passed, evidence),) = company.found.values()
    assert passed is False
    assert "unable to get local issuer certificate" in evidence
