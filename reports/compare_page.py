"""What a comparison looks like: on the terminal, and as a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from loadtest.measurement.names import short
from loadtest.reports.compare import Comparison, ComparisonOutcome
from loadtest.reports.make import PAGE
from loadtest.reports.numbers import number
from loadtest.reports.page import environment
from loadtest.reports.pictures import sides
from loadtest.reports.significance import ENOUGH_RUNS, FAILS_BEYOND_MS, FAILS_BEYOND_PERCENT, ChangeWord, enough

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loadtest.reports.load import Record
    from loadtest.reports.significance import Change

_NAMED: Final = 3
"""Figures that a sentence names; the table has all."""
_VERDICT_CLASSES: Final = {
    ComparisonOutcome.PASSED: "passed",
    ComparisonOutcome.WARNING: "warning",
    ComparisonOutcome.FAILED: "failed",
}
_WORD_CLASSES: Final = {
    ChangeWord.WORSE: ("fails", "▲ "),
    ChangeWord.MAYBE_WORSE: ("doubt", "△ "),
    ChangeWord.BETTER: ("holds", "▼ "),
    ChangeWord.MAYBE_BETTER: ("soft", "▽ "),
}

_FIGURE_CHARACTERS: Final = 60
"""Of a figure's name on the terminal, at most."""


def headline(found: Comparison, tolerance_percent: float) -> str:
    """Return the outcome in a line: its word, and a sentence."""
    outcome = found.outcome(tolerance_percent)
    return f"{outcome.value}: {_sentence(found, outcome, tolerance_percent)}"


def text(found: Comparison, tolerance_percent: float, page_path: Path) -> str:
    """Return what the terminal shows; the first and the last line are the outcome.

    :param page_path: where the page was written.
    """
    lines = [headline(found, tolerance_percent)]
    for name, records in (("before", found.before), ("after", found.after)):
        lines += [f"{name + ':':8}{record.where / PAGE}" for record in records]
    lines += ["", f"{'':24}{'before':>12}{'after':>12}{'change':>10}  {'interval':22} outcome"]
    for change in found.changes:
        before, after = (f"{number(value)} {change.unit}" for value in (change.before, change.after))
        name = short(change.figure, _FIGURE_CHARACTERS)
        lines.append(
            f"{name:24}{before:>12}{after:>12}{changed(change):>10}  {interval(change):22} {change.word.value}"
        )
    remarks = [*(f"Note: {note}." for note in found.notes), *(f"Doubt: {doubt}." for doubt in found.doubts)]
    return "\n".join([*lines, "", *remarks, f"Page: {page_path}", headline(found, tolerance_percent)])


def page(found: Comparison, tolerance_percent: float, folder: Path) -> str:
    """Return `compare.html`.

    :param folder: where the page will lie; its links to the runs' reports are relative to it.
    """
    jinja = environment()
    jinja.filters.update(changed=changed, interval=interval)
    events = found.before[0].events
    outcome = found.outcome(tolerance_percent)
    return jinja.get_template("compare.html.j2").render(
        outcome=outcome.value,
        outcome_class=_VERDICT_CLASSES[outcome],
        sentence=_sentence(found, outcome, tolerance_percent),
        named=[(word.value, names) for word in ChangeWord if (names := _named(found, word))],
        sides=[
            (name, record, _link(record, folder))
            for name, records in (("before", found.before), ("after", found.after))
            for record in records
        ],
        notes=[*found.doubts, *found.notes],
        sure=enough(found.before, found.after),
        enough_runs=ENOUGH_RUNS,
        beyond_percent=FAILS_BEYOND_PERCENT,
        beyond_ms=FAILS_BEYOND_MS,
        tolerance=tolerance_percent,
        changes=[(change, *_WORD_CLASSES.get(change.word, ("soft", ""))) for change in found.changes],
        pictures=[
            sides.changes(found, tolerance_percent),
            *(sides.spectra(found, event) for event in events),
            *(sides.over_time(found, event) for event in events),
        ],
    )


def changed(change: Change) -> str:
    """Return a change with its sign."""
    return "–" if change.change is None else _signed(change, change.change)


def interval(change: Change) -> str:
    """Return the interval of a change."""
    if change.low is None or change.high is None:
        return "–"
    return f"{_signed(change, change.low)} … {_signed(change, change.high)}"


def _sentence(found: Comparison, outcome: ComparisonOutcome, tolerance_percent: float) -> str:
    compared = sum(change.word is not ChangeWord.UNKNOWN for change in found.changes)
    if outcome is ComparisonOutcome.FAILED:
        failing = found.failing(tolerance_percent)
        return f"{len(failing)} of {compared} figures {_are(failing)} worse: {_list(failing)}."
    if warnings := found.warnings(tolerance_percent):
        few = "" if enough(found.before, found.after) else f": fewer than {ENOUGH_RUNS} runs a side"
        return f"{len(warnings)} of {compared} figures {_are(warnings)} worse, not sure{few}: {_list(warnings)}."
    if found.doubts:
        return f"nothing is worse as far as this can be told, but {'; '.join(found.doubts)}."
    unknown = len(found.changes) - compared
    rest = f"; {unknown} more had too little data" if unknown else ""
    return f"none of {compared} figures is worse by more than {tolerance_percent:g}%{rest}."


def _are(changes: Sequence[Change]) -> str:
    return "is" if len(changes) == 1 else "are"


def _list(changes: Sequence[Change]) -> str:
    """Return the first figures with their changes and intervals."""
    named = [
        f"{change.figure} {changed(change)} ({interval(change) if change.low is not None else 'no interval'})"
        for change in changes[:_NAMED]
    ]
    more = len(changes) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _named(found: Comparison, word: ChangeWord) -> list[str]:
    if word in (ChangeWord.SAME, ChangeWord.UNKNOWN):
        return []
    return [change.figure for change in found.changes if change.word is word]


def _link(record: Record, folder: Path) -> str:
    """Return the address of a run's report as seen from a folder; empty if it has none."""
    report = record.where / PAGE
    return os.path.relpath(report.resolve(), folder.resolve()).replace(os.sep, "/") if report.is_file() else ""


def _signed(change: Change, value: float) -> str:
    if change.is_share:
        return f"{value:+.3g} pp"
    return f"{value:+.0f}%" if abs(value) >= 10 else f"{value:+.1f}%"
