"""`python -m loadtest.scenarios`: the tables of docs/scenarios.md, as they follow from the code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from loadtest.scenarios.capabilities import QUESTIONS
from loadtest.scenarios.catalogue import ROLES
from loadtest.scenarios.findings import RULES
from loadtest.scenarios.guide import GUIDE
from loadtest.scenarios.guide_limits import UNCHECKED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loadtest.scenarios.guide import Line
    from loadtest.scenarios.scenario import Scenario

BEGIN = "<!-- tables: written by `python -m loadtest.scenarios` -->"
END = "<!-- /tables -->"
_TESTS = ("tests/scenarios/test_profiles.py", "tests/scenarios/test_wrongs.py")


def tables() -> str:
    """All of them, as Markdown."""
    return "\n".join([BEGIN, *_roles(), *_questions(), *_guide(), END]) + "\n"


def _roles() -> Iterator[str]:
    yield "## Who plays what"
    yield ""
    yield from _table(
        ("user class", "scenario", "suites", "checks", "needs"),
        (
            (
                role if first else "",
                scenario.name,
                ", ".join(scenario.suites),
                "<br>".join(scenario.checks),
                "<br>".join(", ".join(needs) or "–" for needs in scenario.checks.values()),
            )
            for role, played in ROLES.items()
            for first, scenario in _marked(played)
        ),
    )


def _questions() -> Iterator[str]:
    findings = {rule.capability: f"{rule.severity.name.lower()}: {rule.title}" for rule in RULES}
    yield "## What the backend is asked before the run"
    yield ""
    yield from _table(
        ("capability", "question", "if not, a finding"),
        ((name, question, findings.get(name, "")) for name, question in QUESTIONS.items()),
    )


def _guide() -> Iterator[str]:
    role_of = {scenario.name: role for role, played in ROLES.items() for scenario in played}
    yield "## Every line of the guide"
    yield ""
    yield f"All scenarios are tested by {' and '.join(f'`{test}`' for test in _TESTS)}; further tests are named."
    yield "The second of these has the nearest wrongs of each scenario: backends that do nearly what they should."
    for section, lines in GUIDE.items():
        yield ""
        yield f"### {section}"
        yield ""
        yield from _table(
            ("line", "user class: scenario", "otherwise", "not checked", "further tests"),
            ((line, *_covered(line, how, role_of)) for line, how in lines.items()),
        )


def _covered(line: str, how: Line, role_of: dict[str, str]) -> tuple[str, ...]:
    return (
        "<br>".join(f"{role_of[scenario.name]}: {scenario.name}" for scenario in how.scenarios),
        how.otherwise,
        UNCHECKED.get(line, "–"),
        "<br>".join(f"`{test}`" for test in how.tests),
    )


def _marked(scenarios: Iterable[Scenario]) -> Iterator[tuple[bool, Scenario]]:
    """Each with whether it is the first."""
    for number, scenario in enumerate(scenarios):
        yield number == 0, scenario


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(tables())
