"""What the probe finds out of both profiles, and of backends that are wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lab.reference_backend.breakages import Breakage
from loadtest.backends.endpoint import Endpoint
from loadtest.backends.prometheus.rows import Rows
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.findings import findings_of
from loadtest.scenarios.probe import Probe

from ..support import start_backend
from .abilities import LACKING
from .company import cast_of, room_of

if TYPE_CHECKING:
    from loadtest.scenarios.capabilities import Capabilities

    from ..support import Backend


def asked(backend: Backend, rows: Rows) -> Capabilities:
    mine, foreign = map(room_of, rows.create_rooms(2))
    return Probe(Endpoint(backend.url), mine, cast_of(mine, foreign)).ask()


def answers(capabilities: Capabilities) -> dict[str, bool | None]:
    return {question: answer.yes for question, answer in capabilities.answers.items()}


def test_every_question_of_both_profiles(backend: Backend, rows: Rows) -> None:
    found = asked(backend, rows)
    assert answers(found) == {name: name not in LACKING[backend.profile] for name in can.QUESTIONS}
    assert not any(answer.to_find_out for answer in found.answers.values())
    assert all(answer.evidence for answer in found.answers.values())
    severities = [finding.severity.name.lower() for finding in findings_of(found, {})]
    assert (
        severities
        == {
            "documented": ["critical", "low"],
            "as-built": ["critical"] * 4 + ["high", "high", "medium", "low"],
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


def test_a_mended_hole_is_seen(breakable: Backend) -> None:
    """The one thing that both profiles do wrong. `test_expectation` has what may be wrong of the others."""
    breakable.breaks(Breakage.REST_REFUSES_NOBODY)
    try:
        with Rows(breakable.database_url, f"probe-{time.time_ns()}") as rows:
            assert answers(asked(breakable, rows))[can.TOKEN_ID] is True
            rows.remove()
    finally:
        breakable.breaks()
