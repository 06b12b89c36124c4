from __future__ import annotations

import json

import pytest

from loadtest.backends.prometheus.reader import Reader
from loadtest.canaries import sayings
from loadtest.canaries.sayings import Said
from loadtest.measurement.frame_syntax import is_parsable


def test_an_event_becomes_the_frame_that_it_came_by() -> None:
    said = sayings.parse('["event",1700000000123.25,"agentLog","{\\"message\\":\\"Ж\\"}"]')
    assert said == Said(
        "event", 1_700_000_000_123_249_920, event="agentLog", frame='42["agentLog",{"message":"Ж"}]'.encode()
    )
    assert Reader().read("agentLog", said.frame)


@pytest.mark.parametrize("event", ['a"b', "back\\slash", "naïve", "\ud800"])
@pytest.mark.parametrize("payload", [None, "{}"])
def test_the_frame_of_any_event_is_one_that_clients_can_parse(event: str, payload: str | None) -> None:
    said = sayings.parse(json.dumps(["event", 1, event, payload]))
    assert said is not None
    assert said.event == event
    assert is_parsable(said.frame)
    assert json.loads(said.frame[2:]) == [event, *([] if payload is None else [{}])]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('["joined",2]', Said("joined", 2_000_000)),
        ('["transport",2,"polling"]', Said("transport", 2_000_000, "polling")),
        ('["lost",2,"transport close"]', Said("lost", 2_000_000, "transport close")),
        ('["event",2]', None),
        ('["sings",2]', None),
        ('["joined","soon"]', None),
        ("[]", None),
        ("(node:1) Warning: something", None),
    ],
)
def test_other_lines(line: str, said: Said | None) -> None:
    assert sayings.parse(line) == (said if line != '["event",2]' else Said("event", 2_000_000))
