"""A run's `junit.xml`: its validity, objectives, checks and canaries as test cases, for whatever shows tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from loadtest.measurement import canaries
from loadtest.measurement.expectations import FIELD, Result
from loadtest.measurement.names import visible
from loadtest.measurement.outcome import OutcomeWord
from loadtest.reports.facts import BAD_OUTCOMES
from loadtest.reports.numbers import number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from loadtest.measurement.objective_results import ObjectiveResult
    from loadtest.measurement.outcome import Outcome
    from loadtest.reports.compare import Comparison
    from loadtest.reports.significance import Change

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Case = tuple[str, str | None, str | None]
"""(name, why it failed or None, why it was skipped or None)."""


def render(
    summary: Mapping[str, Any],
    outcome: Outcome,
    objectives: Iterable[ObjectiveResult],
    comparison: Comparison | None = None,
    failing: Collection[Change] = (),
) -> str:
    """Return the XML of a run: it has a failure exactly where the outcome is not PASSED.

    :param comparison: with its baseline.
    :param failing: the figures that are worse, surely enough to fail the run.
    """
    passed = outcome.word is OutcomeWord.PASSED
    reasons = summary["validity"]["reasons"]
    suites: list[tuple[str, list[Case]]] = [
        ("outcome", [("the run passed", None if passed else outcome.line, None)]),
        ("validity", [_validity("; ".join(reasons), passed=passed)]),
        ("objectives", [_objective(result, searched=summary["capacity"] is not None) for result in objectives]),
    ]
    if comparison is not None:
        suites.append(("baseline", [_change(change, failing) for change in comparison.changes]))
    expected = summary.get(FIELD) or {"capabilities": []}
    suites.append(("expected capabilities", [_expected(row) for row in expected["capabilities"]]))
    scenarios: dict[str, list[Case]] = {}
    for row in summary["conformance"]:
        scenarios.setdefault(f"scenario.{row['scenario']}", []).append(_check(row))
    suites += sorted(scenarios.items())
    suites.append(("canaries", [_canary(row) for row in summary["canaries"]]))
    return _xml(summary, [(name, cases) for name, cases in suites if cases])


def _validity(reasons: str, *, passed: bool) -> Case:
    name = "the run can be trusted"
    # A search for the capacity passes with the reasons that overload gives.
    return (name, None, reasons or None) if passed else (name, reasons or None, None)


def _objective(result: ObjectiveResult, *, searched: bool) -> Case:
    if searched and not result.passed:
        return result.title, None, "not judged: a search for the capacity overloads the backend on purpose"
    if result.passed is None:
        return result.title, None, result.word
    failure = f"{result.word}: {number(result.value)}, limit {result.comparison} {number(result.limit)}"
    return result.title, None if result.passed else failure, None


def _change(change: Change, failing: Collection[Change]) -> Case:
    said = f"{number(change.before)} {change.unit} before, {number(change.after)} {change.unit} now"
    return f"{change.figure} is not worse", f"worse: {said}" if change in failing else None, None


def _check(row: dict[str, Any]) -> Case:
    if row["outcome"] in BAD_OUTCOMES:
        hint = row.get("hint")
        return row["check"], f"{row['outcome']}: {row['evidence']}{f'. {hint}' if hint else ''}", None
    return row["check"], None, None if row["outcome"] == "passed" else f"{row['outcome']}: {row['evidence']}"


def _expected(row: dict[str, Any]) -> Case:
    said = f"{row['outcome']}: {row['evidence']}. {row['hint']}"
    failed, skipped = row["outcome"] == Result.FAILED, row["outcome"] == Result.SKIPPED
    return row["capability"], said if failed else None, said if skipped else None


def _canary(row: dict[str, Any]) -> Case:
    name = f"{row['name']} sees what the others see"
    said = f"{row['outcome']}: {row['evidence']}. {canaries.title_of(row)}"
    if row["outcome"] == canaries.Outcome.SAME:
        return name, None, None
    return (name, None, said) if row["outcome"] == canaries.Outcome.NOT_SUPPORTED else (name, said, None)


def _xml(summary: Mapping[str, Any], suites: Iterable[tuple[str, list[Case]]]) -> str:
    root = ET.Element("testsuites", name=_text(f"load test {summary['run_id']}"))
    for suite_name, cases in suites:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_text(suite_name),
            tests=str(len(cases)),
            failures=str(sum(failure is not None for _, failure, _ in cases)),
            errors="0",
            skipped=str(sum(skipped is not None for _, _, skipped in cases)),
            time=f"{summary['duration_s']:.3f}" if suite_name == "outcome" else "0",
            timestamp=summary["started"].removesuffix("Z").partition(".")[0],
        )
        for name, failure, skipped in cases:
            case = ET.SubElement(suite, "testcase", name=_text(name), classname=_text(suite_name), time="0")
            if failure is not None:
                ET.SubElement(case, "failure", message=_text(failure)).text = _text(failure)
            elif skipped is not None:
                ET.SubElement(case, "skipped", message=_text(skipped))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _text(text: str) -> str:
    """A text whose characters can be seen, without those that XML cannot have."""
    return visible(_NOT_XML.sub("\ufffd", text), keep="\n\t")
