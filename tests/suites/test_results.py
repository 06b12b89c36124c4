"""What runs printed, and the one outcome over all of them."""

from __future__ import annotations

import re

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.suites.results import (
    SuiteResult,
    exit_code,
    markdown,
    names_of,
    outcome_of,
    overall_line,
    page,
    record_in,
    suite_of,
)

PASSED = "PASSED: objectives: 15 of 16 passed, 1 not measured"
PRINTED = ["PASSED: objectives: 1 of 1 passed", "Record    results/a b/20261129-1", "", PASSED]


@pytest.mark.parametrize(
    ("code", "printed", "outcome"),
    [
        (0, PRINTED, ("PASSED", 0, "objectives: 15 of 16 passed, 1 not measured")),
        (7, ["FAILED: a check: b; objectives: x", ""], ("FAILED", 7, "a check: b; objectives: x")),
        (3, ["NOT RUN: nobody is there"], ("NOT RUN", 3, "nobody is there")),
        (2, ["usage: locust", "locust: error: no --host was given", ""], ("NOT RUN", 2, "no --host was given")),
        (
            1,
            ["[2026-11-29 05:00:02,947] vm/ERROR/locust.main: Gave up waiting", "Type  Name"],
            ("NOT RUN", 1, "Gave up waiting"),
        ),
        (1, ["Traceback", "ValueError: x", " "], ("NOT RUN", 1, "ValueError: x")),
        (-9, [], ("NOT RUN", 137, "it printed nothing")),
        # What a process ends with, and what it says, have to agree.
        (42, PRINTED, ("FAILED", 42, f"its process ended with 42, and its run passed: {PASSED[8:]}")),
        (0, ["FAILED: x"], ("INVALID", 5, "its process ended with 0, and its run did not pass: x")),
        (0, ["hello"], ("INVALID", 5, "its process ended with 0, and its run did not pass: hello")),
    ],
)
def test_the_outcome_of_a_run(code: int, printed: list[str], outcome: tuple[str, int, str]) -> None:
    assert outcome_of(code, printed) == outcome


def test_runs_of_one_suite_are_told_apart() -> None:
    assert names_of(["core", "stress"], 1) == ["core", "stress"]
    names = names_of(["core", "stress"], 2)
    assert names == ["core-1", "stress-1", "core-2", "stress-2"]
    assert [suite_of(name) for name in names] == ["core", "stress", "core", "stress"]
    assert suite_of("core") == "core"


def test_the_record_of_a_run() -> None:
    assert record_in(PRINTED) == "results/a b/20261129-1"
    assert record_in([PASSED]) == ""


def result(suite: str, word: str = "PASSED", code: int = 0, **more: str) -> SuiteResult:
    return SuiteResult(suite, word, code, f"why {suite}", 61.7, f"{suite}.log", **more)


def test_all_pass() -> None:
    results = [result("core"), result("stress")]
    assert exit_code(results) == 0
    assert overall_line(results) == "PASSED: 2 of 2 suites passed"


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ((6, 4), 4),
        ((8, 6), 8),
        ((4, 8), 4),
        ((4, 7), 7),
        ((7, 5), 5),
        ((5, 9), 9),
        ((9, 1), 1),
        ((1, 2), 2),
        ((2, 3), 3),
        ((0, 6), 6),
        ((42, 6), 42),
        ((42, 8), 8),
        ((137, 7), 7),
    ],
)
def test_the_worst_code_counts_in_any_order(codes: tuple[int, int], worst: int) -> None:
    results = [result(f"s{code}", f"WORD{code}" if code else "PASSED", code) for code in codes]
    for order in (results, results[::-1]):
        assert exit_code(order) == worst
        assert overall_line(order).startswith(f"WORD{worst}: {codes.count(0)} of 2 suites passed; ")
    assert {int(code) for code in ExitCode} - {0} <= {1, 2, 3, 4, 5, 6, 7, 8, 9}


def test_every_suite_that_did_not_pass_is_named() -> None:
    results = [result("core"), result("stress", "FAILED", 4), result("security", "SUSPECT", 6)]
    assert overall_line(results) == "FAILED: 1 of 3 suites passed; stress FAILED, security SUSPECT"


def test_pages_link_what_is_there() -> None:
    results = [
        result("core", record="core/1", report="core/1/report.html"),
        SuiteResult("own", "FAILED", 4, "a<b> | c", 1.0, "own.log"),
    ]
    shown = page(results)
    assert re.findall('href="(.*?)"', shown) == ["core/1/report.html", "core/1", "core.log", "own.log"]
    assert "a&lt;b&gt; | c" in shown
    assert "<h1>FAILED: 1 of 2 suites passed; own FAILED</h1>" in shown
    rows = markdown(results).splitlines()
    assert rows[0] == "**FAILED: 1 of 2 suites passed; own FAILED**"
    assert "[report](core/1/report.html) · [record](core/1) · [log](core.log)" in rows[4]
    assert r"FAILED: a&lt;b> \| c | 4 | 1 s | [log](own.log)" in rows[5]
