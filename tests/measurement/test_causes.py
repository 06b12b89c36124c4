"""Why nothing was measured, and where the adapter is at fault: one line, with its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtest.measurement.causes import (
    adapter_failed,
    failed_triggers,
    ids_never_match,
    ids_partly_match,
    nothing_measured,
)
from loadtest.measurement.evidence import Evidence
from loadtest.measurement.keys import KeyCounts, merge

NOTHING = Evidence(connects=24, users={"Viewer": 24, "Publisher": 4}, publishers_started=True, publishing=True)


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (
            {"connects": 0, "connect_failures": 24, "failures": {"connect: /nope was refused: Invalid": 24}},
            "no user connected: 24 connects failed, 24 of them with: /nope was refused: Invalid",
        ),
        (
            {"join_failures": 24, "due": 9, "sent": 9, "failures": {"join: not yours": 20, "join: no": 4}},
            "no user got into a room: 24 joins failed, 20 of them with: not yours",
        ),
        (
            {"users": {"Viewer": 24}, "publishers_started": False, "members": 24},
            "no trigger was sent: there was no Publisher among the users started (24 Viewer)",
        ),
        (
            {"users": {"Viewer": 24}, "publishers_started": False, "publishers": 0, "members": 24},
            "no trigger was sent: --publishers is 0 (users started: 24 Viewer)",
        ),
        (
            {"publishing": False, "members": 3},
            "no trigger was sent: publishers start only after all users have started",
        ),
        ({"members": 24}, "no trigger was sent: none was due yet"),
        ({"members": 24, "due": 9}, "none of the 9 triggers that were due could be sent"),
        ({"members": 24, "due": 9, "sent": 9, "refused": 9}, "the backend refused all 9 triggers"),
        ({"members": 24, "due": 9, "sent": 9}, "none of the 24 members was in its room when the 9 triggers"),
        (
            {"members": 24, "due": 1, "sent": 1, "edge": 24},
            "24 deliveries were in flight as receivers joined or left (--in-flight-window): publish for longer",
        ),
        ({"due": 9, "sent": 9}, "no user was in a room (24 connected)"),
    ],
)
def test_the_cause_of_nothing_comes_first(found: dict[str, Any], cause: str) -> None:
    line = nothing_measured(replace(NOTHING, **found))
    assert line is not None
    assert line.startswith(f"nothing was measured, because no user expected a broadcast: {cause}")
    assert "\n" not in line


def test_further_causes_follow() -> None:
    found = replace(NOTHING, publishers_started=False, members=20, join_failures=4, failures={"join: no": 4})
    line = str(nothing_measured(found))
    assert line.index("there was no Publisher") < line.index("4 joins failed, 4 of them with: no")


def test_an_adapter_s_first_error_is_named_with_what_it_cost() -> None:
    failures = {"join: no": 1, "adapter mine: `read` raised KeyError('x') for the frame '42'": 3}
    line = adapter_failed(Evidence(adapter_errors=3, unreadable=60, failures=failures))
    assert line == (
        "adapter mine: `read` raised KeyError('x') for the frame '42' (3 errors, 60 deliveries not read): "
        "fix the adapter, see docs/another-backend.md"
    )


def test_an_unread_answer_is_the_adapter_s_fault_if_no_answer_can_be_read() -> None:
    unread = {"sent": 9, "unread_answers": 5, "failures": {"adapter mine: `key_of` raised KeyError('x')": 5}}
    assert adapter_failed(Evidence(**unread, failed=8)) is None  # type: ignore[arg-type]
    line = adapter_failed(Evidence(**unread, failed=7, refused=2))  # type: ignore[arg-type]
    assert line is not None
    assert line.startswith("adapter mine: `key_of` raised KeyError('x') (5 answers without a readable id)")


def test_ids_that_never_match_are_told_with_an_example_of_each() -> None:
    found = Evidence(
        adapter="mine", unmatched=6000, lost=6000, failed=1, foreign=6000, keys=KeyCounts(1500, 0, 0, 0, "b", "a")
    )
    line = str(ids_never_match(found))
    assert "adapter mine: none of the ids in 6000 broadcasts received (for example 'b')" in line
    assert "the answers to 1500 triggers gave (for example 'a')" in line
    assert "of 6000 deliveries that count as lost, 6000 may be among them" in line
    assert failed_triggers(found) is None, "it is told once"


def test_a_key_of_that_finds_no_id_at_all_is_named() -> None:
    line = str(ids_never_match(Evidence(adapter="mine", unmatched=5, sent=9, keys=KeyCounts(in_broadcast="b"))))
    assert "the answers to 9 triggers gave: `key_of` found none in them" in line
    assert ids_never_match(Evidence(unmatched=5, sent=9, failed=9)) is None


def test_some_ids_that_do_not_match_are_told_where_something_was_lost() -> None:
    found = Evidence(unmatched=50, lost=90, keys=KeyCounts(9, 5, 4, 40, "b", "a"))
    line = str(ids_partly_match(found))
    assert "(for example 'b'), and no broadcast had the ids of 4 triggers (for example 'a')" in line
    assert "of 90 deliveries that count as lost, 40 may be among them" in line
    assert ids_partly_match(replace(found, keys=KeyCounts(9, 5, 0, 0, "b"))) is None
    assert ids_never_match(found) is None


def test_workers_have_triggers_in_common_and_losses_of_their_own() -> None:
    counts = [KeyCounts(9, 5, 4, 40, "", "a"), KeyCounts(9, 6, 3, 2, "b", "c")]
    assert merge(counts) == KeyCounts(9, 6, 4, 42, "b", "a")
