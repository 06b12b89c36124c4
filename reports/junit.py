"""A run's `junit.xml`: its validity, objectives, checks and canaries as test cases, for whatever shows tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from measure.canaries import Outcome

from .facts import BAD_OUTCOMES
from .headline import slo_outcome
from .numbers import number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .compare import Change, Comparison

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Case = tuple[str, str | None, str | None]
"""(name, why it failed or None, why it was skipped or None)."""


def render(summary: dict[str, Any], comparison: Comparison | None = None, worse: Collection[Change] = ()) -> str:
    """The XML of a run's summary.

    :param comparison: with its baseline.
    :param worse: the figures that are worse by more than is tolerated.
    """
    verdict = summary["validity"]["verdict"]
    reasons = summary["validity"]["reasons"] or [verdict]
    suites: list[tuple[str, list[Case]]] = [
        ("validity", [("the run can be trusted", None if verdict == "valid" else "; ".join(reasons), None)]),
        ("objectives", [_objective(row, verdict) for row in summary["slo"]]),
    ]
    if comparison is not None:
        suites.append(("baseline", [_change(change, worse) for change in comparison.changes]))
    scenarios: dict[str, list[Case]] = {}
    for row in summary["conformance"]:
        scenarios.setdefault(f"scenario.{row['scenario']}", []).append(_check(row))
    suites += sorted(scenarios.items())
    suites.append(("canaries", [_canary(row) for row in summary["canaries"]]))
    return _xml(summary, [(name, cases) for name, cases in suites if cases])


def _objective(row: dict[str, Any], verdict: str) -> Case:
    name = f"{row['name']} ({row['phase']})" if row["phase"] else row["name"]
    said = f"{number(row['value'])}, and has to be {row['comparison']} {number(row['limit'])}"
    outcome = slo_outcome(row, verdict)
    if row["passed"] is None:
        return name, None, outcome
    return name, None if row["passed"] else f"{outcome}: {said}", None


def _change(change: Change, worse: Collection[Change]) -> Case:
    said = f"{number(change.before)} {change.unit} before, {number(change.after)} {change.unit} now"
    return f"{change.figure} is no worse", f"worse: {said}" if change in worse else None, None


def _check(row: dict[str, Any]) -> Case:
    if row["outcome"] in BAD_OUTCOMES:
        return row["check"], f"{row['outcome']}: {row['evidence']}", None
    return row["check"], None, None if row["outcome"] == "passed" else f"{row['outcome']}: {row['evidence']}"


def _canary(row: dict[str, Any]) -> Case:
    name = f"{row['name']} sees what the others see"
    said = f"{row['outcome']}: {row['evidence']}"
    if row["outcome"] == Outcome.SAME:
        return name, None, None
    return (name, None, said) if row["outcome"] == Outcome.NOT_SUPPORTED else (name, said, None)


def _xml(summary: dict[str, Any], suites: Iterable[tuple[str, list[Case]]]) -> str:
    root = ET.Element("testsuites", name=f"load test {summary['run_id']}")
    for suite_name, cases in suites:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_text(suite_name),
            tests=str(len(cases)),
            failures=str(sum(failure is not None for _, failure, _ in cases)),
            errors="0",
            skipped=str(sum(skipped is not None for _, _, skipped in cases)),
            time=f"{summary['duration_s']:.3f}" if suite_name == "validity" else "0",
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
    """A text without the characters that XML cannot have."""
    return _NOT_XML.sub("\ufffd", text)
