"""Which event a packet's text carries, whoever wrote it and whatever comes or goes with it."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketio.packet import BINARY_ACK, BINARY_EVENT, EVENT, Packet

from loadtest.transport.known_reads import KnownReads
from loadtest.transport.packed import as_text
from loadtest.transport.packet_head import Head, are_several, attachments_of, event_head
from loadtest.transport.websocket_frames import BINARY, PING, TEXT

NAMES = st.text(min_size=1) | st.sampled_from(
    ['a"b', "back\\slash", "naïve", "😀", "tab\t", "\\", '\\"', "x]", "\x00"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
ACK_IDS = st.none() | st.integers(0, 2**53)


def encoded(name: str, arguments: list[Any], ack_id: int | None, *, as_node: bool) -> list[bytes]:
    """The Engine.IO messages of an event: the first one's text, then attachments."""
    packet = Packet(EVENT, data=[name, *arguments], namespace="/", id=ack_id)
    parts = packet.encode()
    text, *attachments = parts if isinstance(parts, list) else [parts]
    if as_node:
        # JSON.stringify escapes what JSON demands, and lone surrogates.
        start = text.index("[")
        text = text[:start] + json.dumps(json.loads(text[start:]), ensure_ascii=False, separators=(",", ":"))
    return [b"4" + text.encode(), *attachments]


@given(NAMES, st.lists(JSON | st.binary(max_size=5), max_size=4), ACK_IDS, st.booleans())
def test_any_event_is_recognized_in_text(
    name: str, arguments: list[Any], ack_id: int | None, as_node: bool
) -> None:
    text, *attachments = encoded(name, arguments, ack_id, as_node=as_node)
    head = Head(name, len(attachments), ack_id is not None)
    assert event_head(text) == head
    assert KnownReads([name]).head(text) == head
    assert KnownReads([name + "x", name[:-1]]).head(text) is None
    assert attachments_of(text) == len(attachments)


@given(NAMES, st.lists(JSON | st.binary(max_size=5) | st.floats(), max_size=4), ACK_IDS, st.sampled_from([2, 5]))
def test_any_event_is_recognized_in_msgpack(
    name: str, arguments: list[Any], ack_id: int | None, kind: int
) -> None:
    packet = {"type": kind, "data": [name, *arguments], "nsp": "/"}
    text = as_text(msgpack.packb(packet if ack_id is None else packet | {"id": ack_id}))
    head = Head(name, 0, ack_id is not None)
    assert event_head(text) == head
    assert KnownReads([name], packed=True).head(text) == head
    assert json.loads(text[text.index(b"[") :], parse_constant=pytest.fail)[0] == name


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (b'42["n"]', Head("n")),
        (b'42/,["n"]', Head("n")),
        (b'420["n"]', Head("n", 0, wants_ack=True)),
        (b'4217["n"]', Head("n", 0, wants_ack=True)),
        (b'451-["n",{"_placeholder":true,"num":0}]', Head("n", 1)),
        (b'4512-/,17["n"]', Head("n", 12, wants_ack=True)),
        (b'450-["n"]', Head("n")),
        (b'42[ "n" ,1]', Head("n")),
        (b'42["\\u006e"]', Head("n")),
    ],
)
def test_a_head_is_read(text: bytes, head: Head) -> None:
    assert event_head(text) == head
    assert KnownReads(["n"]).head(text) == head


@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b"2",
            b"3",
            b"4",
            b"40",
            b"42",
            b"42[",
            b"42[]",
            b'42["',
            b'42["n',
            b"42[1]",
            b'42["n\\"]',
            b'43["n"]',
        ),
        *(
            b'42/other,["n"]',
            b'451-/other,["n"]',
            b'461-1["n"]',
            b'45["n"]',
            b'45-["n"]',
            b'421-["n"]',
            b'52["n"]',
        ),
        *(b'2["n"]', b'42["\\x6e"]', b'42["\xff"]', b"45" + b"1" * 11 + b'-["n"]'),
    ],
)
def test_other_packets_and_broken_heads_are_no_event(text: bytes) -> None:
    assert event_head(text) is None
    assert KnownReads(["n", "", "n]"]).head(text) is None


@given(st.binary(max_size=40) | st.binary(max_size=30).map(lambda tail: b"45" + tail))
def test_any_bytes_are_read_without_an_error(text: bytes) -> None:
    event_head(text)
    attachments_of(text)
    KnownReads(["n"]).head(text)


def test_a_name_that_ends_in_a_backslash_is_not_another_with_a_quote() -> None:
    known = KnownReads(["a\\", 'a"b'])
    assert known.head(b'42["a\\"b",1]') == Head('a"b')
    assert known.head(b'42["a\\\\",1]') == Head("a\\")


def test_attachments_are_counted_in_every_namespace_and_kind() -> None:
    for kind, text in ((BINARY_EVENT, b'453-/other,["n"]'), (BINARY_ACK, b"463-7[]")):
        assert text[1] - ord("0") == kind
        assert attachments_of(text) == 3


@pytest.mark.parametrize(
    ("opcodes", "packed", "several"),
    [
        ([TEXT], False, False),
        ([TEXT, BINARY, BINARY], False, False),
        ([BINARY, BINARY], False, False),
        ([TEXT, TEXT], False, True),
        ([TEXT, BINARY, TEXT], False, True),
        ([BINARY, TEXT], False, True),
        ([BINARY, PING], False, True),
        ([BINARY], True, False),
        ([BINARY, BINARY], True, True),
        ([], False, False),
    ],
)
def test_a_packet_and_its_attachments_are_one(opcodes: list[int], packed: bool, several: bool) -> None:
    assert are_several([(opcode, b"") for opcode in opcodes], packed=packed) is several
