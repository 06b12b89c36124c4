from __future__ import annotations

import pytest

from loadtest.transport.sessions import knows_no_session, session_fault


@pytest.mark.parametrize(
    ("status", "body", "unknown"),
    [
        (400, '{"code":1,"message":"Session ID unknown"}', True),
        (400, '"Invalid session g5wJnsSy5ZRtraI5AAAA"', True),
        (400, '{"code":5,"message":"Unsupported protocol version"}', False),
        (400, "<html>Bad Request</html>", False),
        (404, '{"code":1,"message":"Session ID unknown"}', False),
        (400, "[]", False),
    ],
)
def test_only_an_unknown_session_is_one(status: int, body: str, unknown: bool) -> None:
    assert knows_no_session(status, body) is unknown


def test_it_is_the_balancer_s_fault_only_where_two_instances_are_seen() -> None:
    assert session_fault("a", "b") == (
        "no sticky sessions: instance a opened it, and a request of it went to instance b, which does not know it "
        "(HTTP 400)"
    )
    for opened_by, asked in (("a", "a"), ("", "b"), ("a", ""), ("", "")):
        assert session_fault(opened_by, asked) == (
            "the session is not known (HTTP 400): requests of one session reach several instances, as without "
            "sticky sessions, or the instance was started again"
        )
