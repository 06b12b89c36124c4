"""An observed event may have any name: servers write some characters in JSON in more than one way."""

from __future__ import annotations

import json

import pytest

from loadtest.transport.known_reads import KnownReads

from ..measurement.odd_names import NAMES


def name_in(known: KnownReads, text: bytes) -> str | None:
    head = known.head(text)
    return None if head is None else head.event


@pytest.mark.parametrize("name", NAMES)
def test_an_event_of_any_name_is_recognized(name: str) -> None:
    known = KnownReads([name])
    for ascii_only in (True, False):
        text = f"42[{json.dumps(name, ensure_ascii=ascii_only)},1]".encode("utf-8", "backslashreplace")
        assert name_in(known, text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b'42["a"]', "a"),
        (b'42["a\\"b",1]', 'a"b'),
        (b'42["a\\\\",1]', "a\\"),
        (b'42[""]', ""),
        (b'42["a', None),
        (b'42["a\\"', None),
        (b'42["a\\', None),
        (b'43["a"]', None),
    ],
)
def test_the_name_of_an_event_ends_at_its_quote(text: bytes, name: str | None) -> None:
    assert name_in(KnownReads(["a", 'a"b', "a\\", ""]), text) == name


def test_a_slash_that_is_escaped() -> None:
    assert name_in(KnownReads(["a/b"]), b'42["a\\/b"]') == "a/b"
