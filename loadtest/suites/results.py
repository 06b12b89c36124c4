"""How suites came out: one outcome, line, exit code and page over all of them. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtest.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

_PASSED: Final = "PASSED"
_FAILED: Final = "FAILED"
_INVALID: Final = "INVALID"
_NOT_RUN: Final = "NOT RUN"
_OUTCOME: Final = re.compile(r"(PASSED|FAILED|SUSPECT|INVALID|NOT RUN): .*")
_ERROR: Final = re.compile(r"locust: error: (.*)|.*/ERROR/[^:]*: (.*)")
_RECORD: Final = re.compile(r"Record +(.*)")
_HTML: Final = '<a href="{1}">{0}</a>'
_MARKDOWN: Final = "[{0}]({1})"
_WORST_FIRST: Final = (
    ExitCode.SETUP_FAILED,
    ExitCode.USAGE,
    1,
    ExitCode.LOST_WORKERS,
    ExitCode.RUN_INVALID,
    ExitCode.CHECK_FAILED,
    ExitCode.OBJECTIVE_FAILED,
    ExitCode.WORSE,
)
"""Runs that could not begin are the first thing to look at; then the order is that of docs/exit-codes.md. Codes
that are not a run's own, such as a signal's, come next, and SUSPECT last.
"""


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """How one suite came out. Paths are relative to the folder of all results.

    suite: its name; with the number of the run, if it ran several times.
    word: its outcome: PASSED, FAILED, SUSPECT, INVALID or NOT RUN.
    exit_code: of its run; 0 only where the word is PASSED.
    why: the rest of its outcome's line.
    took_s: seconds from its start to its end.
    log: path of what it printed.
    record: path of its record; empty if it left none.
    report: path of its report; empty if it made none.
    """

    suite: str
    word: str
    exit_code: int
    why: str
    took_s: float
    log: str
    record: str = ""
    report: str = ""

    @property
    def line(self) -> str:
        """Its outcome in one line, with its word first."""
        return f"{self.word}: {self.why}"

    def to_json(self) -> dict[str, Any]:
        """Return it as an object of `suites.json`."""
        return asdict(self) | {"took_s": round(self.took_s, 1)}


def names_of(suites: Sequence[str], repeat: int) -> list[str]:
    """Return what the runs of suites are called, in order.

    :param repeat: how often each suite runs.
    """
    if repeat == 1:
        return list(suites)
    return [f"{suite}-{number}" for number in range(1, repeat + 1) for suite in suites]


def suite_of(name: str) -> str:
    """Return the suite that a run is of."""
    return name.partition("-")[0]


def outcome_of(code: int, printed: Sequence[str]) -> tuple[str, int, str]:
    """Return the outcome of a run: its word, its exit code, and why.

    :param code: how its process ended; minus the number of a signal that killed it.
    :param printed: all lines that it printed.
    """
    code = 128 - code if code < 0 else code
    line = next((line for line in reversed(printed) if _OUTCOME.fullmatch(line)), "")
    word, _, why = line.partition(": ")
    if not line:
        errors = [found[1] or found[2] for one in printed if (found := _ERROR.fullmatch(one)) is not None]
        last = next((one for one in reversed(printed) if one.strip()), "it printed nothing")
        word, why = _NOT_RUN, errors[-1] if errors else last
    if code and word == _PASSED:
        return _FAILED, code, f"its process ended with {code}, and its run passed: {why}"
    if not code and word != _PASSED:
        return _INVALID, int(ExitCode.RUN_INVALID), f"its process ended with 0, and its run did not pass: {why}"
    return word, code, why


def record_in(printed: Sequence[str]) -> str:
    """Return the path of the record that a run printed; empty if it printed none."""
    found = [match[1] for line in printed if (match := _RECORD.fullmatch(line)) is not None]
    return found[-1] if found else ""


def exit_code(results: Sequence[SuiteResult]) -> int:
    """Return one exit code for all suites: 0 if every suite passed, otherwise the worst of theirs."""
    worst = _worst(results)
    return worst.exit_code if worst is not None else int(ExitCode.PASSED)


def overall_line(results: Sequence[SuiteResult]) -> str:
    """Return the outcome of all suites in one line, with its word first."""
    worst = _worst(results)
    others = [f"{one.suite} {one.word}" for one in results if one.exit_code]
    counted = f"{len(results) - len(others)} of {len(results)} suites passed"
    return f"{_PASSED}: {counted}" if worst is None else f"{worst.word}: {counted}; {', '.join(others)}"


def _worst(results: Sequence[SuiteResult]) -> SuiteResult | None:
    return min((one for one in results if one.exit_code), key=lambda one: _rank(one.exit_code), default=None)


def _rank(code: int) -> int:
    if code in _WORST_FIRST:
        return _WORST_FIRST.index(code)
    return len(_WORST_FIRST) + (code == ExitCode.RUN_SUSPECT)


def markdown(results: Sequence[SuiteResult]) -> str:
    """Return the outcome and a line for each suite as Markdown, e.g. for the summary of a CI job."""
    rows = [
        f"| {one.suite} | {_cell(one.line)} | {one.exit_code} | {one.took_s:.0f} s | {_links(one, _MARKDOWN)} |"
        for one in results
    ]
    head = ["| suite | outcome | exit code | took | files |", "|---|---|---|---|---|"]
    return "\n".join([f"**{_cell(overall_line(results))}**", "", *head, *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")


def page(results: Sequence[SuiteResult]) -> str:
    """Return the same as an HTML page, to stand in the folder of all results."""
    rows = "".join(
        f"<tr><td>{html.escape(one.suite)}<td>{html.escape(one.line)}<td>{one.exit_code}<td>{one.took_s:.0f} s"
        f"<td>{_links(one, _HTML)}\n"
        for one in results
    )
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Suites</title>\n'
        "<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
        "td,th{border-bottom:1px solid #ccc;padding:.4rem .8rem;text-align:left;vertical-align:top}</style>\n"
        f"<h1>{html.escape(overall_line(results))}</h1>\n"
        f"<table>\n<tr><th>suite<th>outcome<th>exit code<th>took<th>files\n{rows}</table>\n</html>\n"
    )


def _links(result: SuiteResult, link: str) -> str:
    """Return links to the files of a suite.

    :param link: what a link looks like; {0} is its text, {1} its path.
    """
    named = (("report", result.report), ("record", result.record), ("log", result.log))
    return " · ".join(link.format(name, html.escape(path)) for name, path in named if path)
