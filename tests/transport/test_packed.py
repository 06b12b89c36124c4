from __future__ import annotations

import json
from typing import Any

import msgpack
from hypothesis import given
from hypothesis import strategies as st
from socketio.msgpack_packet import MsgPackPacket
from socketio.packet import ACK, EVENT

from loadtest.transport.known_reads import KnownReads
from loadtest.transport.packed import as_text
from loadtest.transport.packet_head import Head, event_head
from loadtest.transport.websocket_frames import BINARY, FrameParser

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def packed(event: Any, *data: Any, namespace: str = "/", kind: int = EVENT) -> bytes:
    encoded: bytes = MsgPackPacket(kind, data=[event, *data], namespace=namespace).encode()
    return encoded


@given(st.lists(JSON, max_size=3))
def test_an_event_reads_as_text_would(data: list[Any]) -> None:
    text = as_text(packed("agentLog", *data))
    assert event_head(text) == Head("agentLog")
    assert json.loads(text[2:]) == ["agentLog", *data]


def test_bytes_come_out_as_null() -> None:
    assert as_text(packed("e", {"file": b"\x00"})) == b'42["e",{"file":null}]'


@given(st.binary(max_size=60))
def test_whatever_is_no_event_is_nothing(data: bytes) -> None:
    assert as_text(data) == b"" or as_text(data).startswith(b'42["')


def test_other_packets_are_nothing() -> None:
    assert as_text(packed("e", namespace="/admin")) == b""
    assert as_text(packed("e", kind=ACK)) == b""
    assert as_text(packed(7)) == b""
    assert as_text(msgpack.packb({"type": EVENT, "nsp": "/"})) == b""
    assert as_text(b"\x91" * 100_000) == b"", "deeper than any program needs"


def frame(payload: bytes) -> bytes:
    length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | BINARY]) + length + payload


def test_a_read_is_known_by_its_bytes() -> None:
    known = KnownReads(["agentLog"], packed=True)
    read = frame(packed("agentLog", {"message": "x" * 200}))
    assert FrameParser().feed(read)[0][0] == BINARY
    assert known.learn(read) == ("agentLog", as_text(read[4:]))
    assert known.reads[read][0] == "agentLog"
    assert known.learn(frame(packed("other"))) is None
    assert known.learn(read + b"\x80") is None
    assert KnownReads(["agentLog"]).learn(read) is None


def test_text_stays_as_it_is_written() -> None:
    assert as_text(packed("e", "задача")) == '42["e","задача"]'.encode()
