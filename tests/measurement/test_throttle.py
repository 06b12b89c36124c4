"""Tests of the throttle's limit that a run observes, and of its verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from loadtest.measurement.throttle import AddressBudget, ThrottleLimit, limit_of, to_json
from loadtest.measurement.validity import judge

from .rules import GOOD

if TYPE_CHECKING:
    from loadtest.measurement.throttle import BudgetRow

HOST = "http://x"


def spent(address: str, accepted: int, refused: int = 1, quiet_s: float | None = 900.0) -> AddressBudget:
    budget = AddressBudget(HOST, address, accepted=accepted)
    for _ in range(refused):
        budget.refuse(900.0, quiet_s)
    return budget


def rows(*budgets: AddressBudget) -> list[BudgetRow]:
    return [budget.to_row() for budget in budgets]


def test_no_429_is_no_limit() -> None:
    assert limit_of(rows(AddressBudget(HOST, "a", accepted=70))) is None
    assert to_json(0, 0, None) is None


def test_the_limit_is_that_of_the_addresses_that_met_it() -> None:
    found = limit_of(
        rows(spent("a", 5), spent("b", 5), spent("c", 4, 3, 870.0), AddressBudget(HOST, "d", accepted=2))
    )
    assert found == ThrottleLimit(5, 900.0, 4)


def test_workers_share_the_budget_of_an_address() -> None:
    assert limit_of(rows(spent("a", 2), AddressBudget(HOST, "a", accepted=3))) == ThrottleLimit(5, 900.0, 1)


def test_only_the_first_window_counts() -> None:
    budget = spent("a", 5)
    assert budget.is_quiet(899.9)
    assert not budget.is_quiet(900.0)
    budget.begin_window()
    budget.accepted += 1
    assert not budget.is_quiet(900.0)
    assert limit_of(rows(budget)) == ThrottleLimit(5, 900.0, 1)


def test_an_address_without_a_429_has_no_window_to_begin() -> None:
    budget = AddressBudget(HOST, "a", accepted=3)
    budget.begin_window()
    assert budget.to_row() == (HOST, "a", 3, 0, 0.0)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (
            ThrottleLimit(5, 900.0, 8),
            "accepts about 5 triggers from one address, then asks for 900 s of quiet: raise its limit, or give 20",
        ),
        (
            ThrottleLimit(5, 0.0, 8),
            "accepts about 5 triggers from one address, then answers 429 without Retry-After",
        ),
        (ThrottleLimit(0, 900.0, 1), "accepted no trigger from an address before it asks for 900 s of quiet"),
        (None, "raise the backend's limit, or give more --source-addresses"),
    ],
)
def test_the_verdict_names_the_limit_and_asks_for_no_workers(limit: ThrottleLimit | None, words: str) -> None:
    found = replace(GOOD, due=100, missed=56, withheld=56, refused=4, throttled=4, publishing_s=5.0, limit=limit)
    (reason,) = judge(found).reasons
    assert "4 of 100 triggers were answered with 429 (the backend's throttle), and 56 not sent" in reason
    assert words in reason
    assert "workers" not in reason


def test_addresses_are_used_again_after_their_quiet() -> None:
    """In an hour, each address sends four times."""
    limit = ThrottleLimit(5, 900.0, 1)
    found = replace(
        GOOD, due=3600, missed=3000, withheld=3000, refused=1, throttled=1, publishing_s=3600.0, limit=limit
    )
    assert "give 180 source addresses" in judge(found).reasons[0]


def test_what_the_throttle_did_not_hold_back_is_told_as_before() -> None:
    found = replace(GOOD, due=100, missed=12, withheld=2, refused=3, throttled=1, limit=ThrottleLimit(5, 900.0, 1))
    reasons = " ".join(judge(found).reasons)
    assert "10 of 100 triggers could not be sent when they were due" in reasons
    assert "2 of 100 triggers were refused by the backend (HTTP 4xx)" in reasons


def test_the_record_has_it() -> None:
    assert to_json(4, 56, ThrottleLimit(5, 0.0, 8)) == {
        "refused": 4,
        "withheld": 56,
        "accepted_per_address": 5,
        "quiet_s": None,
        "addresses": 8,
    }
