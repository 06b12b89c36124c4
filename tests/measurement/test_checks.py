"""Tallies of checks: they add up in any order, and keep the first thing that was said."""

from __future__ import annotations

from dataclasses import astuple

from hypothesis import given
from hypothesis import strategies as st

from loadtest.measurement.checks import Checks, Tally

OUTCOMES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["x", "y"]),
        st.sampled_from([True, False, None]),
        st.text("st"),
        st.text("hi"),
    )
)


def test_each_outcome_counts_apart_and_keeps_its_first_evidence() -> None:
    checks = Checks()
    for passed, evidence in ((True, "p1"), (None, "s1"), (False, "f1"), (True, "p2"), (False, "f2"), (None, "s2")):
        checks.count("rooms", "joins", passed, evidence, f"do {evidence}")
    checks.count("rooms", "joins", True, "p3")
    checks.count("rooms", "leaves", False, "f4")
    assert checks.tallies == {
        ("rooms", "joins"): Tally(3, 2, 2, "p1", "f1", "s1", "do f1"),
        ("rooms", "leaves"): Tally(failed=1, of_failure="f4"),
    }
    assert checks.to_rows() == [
        ["rooms", "joins", 3, 2, 2, "p1", "f1", "s1", "do f1"],
        ["rooms", "leaves", 0, 1, 0, "", "f4", "", ""],
    ]


def test_evidence_is_one_line_that_is_not_too_long() -> None:
    tally = Tally()
    tally.count(True, "  two\n words\t" + "x" * 1000)
    assert tally.of_pass == "two words " + "x" * 290


@given(OUTCOMES, OUTCOMES)
def test_two_workers_come_to_what_one_would(first: list[tuple], second: list[tuple]) -> None:
    def counted(*parts: list[tuple]) -> Checks:
        checks = Checks()
        for outcome in (one for part in parts for one in part):
            checks.count(*outcome)
        return checks

    merged = Checks()
    for part in (first, second):
        merged.add(counted(part).to_rows())
    together = counted(first, second)
    assert {key: astuple(tally) for key, tally in merged.tallies.items()} == {
        key: astuple(tally) for key, tally in together.tallies.items()
    }
