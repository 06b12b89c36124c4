"""What the probe finds out of both profiles, and of backends that are wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from backend.endpoint import Endpoint
from backend.rows import Rows
from scenarios import capabilities as can
from scenarios.findings import findings_of
from scenarios.probe import Probe
from target.breakages import Breakage

from ..support import start_backend
from .company import cast_of, room_of

if TYPE_CHECKING:
    from scenarios.capabilities import Capabilities

    from ..support import Backend

DOCUMENTED = {
    **dict.fromkeys(can.QUESTIONS, True),
    **dict.fromkeys((can.EIO3, can.RECOVERY, can.THROTTLE, can.TOKEN_ID), False),
}
AS_BUILT = {
    **DOCUMENTED,
    **dict.fromkeys((can.TOKEN_CHECK, can.OWN_ROOMS, can.ROOM_IDS, can.PING, can.ACKS, can.LEAVE), False),
    **dict.fromkeys((can.PATCH, can.RUN), False),
}
EXPECTED = {"documented": DOCUMENTED, "as-built": AS_BUILT}


def asked(backend: Backend, rows: Rows) -> Capabilities:
    mine, foreign = map(room_of, rows.create_rooms(2))
    return Probe(Endpoint(backend.url), mine, cast_of(mine, foreign)).ask()


def answers(capabilities: Capabilities) -> dict[str, bool | None]:
    return {question: answer.yes for question, answer in capabilities.answers.items()}


def test_every_question_of_both_profiles(backend: Backend, rows: Rows) -> None:
    found = asked(backend, rows)
    assert answers(found) == EXPECTED[backend.profile]
    assert all(answer.evidence for answer in found.answers.values())
    severities = [finding.severity.name.lower() for finding in findings_of(found, {})]
    assert (
        severities
        == {
            "documented": ["critical", "low"],
            "as-built": ["critical", "critical", "high", "medium", "low"],
        }[backend.profile]
    )


def test_a_throttled_backend_is_left_what_the_run_needs() -> None:
    backend = start_backend("as-built")
    try:
        with Rows(backend.database_url, "throttled") as rows:
            found = asked(backend, rows)
        assert answers(found)[can.THROTTLE] is True
        assert answers(found)[can.PATCH] is None
        assert "throttled" in found.answers[can.RUN].evidence
        assert backend.sql("SELECT count(*) FROM tasks")[0][0] == 0
    finally:
        backend.stop()


@pytest.mark.parametrize(
    ("breakage", "question", "answer"),
    [
        (Breakage.TAKES_BAD_TOKENS, can.TOKEN_CHECK, False),
        (Breakage.REFUSES_GUESTS, can.GUESTS, False),
        (Breakage.OPENS_FOREIGN_ROOMS, can.OWN_ROOMS, False),
        (Breakage.OPENS_UNKNOWN_ROOMS, can.ROOM_IDS, False),
        (Breakage.NO_ACKS, can.ACKS, False),
        (Breakage.LEAVES_SILENTLY, can.LEAVE, False),
        (Breakage.SILENT_PATCH, can.PATCH, False),
        (Breakage.REST_BELIEVES, can.REST_TOKENS, False),
        (Breakage.REST_REFUSES_NOBODY, can.TOKEN_ID, True),
    ],
)
def test_an_answer_follows_the_backend(
    breakable: Backend, breakage: Breakage, question: str, answer: bool
) -> None:
    breakable.breaks(breakage)
    try:
        with Rows(breakable.database_url, f"probe-{time.time_ns()}") as rows:
            assert answers(asked(breakable, rows))[question] is answer
            rows.remove()
    finally:
        breakable.breaks()
