"""A scenario: what it is called, which suites it is part of, what it checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from loadtest.clients.errors import FAILURES
from loadtest.scenarios import hints
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loadtest.scenarios.capabilities import Capabilities
    from loadtest.scenarios.company import Company

CORE: Final = "core"
STRESS: Final = "stress"
INTEGRATION: Final = "integration"
PRODUCTION: Final = "production"
SECURITY: Final = "security"
SUITES: Final = (CORE, STRESS, INTEGRATION, PRODUCTION, SECURITY)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    checks: name -> capabilities that a backend needs to be held to it. act: plays it.
    """

    name: str
    suites: tuple[str, ...]
    checks: Mapping[str, tuple[str, ...]]
    act: Callable[[Stage], None] = field(repr=False)

    @property
    def tags(self) -> frozenset[str]:
        """Its suites and its name, by which Locust's --tags chooses."""
        return frozenset((self.name, *self.suites))

    def held_to(self, capabilities: Capabilities) -> frozenset[str]:
        """The checks that a backend is held to."""
        return frozenset(check for check, needs in self.checks.items() if not capabilities.lacking(needs))

    def play(self, company: Company) -> None:
        """Play it once; nothing where the backend is held to no check.

        A check that it did not get to, since an earlier step failed, failed with the same evidence.
        """
        checks = self.held_to(company.capabilities)
        if not checks:
            return
        stage = Stage(self.name, checks, company)
        outcome: bool | None = False
        hint = ""
        try:
            self.act(stage)
            evidence, hint = "the scenario ended without it", hints.NOT_REACHED
        except SkipError as error:
            outcome, evidence = None, str(error)
        except FAILURES as error:
            evidence, hint = str(error), hints.of_error(error)
        finally:
            stage.close()
        for check in sorted(checks - stage.made):
            company.check(self.name, check, outcome, evidence, hint)


def scenario(
    name: str,
    *suites: str,
    checks: Mapping[str, tuple[str, ...]],
) -> Callable[[Callable[[Stage], None]], Scenario]:
    """Make a scenario of a function; see `Scenario`."""
    return lambda act: Scenario(name, suites, checks, act)
