"""The frame parser: against wsproto as an independent oracle, at every cut, and against garbage."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed

from loadtest.transport.websocket_frames import (
    BINARY,
    CLOSE,
    MAX_MESSAGE_BYTES,
    PING,
    PONG,
    TEXT,
    FrameParser,
    Message,
    WebSocketProtocolError,
    build_frame,
    close_code,
    single_frame,
)

from .peer import server_frame


def oracle(data: bytes) -> tuple[list[Message], bool]:
    """(messages, whether the protocol was broken), by wsproto."""
    protocol = FrameProtocol(client=True, extensions=[])
    protocol.receive_bytes(data)
    messages: list[Message] = []
    parts: list[bytes] = []
    try:
        for frame in protocol.received_frames():
            payload = frame.payload
            if frame.opcode is Opcode.CLOSE:
                code, reason = payload
                encoded = b"" if code == 1005 else int(code).to_bytes(2, "big") + (reason or "").encode()
                messages.append((CLOSE, encoded))
                return messages, False
            raw = payload.encode() if isinstance(payload, str) else bytes(payload)
            if frame.opcode in (Opcode.PING, Opcode.PONG):
                messages.append((int(frame.opcode), raw))
                continue
            parts.append(raw)
            if frame.message_finished:
                messages.append((int(frame.opcode), b"".join(parts)))
                parts = []
    except ParseFailed:
        return messages, True
    return messages, False


def parse(data: bytes, cuts: list[int] | None = None) -> tuple[list[Message], bool]:
    parser = FrameParser()
    messages: list[Message] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    for start, stop in pairwise(edges):
        try:
            messages += parser.feed(data[start:stop])
        except WebSocketProtocolError as error:
            return messages + error.messages, True  # type: ignore[attr-defined]
    return messages, False


texts = st.text(max_size=300).map(str.encode)
sizes = st.sampled_from([0, 1, 125, 126, 127, 65535, 65536, 70000])


@st.composite
def conversations(draw: st.DrawFn) -> bytes:
    """What a server may send: messages, whole and in fragments, with control frames in between."""
    data = b""
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["text", "binary", "large", "fragments", "ping", "pong"]))
        if kind == "text":
            data += server_frame(TEXT, draw(texts))
        elif kind == "binary":
            data += server_frame(BINARY, draw(st.binary(max_size=200)))
        elif kind == "large":
            data += server_frame(BINARY, bytes(draw(sizes)))
        elif kind == "fragments":
            parts = draw(st.lists(st.binary(max_size=50), min_size=2, max_size=4))
            for number, part in enumerate(parts):
                data += server_frame(BINARY if number == 0 else 0, part, fin=number == len(parts) - 1)
                if draw(st.booleans()):
                    data += server_frame(PING, b"between")
        else:
            data += server_frame(PING if kind == "ping" else PONG, draw(st.binary(max_size=125)))
    if draw(st.booleans()):
        data += server_frame(CLOSE, b"\x03\xe8bye") + b"after the end"
    return data


@settings(max_examples=200)
@given(conversations(), st.lists(st.integers(0, 10**6), max_size=10))
def test_any_cut_gives_what_the_oracle_reads(data: bytes, cuts: list[int]) -> None:
    expected, broken = oracle(data)
    assert not broken
    assert parse(data, cuts) == (expected, False)


@given(
    st.binary(max_size=300)
    | texts.map(lambda payload: server_frame(TEXT, payload))
    | sizes.map(lambda size: server_frame(TEXT, bytes(size)))
)
def test_the_short_way_agrees_with_the_parser(data: bytes) -> None:
    start = single_frame(data)
    if start:
        assert parse(data) == ([(TEXT, data[start:])], False)
        assert FrameParser().idle
    elif len(data) <= 65539 and data[:1] == b"\x81":
        assert parse(data) != ([(TEXT, data[2:])], False) or len(data) == 2


def test_idle_is_between_messages_only() -> None:
    parser = FrameParser()
    whole, part = server_frame(TEXT, b"x"), server_frame(TEXT, b"x", fin=False)
    states = []
    for data in (whole, whole[:1], whole[1:], part, server_frame(0, b"y"), server_frame(CLOSE, b"")):
        parser.feed(data)
        states.append(parser.idle)
    assert states == [True, False, True, False, True, False]


def test_every_single_cut_of_a_burst() -> None:
    frames = [(TEXT, b'42["agentLog",{}]'), (TEXT, b"x" * 200), (PING, b"p"), (TEXT, b"2")]
    data = b"".join(server_frame(opcode, payload) for opcode, payload in frames)
    for cut in range(len(data) + 1):
        assert parse(data, [cut]) == (frames, False)


def test_a_megabyte_byte_by_byte_is_not_quadratic() -> None:
    data = server_frame(BINARY, bytes(1_000_000))
    parser = FrameParser()
    found = [message for byte in range(len(data)) for message in parser.feed(data[byte : byte + 1])]
    assert len(found) == 1
    assert len(found[0][1]) == 1_000_000


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_garbage_is_messages_or_the_protocol_error(data: bytes, cuts: list[int]) -> None:
    messages, broken = parse(data, cuts)
    whole = parse(data)
    assert (messages, broken) == whole


@pytest.mark.slow
def test_a_million_mutated_inputs() -> None:
    """Bounded in time as well: whatever is reached in half a minute has passed."""
    rng = random.Random(6455)
    seeds = [
        server_frame(TEXT, b'42["agentLog",{"message":"x"}]') * 3,
        server_frame(BINARY, bytes(200), fin=False) + server_frame(0, b"end"),
        server_frame(PING, b"p") + server_frame(CLOSE, b"\x03\xe8"),
    ]
    until_s = time.monotonic() + 30
    for number in range(1_000_000):
        if number % 1000 == 0 and time.monotonic() > until_s:
            break
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        parser = FrameParser()
        cut = rng.randrange(len(data))
        try:
            parser.feed(bytes(data[:cut]))
            parser.feed(bytes(data[cut:]))
        except WebSocketProtocolError:
            continue


@given(
    st.sampled_from([TEXT, BINARY, PING]),
    st.binary(max_size=125) | sizes.map(bytes),
    st.binary(min_size=4, max_size=4),
)
def test_the_oracle_reads_what_is_built(opcode: int, payload: bytes, key: bytes) -> None:
    if opcode == PING:
        payload = payload[:125]
    protocol = FrameProtocol(client=False, extensions=[])
    protocol.receive_bytes(build_frame(opcode, payload, key))
    read = b""
    try:
        for frame in protocol.received_frames():
            part = frame.payload
            read += part.encode() if isinstance(part, str) else bytes(part)
    except ParseFailed:
        assert opcode == TEXT  # random bytes are seldom UTF-8, and only that may be wrong
        with pytest.raises(UnicodeDecodeError):
            payload.decode()
        return
    assert read == payload


def test_close_codes() -> None:
    assert close_code(b"") == (1005, "")
    assert close_code(b"\x0f\xa0go away") == (4000, "go away")


def fails(data: bytes, limit: int = 1000) -> tuple[int, str, list[Message]]:
    parser = FrameParser(limit)
    with pytest.raises(WebSocketProtocolError) as caught:
        parser.feed(server_frame(TEXT, b"before") + data)
    assert parser.closed
    assert not parser.idle
    assert parser.feed(server_frame(TEXT, b"after")) == []
    return caught.value.code, str(caught.value), caught.value.messages


FIRST_PART = server_frame(TEXT, b"x" * 600, fin=False)
BROKEN = {
    "a masked frame from the server": (1002, b"\x81\x85abcd"),
    "a length that is not written in the shortest way": (1002, b"\x81\x7e\x00\x7d" + b"x" * 125),
    "reserved bits are set, and no extension was agreed on": (1002, b"\xc1\x00"),
    "unknown control frame 0xb": (1002, b"\x8b\x00"),
    "unknown data frame 0x3": (1002, b"\x83\x00"),
    "a fragmented control frame": (1002, b"\x09\x00"),
    "a control frame that is too long": (1002, b"\x89\x7e\x00\x7e"),
    "a continuation of nothing": (1002, b"\x80\x00"),
    "a new message inside a fragmented one": (1002, FIRST_PART + b"\x81\x00"),
    "a message of 1001 bytes": (1009, server_frame(TEXT, b"x" * 1001)),
    "a message of more than 1000 bytes": (1009, FIRST_PART + server_frame(0, b"x" * 401)),
    "a close frame with a code that must not be sent": (1002, b"\x88\x02\x03\xed"),
    "a close frame whose reason is not UTF-8": (1007, b"\x88\x03\x03\xe8\xff"),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_what_is_broken_is_said_with_its_code_and_what_came_before_is_kept(reason: str) -> None:
    code, data = BROKEN[reason]
    assert fails(data) == (code, reason, [(TEXT, b"before")])
    if code != 1009:  # the limit is ours: the oracle has none
        assert oracle(data)[1]


def test_too_large_a_message_is_refused_from_its_head() -> None:
    head = b"\x82\x7f" + (MAX_MESSAGE_BYTES + 1).to_bytes(8, "big")
    with pytest.raises(WebSocketProtocolError, match="more than") as error:
        FrameParser().feed(head)
    assert error.value.code == 1009


@pytest.mark.parametrize(
    "data",
    [
        server_frame(TEXT, b"x" * 1000),
        FIRST_PART + server_frame(0, b"x" * 400),
        server_frame(PING, b"x" * 125),
        server_frame(TEXT, b"x" * 126),
    ],
)
def test_what_is_just_allowed(data: bytes) -> None:
    assert len(FrameParser(1000).feed(data)) == 1


@pytest.mark.parametrize(("length", "right"), [(125, False), (126, True), (65_535, False), (65_536, True)])
def test_a_length_is_written_in_the_shortest_way(length: int, right: bool) -> None:
    field = b"\x7e" + length.to_bytes(2, "big") if length < 1000 else b"\x7f" + length.to_bytes(8, "big")
    parser = FrameParser()
    if right:
        assert parser.feed(b"\x81" + field + b"x" * length) == [(TEXT, b"x" * length)]
    else:
        with pytest.raises(WebSocketProtocolError, match="shortest"):
            parser.feed(b"\x81" + field)
        assert oracle(b"\x81" + field + b"x" * length)[1]


@pytest.mark.parametrize(
    ("payload", "right"),
    [
        *((code.to_bytes(2, "big"), True) for code in (1000, 1003, 1007, 1014, 3000, 4999)),
        *((code.to_bytes(2, "big"), False) for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)),
        (b"\x03", False),
    ],
)
def test_which_codes_may_be_sent(payload: bytes, right: bool) -> None:
    frame = server_frame(CLOSE, payload)
    assert parse(frame)[1] is not right
    if payload != b"\x03\xf6":  # 1014 came after the RFC: the oracle does not know it
        assert oracle(frame)[1] is not right
    if right:
        assert close_code(payload) == (int.from_bytes(payload, "big"), "")
    else:
        with pytest.raises(WebSocketProtocolError, match="must not be sent"):
            close_code(payload)


def test_a_new_parser_is_between_two_messages() -> None:
    parser = FrameParser()
    assert (parser.closed, parser.idle) == (False, True)
